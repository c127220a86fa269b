//! When a rule holds: for each event, for many of them, for a sequence.

use super::conditions::clause;
use super::unknown;
use crate::field::Field;
use crate::forms::pattern;
use crate::problem::Complaints;
use crate::rule::{Amount, Body, Bound, By, Same, Step, Tally, Which};
use crate::yaml::Node;

pub(super) fn body(node: &Node, complaints: &mut Complaints<'_>) -> Option<Body> {
    let tally = ["count", "sum", "distinct"].iter().find_map(|key| Some((*key, node.get(key)?)));
    match (node.get("when"), node.get("sequence"), tally) {
        (Some(when), None, None) => Some(Body::When(clause(when, complaints))),
        (Some(when), None, Some((kind, value))) => {
            let when = clause(when, complaints);
            Some(Body::Tally { when, tally: self::tally(kind, value, complaints)? })
        }
        (None, Some(value), None) => sequence(value, complaints),
        _ => {
            complaints.error(
                node.line,
                "a rule has `when`, perhaps with one of `count`, `sum`, `distinct`, or `sequence`",
            );
            None
        }
    }
}

fn sequence(node: &Node, complaints: &mut Complaints<'_>) -> Option<Body> {
    let within_ns = time(node, "within", complaints)?;
    for (key, _) in node.entries().unwrap_or_default() {
        if !["within", "steps"].contains(&key.text.as_str()) {
            unknown(key, &["within", "steps"], complaints);
        }
    }
    let mut steps = Vec::new();
    for item in node.get("steps").map(Node::items).unwrap_or_default() {
        let same = match item.get("same").and_then(Node::text) {
            Some("run") => Same::Run,
            None | Some("lineage") => Same::Lineage,
            Some("process") => Same::Process,
            Some("family") => Same::Family,
            Some("file") => Same::File,
            Some("peer") => Same::Peer,
            Some(_) => {
                let words = "`same` is one of run, process, lineage, family, file, peer";
                complaints.error(item.line, words);
                Same::Run
            }
        };
        steps.push(Step { when: clause(item, complaints), same });
    }
    if !(2..=8).contains(&steps.len()) {
        complaints.error(node.line, "a sequence has 2 to 8 steps");
        return None;
    }
    Some(Body::Sequence { within_ns, steps })
}

fn time(node: &Node, key: &str, complaints: &mut Complaints<'_>) -> Option<i64> {
    let Some(value) = node.get(key) else {
        complaints.error(node.line, format!("`{key}` is missing"));
        return None;
    };
    match pattern::duration(value.text().unwrap_or_default()) {
        Ok(time) => Some(time),
        Err(why) => {
            complaints.error(value.line, why);
            None
        }
    }
}

fn tally(kind: &str, node: &Node, complaints: &mut Complaints<'_>) -> Option<Tally> {
    let within_ns = time(node, "within", complaints)?;
    let (mut least, mut by, mut of) = (None, Vec::new(), None);
    for (key, value) in node.entries().unwrap_or_default() {
        let text = value.text().unwrap_or_default();
        match key.text.as_str() {
            "within" => {}
            "above" => match pattern::number(text) {
                Ok(number) => least = Some(number.saturating_add(1)),
                Err(why) => complaints.error(value.line, why),
            },
            "of" if kind != "count" => match Field::of_name(text) {
                Some((field, _)) => of = Some(field),
                None => complaints.error(value.line, format!("there is no field '{text}'")),
            },
            "by" => {
                for item in value.items() {
                    match (item.text(), item.text().and_then(Field::of_name)) {
                        (Some("run"), _) => {}
                        (Some("process"), _) => by.push(By::Process),
                        (_, Some((field, _))) => by.push(By::Field(field)),
                        _ => complaints.error(item.line, "`by` is run, process or a field"),
                    }
                }
            }
            _ => unknown(key, &["above", "within", "by", "of"], complaints),
        }
    }
    let what = match (kind, of) {
        ("count", _) => Amount::Events,
        ("sum", Some(field)) => Amount::Sum(field),
        ("distinct", Some(field)) => Amount::Distinct(vec![field]),
        _ => {
            complaints.error(node.line, "`of` says which field");
            return None;
        }
    };
    let Some(least) = least else {
        complaints.error(node.line, "`above` says how much is too much");
        return None;
    };
    let bounds = vec![Bound::at_least(least)];
    Some(Tally { what, by, bounds, which: Which::Any, within_ns })
}
