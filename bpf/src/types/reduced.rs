//! Writes BTF that holds a part of another.

use std::collections::{BTreeSet, HashMap};

use super::raw::{Raw, Type, kind};

/// Bytes of `struct btf_header`.
const HEADER: u32 = 24;

/// The kernel's first two bytes of it, and the version.
const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;

/// Types and strings that grow.
#[derive(Default)]
struct Part {
    types: Vec<u8>,
    strings: Vec<u8>,
}

impl Part {
    fn new() -> Part {
        // A name at 0 is no name.
        Part { types: Vec::new(), strings: vec![0] }
    }

    fn name(&mut self, name: &[u8]) -> Option<u32> {
        if name.is_empty() {
            return Some(0);
        }
        let at = u32::try_from(self.strings.len()).ok()?;
        self.strings.extend_from_slice(name);
        self.strings.push(0);
        Some(at)
    }

    /// A type with its words changed.
    fn add(&mut self, it: Type<'_>, changed: impl Iterator<Item = (usize, u32)>) -> Option<()> {
        let from = self.types.len();
        self.types.extend_from_slice(it.bytes());
        for (at, word) in changed {
            let place = self.types.get_mut(from + at..from + at + 4)?;
            place.copy_from_slice(&word.to_ne_bytes());
        }
        Some(())
    }

    fn bytes(self) -> Option<Vec<u8>> {
        let (types, strings) =
            (u32::try_from(self.types.len()).ok()?, u32::try_from(self.strings.len()).ok()?);
        let mut bytes = Vec::with_capacity((HEADER + types + strings) as usize);
        bytes.extend_from_slice(&MAGIC.to_ne_bytes());
        bytes.extend_from_slice(&[VERSION, 0]);
        for word in [HEADER, 0, types, types, strings] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(&self.types);
        bytes.extend_from_slice(&self.strings);
        Some(bytes)
    }
}

/// These types under new numbers; others that they point to become `void`.
pub(super) fn layouts(kernel: &Raw<'_>, kept: &BTreeSet<u32>) -> Option<Vec<u8>> {
    let numbers: HashMap<u32, u32> = kept.iter().copied().zip(1..).collect();
    let mut part = Part::new();
    for number in kept {
        let it = kernel.get(*number)?;
        let mut changed = Vec::new();
        for at in it.names() {
            changed.push((at, part.name(kernel.name(it.word(at)?)?)?));
        }
        for at in it.references() {
            changed.push((at, numbers.get(&it.word(at)?).copied().unwrap_or(0)));
        }
        part.add(it, changed.into_iter())?;
    }
    part.bytes()
}

/// These types under the numbers that the kernel has for them: all before them are blank.
pub(super) fn hooks(kernel: &Raw<'_>, kept: &BTreeSet<u32>) -> Option<Vec<u8>> {
    let mut part = Part::new();
    let mut blank = [0; 12];
    blank[4..8].copy_from_slice(&(kind::FWD << 24).to_ne_bytes());
    part.types.reserve(kept.last().map_or(0, |last| *last as usize * blank.len()));
    let mut next = 1;
    for number in kept {
        for _ in next..*number {
            part.types.extend_from_slice(&blank);
        }
        next = number + 1;
        let it = kernel.get(*number)?;
        let name = part.name(kernel.name(it.name())?)?;
        part.add(it, [(0, name), (8, 0)].into_iter())?;
    }
    part.bytes()
}
