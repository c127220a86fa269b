//! Which of the kernel's types the programs need.

use std::collections::{BTreeSet, HashSet};

use object::{Object, ObjectSection};

use super::raw::{Raw, kind};

/// The type information of a compiled object.
pub(super) fn section(elf: &[u8]) -> Option<&[u8]> {
    object::File::parse(elf).ok()?.section_by_name(".BTF")?.data().ok()
}

/// Names of structures in the objects.
pub(super) struct Names {
    names: HashSet<Vec<u8>>,
    /// Which pairs of first bytes they have: most of the kernel's names are none of them at a glance.
    begins: Vec<bool>,
}

impl Default for Names {
    fn default() -> Names {
        Names { names: HashSet::new(), begins: vec![false; 1 << 16] }
    }
}

/// Kinds that a program can name and be moved to.
fn is_named(kind: u32) -> bool {
    use kind::{ENUM, ENUM64, FWD, STRUCT, TYPEDEF, UNION};
    matches!(kind, STRUCT | UNION | ENUM | ENUM64 | TYPEDEF | FWD)
}

fn place(begin: [u8; 2]) -> usize {
    usize::from(u16::from_ne_bytes(begin))
}

/// `task_struct___old` is a look of `task_struct`.
fn plain(name: &[u8]) -> &[u8] {
    let cut = name.windows(3).position(|three| three == b"___");
    cut.and_then(|at| name.get(..at)).unwrap_or(name)
}

impl Names {
    /// Adds those that an object names.
    pub(super) fn add(&mut self, object: &Raw<'_>) {
        let types = object.numbers().filter_map(|number| object.get(number));
        for name in types.filter(|it| is_named(it.kind())).filter_map(|it| object.name(it.name())) {
            self.insert(plain(name));
        }
    }

    fn insert(&mut self, name: &[u8]) {
        // A name of one byte could not be found by its begin.
        let Some(begin) = name.get(..2).and_then(|two| two.try_into().ok()) else { return };
        let Some(place) = self.begins.get_mut(place(begin)) else { return };
        *place = true;
        self.names.insert(name.to_owned());
    }

    fn may_have(&self, begin: [u8; 2]) -> bool {
        self.begins.get(place(begin)).is_some_and(|it| *it)
    }

    fn has(&self, name: &[u8]) -> bool {
        self.names.contains(plain(name))
    }
}

/// Numbers of the kernel's types.
pub(super) struct Picked {
    /// Structures that the objects name, and all that they hold in place.
    pub(super) layouts: BTreeSet<u32>,
    /// What programs are attached by.
    pub(super) hooks: BTreeSet<u32>,
}

/// Picks types by the names in the objects, and hooks by kind and name.
pub(super) fn picked(kernel: &Raw<'_>, names: &Names, hooks: &[(u32, String)]) -> Option<Picked> {
    let mut picked = Picked { layouts: BTreeSet::new(), hooks: BTreeSet::new() };
    let mut of_hooks = Names::default();
    for (_, name) in hooks {
        of_hooks.insert(name.as_bytes());
    }
    for number in kernel.numbers() {
        let it = kernel.get(number)?;
        let kind = it.kind();
        // A name's end is looked for only where its begin is one of those that are wanted.
        let begin = kernel.begin(it.name())?;
        let named = is_named(kind) && names.may_have(begin);
        let hooked = matches!(kind, kind::TYPEDEF | kind::FUNC) && of_hooks.may_have(begin);
        if !named && !hooked {
            continue;
        }
        let name = kernel.name(it.name())?;
        if named && names.has(name) {
            picked.layouts.insert(number);
        }
        if hooked && of_hooks.has(name) {
            let same = |(of, wanted): &(u32, String)| *of == kind && wanted.as_bytes() == name;
            picked.hooks.extend(hooks.iter().any(same).then_some(number));
        }
    }
    hold(kernel, &mut picked.layouts)?;
    Some(picked)
}

/// Adds what types hold in place: members, elements, what a name stands for. What a pointer points to
/// has no place in the layout.
fn hold(kernel: &Raw<'_>, kept: &mut BTreeSet<u32>) -> Option<()> {
    let mut open: Vec<u32> = kept.iter().copied().collect();
    while let Some(number) = open.pop() {
        let it = kernel.get(number)?;
        if matches!(it.kind(), kind::PTR | kind::FUNC_PROTO) {
            continue;
        }
        for at in it.references() {
            let other = it.word(at)?;
            if other != 0 && kept.insert(other) {
                open.push(other);
            }
        }
    }
    Some(())
}
