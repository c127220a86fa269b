//! Types of events and their operations as a bit each.

use std::collections::HashMap;
use std::sync::LazyLock;

use event::model::table::{self, ACTOR, TYPES};

/// The things of each field: asked for many times while rules are read.
static OF_FIELD: LazyLock<HashMap<&'static str, u64>> = LazyLock::new(|| {
    let names = TYPES.iter().flat_map(|kind| kind.fields.iter()).chain(ACTOR);
    names.map(|name| (*name, things_where(|kind| kind.has_field(name)))).collect()
});

/// The things of types whose events say who did it.
static BY_SOMEBODY: LazyLock<u64> = LazyLock::new(|| things_where(|kind| kind.has_actor));

/// The things that have a field.
pub(super) fn things_with(field: &str) -> u64 {
    OF_FIELD.get(field).copied().unwrap_or(0)
}

/// The things that somebody did.
pub(super) fn things_by_somebody() -> u64 {
    *BY_SOMEBODY
}

/// The things (type and operation, a bit each) of the types that are so.
fn things_where(is: impl Fn(&table::Type) -> bool) -> u64 {
    TYPES.iter().filter(|kind| is(kind)).fold(0, |all, kind| all | things_of(kind.name, None))
}

/// The things of a type, or the one with this operation.
pub(crate) fn things_of(kind: &str, op: Option<&str>) -> u64 {
    let mut bit = 0_u32;
    let mut all = 0;
    for known in TYPES {
        let ops = known.ops.len().max(1);
        for place in 0..ops {
            let is_op = op.is_none_or(|op| known.ops.get(place) == Some(&op));
            if known.name == kind && is_op {
                all |= 1_u64.checked_shl(bit).unwrap_or(0);
            }
            bit += 1;
        }
    }
    all
}

/// Returns the place of an event among the things.
pub(crate) fn thing(kind: &str, op: Option<&str>) -> usize {
    let mut place = 0;
    for known in TYPES {
        if known.name == kind {
            let at = op.and_then(|op| known.ops.iter().position(|one| *one == op));
            return place + at.unwrap_or(0);
        }
        place += known.ops.len().max(1);
    }
    THINGS - 1
}

/// More than there are types and operations; a bit each in 64.
pub(crate) const THINGS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_operation_has_a_bit_of_its_own() {
        let mut all = 0_u64;
        for kind in TYPES {
            for op in kind.ops.iter().map(|op| Some(*op)).chain(kind.ops.is_empty().then_some(None))
            {
                let bit = things_of(kind.name, op);
                assert_eq!((bit.count_ones(), all & bit), (1, 0), "{} {op:?}", kind.name);
                assert_eq!(bit, 1 << thing(kind.name, op));
                all |= bit;
            }
        }
    }
}
