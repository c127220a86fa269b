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
    assert!(is_op("fork") && !is_op("vfork") && find("weather").is_none());
}

/// The document by sections, each from its heading to the next.
fn sections() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/events.md");
    let text = std::fs::read_to_string(path).expect("docs/events.md is there");
    let parts = text.split("\n## ").skip(1);
    let halves = parts.filter_map(|part| part.split_once('\n'));
    halves.map(|(head, body)| (head.to_owned(), body.to_owned())).collect()
}

fn section(heading: &str) -> String {
    let found = sections().into_iter().find(|(head, _)| head == heading);
    found.unwrap_or_else(|| panic!("docs/events.md has no section '{heading}'")).1
}

/// The names in the first column of the tables of a section.
fn documented(section: &str) -> Vec<String> {
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let firsts = cells.filter_map(|line| line.split_once(" |")).map(|(cell, _)| cell);
    firsts.flat_map(|cell| cell.split(", ")).map(|name| name.replace('`', "")).collect()
}

#[test]
fn every_type_operation_and_field_is_documented_and_nothing_else() {
    for kind in TYPES {
        let names = documented(&section(&format!("`{}`", kind.name)));
        let expected: Vec<&str> = kind.ops.iter().chain(kind.fields).copied().collect();
        for name in &expected {
            assert!(names.iter().any(|other| other == name), "{} of {}", name, kind.name);
        }
        for name in &names {
            assert!(expected.contains(&name.as_str()), "{name} is no field of {}", kind.name);
        }
    }
    assert_eq!(documented(&section("Every line")), [COMMON, &["op"]].concat());
    assert_eq!(documented(&section("The process that did it")), ACTOR);
}

#[test]
fn every_value_of_a_closed_list_is_documented() {
    use super::{Basis, Missing};
    use crate::coverage::Word;
    use crate::frame::control::{Cause, Source, State};
    let words = [Word::Complete, Word::Folded, Word::Partial, Word::Truncated];
    let states = [State::On, State::Degraded, State::Off, State::NotAsked];
    for (heading, names) in [
        ("How paths are made", Basis::ALL.map(Basis::name).to_vec()),
        ("How paths are made", Missing::ALL.map(Missing::name).to_vec()),
        ("Verdicts", words.map(Word::name).to_vec()),
        ("`source`", Source::ALL.map(Source::name).to_vec()),
        ("`source`", states.map(State::name).to_vec()),
        ("`lost`", Cause::ALL.map(Cause::name).to_vec()),
    ] {
        let text = section(heading);
        for name in names {
            assert!(text.contains(&format!("`{name}`")), "{name} in {heading}");
        }
    }
}

#[test]
fn every_operation_is_listed_once() {
    let ops = super::table::ops();
    let different: std::collections::BTreeSet<_> = ops.iter().collect();
    assert_eq!(different.len(), ops.len());
    assert!(super::table::TYPES.iter().flat_map(|kind| kind.ops).all(|op| ops.contains(op)));
}
