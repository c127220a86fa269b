//! Our own form (docs/rules.md).

mod allow;
mod body;
mod conditions;

use event::model::Severity;

use super::{Told, source};
use crate::problem::Complaints;
use crate::rule::{Exception, Rule};
use crate::sample::Sample;
use crate::yaml::{Key, Node};

use allow::{allow, exception};
use body::body;

/// Keys of a rule.
const KEYS: &[&str] = &[
    "id",
    "title",
    "severity",
    "why",
    "do",
    "references",
    "when",
    "sequence",
    "count",
    "sum",
    "distinct",
    "except",
    "example",
    "near_miss",
];

/// Reads a document.
pub(super) fn read(
    document: &Node,
    lines: &[&str],
    complaints: &mut Complaints<'_>,
    told: &mut Told,
) {
    for (key, value) in document.entries().unwrap_or_default() {
        match key.text.as_str() {
            "rules" => rules(value, lines, complaints, told),
            "disable" => {
                for item in value.items() {
                    match item.text() {
                        Some(id) => told.disabled.push((id.to_owned(), item.line)),
                        None => complaints.error(item.line, "expected an id"),
                    }
                }
            }
            "override" => severities(value, complaints, told),
            "allow" => value.items().iter().for_each(|item| allow(item, complaints, told)),
            "values" => {
                told.values.push(key.line);
                placeholders(value, complaints);
            }
            _ => unknown(key, &["rules", "disable", "override", "allow", "values"], complaints),
        }
    }
}

fn rules(list: &Node, lines: &[&str], complaints: &mut Complaints<'_>, told: &mut Told) {
    let items = list.items();
    for (at, item) in items.iter().enumerate() {
        let end = items.get(at + 1).map(|next| next.line);
        let text = source(lines, item.line, end);
        if text.len() > super::MAX_RULE {
            complaints
                .error(item.line, format!("a rule longer than {} KiB", super::MAX_RULE >> 10));
            continue;
        }
        let before = complaints.found.iter().filter(|problem| problem.fatal).count();
        let rule = if item.get("type").is_some() {
            super::logira::rule(item, text, complaints)
        } else {
            rule(item, text, complaints)
        };
        let after = complaints.found.iter().filter(|problem| problem.fatal).count();
        if let Some(rule) = rule.filter(|_| before == after) {
            told.rules.push(rule);
        }
    }
    if items.is_empty() {
        complaints.warn(list.line, "no rule in it");
    }
}

fn unknown(key: &Key, known: &[&str], complaints: &mut Complaints<'_>) {
    complaints.error(
        key.line,
        format!("unknown key '{}', expected one of {}", key.text, known.join(", ")),
    );
}

/// Says what is wrong with values of placeholders; they are read before the rules are.
fn placeholders(node: &Node, complaints: &mut Complaints<'_>) {
    let Some(entries) = node.entries() else {
        complaints.error(node.line, "`values` is a map of names and lists of words");
        return;
    };
    for item in entries.iter().flat_map(|(_, list)| list.items()) {
        if item.text().is_none() {
            complaints.error(item.line, "a value is a word");
        }
    }
}

fn severities(node: &Node, complaints: &mut Complaints<'_>, told: &mut Told) {
    for (key, value) in node.entries().unwrap_or_default() {
        if let Some(severity) = severity(value, complaints) {
            told.severities.push((key.text.clone(), severity, key.line));
        }
    }
}

/// Reads a severity.
pub(super) fn severity(node: &Node, complaints: &mut Complaints<'_>) -> Option<Severity> {
    let found = node.text().and_then(Severity::of_name);
    if found.is_none() {
        complaints.error(node.line, "a severity is info, low, medium, high or critical");
    }
    found
}

/// A text that must be there.
pub(super) fn needed<'n>(
    rule: &'n Node,
    key: &str,
    complaints: &mut Complaints<'_>,
) -> Option<&'n str> {
    let text = rule.get(key).and_then(Node::text).filter(|text| !text.trim().is_empty());
    if text.is_none() {
        complaints.error(rule.line, format!("the rule lacks `{key}`"));
    }
    text
}

fn rule(node: &Node, text: String, complaints: &mut Complaints<'_>) -> Option<Rule> {
    let Some(entries) = node.entries() else {
        complaints.error(node.line, "a rule is a map of keys");
        return None;
    };
    for (key, _) in entries.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        unknown(key, KEYS, complaints);
    }
    let id = needed(node, "id", complaints)?;
    if !is_id(id) {
        complaints.error(node.line, "an id has letters, digits, '.', '_' and '-', 64 at most");
    }
    let title = needed(node, "title", complaints)?;
    let severity = match node.get("severity") {
        Some(value) => severity(value, complaints)?,
        None => {
            complaints.error(node.line, "the rule lacks `severity`");
            return None;
        }
    };
    let body = body(node, complaints)?;
    let optional = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let list = |key: &str| {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    let except = node.get("except").map(Node::items).unwrap_or_default();
    let except: Vec<Exception> =
        except.iter().filter_map(|item| exception(item, complaints)).collect();
    let mut samples = |key: &str| {
        let items = node.get(key).map(|value| Sample::read(value, complaints));
        items.into_iter().flatten().collect::<Vec<_>>()
    };
    let (examples, near_misses) = (samples("example"), samples("near_miss"));
    let rule = Rule {
        id: id.into(),
        title: title.into(),
        severity,
        why: optional("why"),
        todo: optional("do"),
        references: list("references"),
        from: complaints.file().into(),
        tried: complaints.tried,
        line: node.line,
        source: text.into(),
        examples,
        near_misses,
        body,
        except,
        name: None,
        quiet: false,
        template: false,
    };
    if rule.exprs().iter().any(|when| when.things() == 0) {
        complaints.warn(node.line, format!("{id} can never hold: no event has all of its fields"));
    }
    Some(rule)
}

/// Whether a text can be an id.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}
