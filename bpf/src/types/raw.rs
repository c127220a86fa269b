//! The binary form of BTF (Documentation/bpf/btf.rst): where each type stands, and what it refers to.

use std::ops::Range;

/// Bytes of `struct btf_type`.
const TYPE: usize = 12;

/// Kinds of types, as the kernel numbers them (include/uapi/linux/btf.h).
pub(super) mod kind {
    pub(crate) const INT: u32 = 1;
    pub(crate) const PTR: u32 = 2;
    pub(crate) const ARRAY: u32 = 3;
    pub(crate) const STRUCT: u32 = 4;
    pub(crate) const UNION: u32 = 5;
    pub(crate) const ENUM: u32 = 6;
    pub(crate) const FWD: u32 = 7;
    pub(crate) const TYPEDEF: u32 = 8;
    pub(crate) const VOLATILE: u32 = 9;
    pub(crate) const CONST: u32 = 10;
    pub(crate) const RESTRICT: u32 = 11;
    pub(crate) const FUNC: u32 = 12;
    pub(crate) const FUNC_PROTO: u32 = 13;
    pub(crate) const VAR: u32 = 14;
    pub(crate) const DATASEC: u32 = 15;
    pub(crate) const FLOAT: u32 = 16;
    pub(crate) const DECL_TAG: u32 = 17;
    pub(crate) const TYPE_TAG: u32 = 18;
    pub(crate) const ENUM64: u32 = 19;
}

/// BTF whose header and types have been walked once.
pub(super) struct Raw<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins in `types`; the first has number 1.
    begins: Vec<u32>,
}

/// One type with what belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Type<'a> {
    bytes: &'a [u8],
}

/// A little- or big-endian word, as the machine has it: BTF of a running kernel is in its order.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let found = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(found.try_into().ok()?))
}

/// Bytes that follow `struct btf_type`: so many for it, and so many for each of its members.
fn tail(kind: u32) -> Option<(usize, usize)> {
    Some(match kind {
        kind::INT | kind::VAR | kind::DECL_TAG => (4, 0),
        kind::ARRAY => (12, 0),
        kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => (0, 12),
        kind::ENUM | kind::FUNC_PROTO => (0, 8),
        kind::PTR
        | kind::FWD
        | kind::TYPEDEF
        | kind::VOLATILE
        | kind::CONST
        | kind::RESTRICT
        | kind::FUNC
        | kind::FLOAT
        | kind::TYPE_TAG => (0, 0),
        _ => return None,
    })
}

impl<'a> Raw<'a> {
    /// Walks all types; nothing if a length or a kind is not known, as of a newer form.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Raw<'a>> {
        let size = |at| word(bytes, at).map(|it| it as usize);
        let (header, from, len) = (size(4)?, size(8)?, size(12)?);
        let types = bytes.get(header.checked_add(from)?..)?.get(..len)?;
        let (from, len) = (size(16)?, size(20)?);
        let strings = bytes.get(header.checked_add(from)?..)?.get(..len)?;
        let mut begins = Vec::with_capacity(len / 16);
        let mut at = 0;
        while at < types.len() {
            begins.push(u32::try_from(at).ok()?);
            let info = word(types, at + 4)?;
            let (fixed, each) = tail(kind_of(info))?;
            at += TYPE + fixed + each * members_of(info);
        }
        Some(Raw { types, strings, begins })
    }

    /// The numbers of all types: 1 and up, for 0 is `void`.
    pub(super) fn numbers(&self) -> Range<u32> {
        // The kernel's own bound (BTF_MAX_TYPE) is below 2^20.
        1..u32::try_from(self.begins.len()).unwrap_or(0) + 1
    }

    pub(super) fn get(&self, number: u32) -> Option<Type<'a>> {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        let from = *self.begins.get(at)? as usize;
        let to = self.begins.get(at + 1).map_or(self.types.len(), |to| *to as usize);
        Some(Type { bytes: self.types.get(from..to)? })
    }

    /// The first two bytes of a name; its end may be one of them.
    pub(super) fn begin(&self, at: u32) -> Option<[u8; 2]> {
        let from = self.strings.get(at as usize..)?;
        Some([0, 1].map(|at| from.get(at).copied().unwrap_or(0)))
    }

    /// A name, without its end.
    pub(super) fn name(&self, at: u32) -> Option<&'a [u8]> {
        let from = self.strings.get(at as usize..)?;
        from.split(|byte| *byte == 0).next()
    }
}

fn kind_of(info: u32) -> u32 {
    info >> 24 & 0x1f
}

fn members_of(info: u32) -> usize {
    (info & 0xffff) as usize
}

impl<'a> Type<'a> {
    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn kind(self) -> u32 {
        word(self.bytes, 4).map_or(0, kind_of)
    }

    pub(super) fn name(self) -> u32 {
        word(self.bytes, 0).unwrap_or(0)
    }

    /// Where names stand in it: its own, and those of its members.
    pub(super) fn names(self) -> impl Iterator<Item = usize> {
        let each = match self.kind() {
            kind::STRUCT | kind::UNION | kind::ENUM64 => 12,
            kind::ENUM | kind::FUNC_PROTO => 8,
            _ => 0,
        };
        let members = word(self.bytes, 4).map_or(0, members_of);
        std::iter::once(0)
            .chain((0..if each > 0 { members } else { 0 }).map(move |n| TYPE + n * each))
    }

    /// Where numbers of other types stand in it.
    pub(super) fn references(self) -> impl Iterator<Item = usize> {
        let (own, each, place) = match self.kind() {
            kind::STRUCT | kind::UNION => (0..0, 12, 4),
            kind::FUNC_PROTO => (8..12, 8, 4),
            kind::ARRAY => (12..20, 0, 0),
            kind::PTR
            | kind::TYPEDEF
            | kind::VOLATILE
            | kind::CONST
            | kind::RESTRICT
            | kind::FUNC
            | kind::TYPE_TAG => (8..12, 0, 0),
            _ => (0..0, 0, 0),
        };
        let members = word(self.bytes, 4).map_or(0, members_of);
        let of_members =
            (0..if each > 0 { members } else { 0 }).map(move |n| TYPE + n * each + place);
        own.step_by(4).chain(of_members)
    }

    pub(super) fn word(self, at: usize) -> Option<u32> {
        word(self.bytes, at)
    }
}
