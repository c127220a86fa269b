//! Claims about the table: names are unique, and no event has a field or operation beyond it.

use super::table::{ACTOR, COMMON, TYPES, find, is_op};
use super::{FileOp, NetOp};

#[test]
fn names_of_types_and_fields_are_unique() {
    for (index, kind) in TYPES.iter().enumerate() {
        assert!(TYPES.iter().skip(index + 1).all(|other| other.name != kind.name), "{}", kind.name);
        let mut names: Vec<&str> = kind.fields.to_vec();
        names.extend(COMMON);
        names.push("op");
        if kind.has_actor {
            names.extend(ACTOR);
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{}", kind.name);
        assert!(names.iter().all(|name| !name.ends_with("_b64")), "{}", kind.name);
    }
}

#[test]
fn every_operation_is_in_the_table() {
    let file: Vec<_> = FileOp::ALL.iter().map(|op| op.name()).collect();
    let net: Vec<_> = NetOp::ALL.iter().map(|op| op.name()).collect();
    assert_eq!(find("file").map(|kind| kind.ops), Some(file.as_slice()));
    assert_eq!(find("net").map(|kind| kind.ops), Some(net.as_slice()));
    assert!(is_op("fork") && !is_op("vfork") && find("dns").is_none());
}
