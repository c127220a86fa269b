//! The forms in which rules are written: our own, logira's, Sigma.

pub(crate) mod logira;
pub(crate) mod own;
pub(crate) mod pattern;
pub(crate) mod sigma;

use std::collections::HashMap;

use event::model::Severity;

use crate::expr::Expr;
use crate::field::Field;
use crate::problem::Complaints;
use crate::rule::Rule;
use crate::yaml::{Fault, Node};

/// Longest text of one rule, bytes (HOSTILE A17).
const MAX_RULE: usize = 64 << 10;

/// What placeholders stand for: each a list of values, by its name.
pub(crate) type Placeholders = HashMap<String, Vec<String>>;

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) rules: Vec<Rule>,
    /// Ids of rules that are not to be used, and their lines.
    pub(crate) disabled: Vec<(String, usize)>,
    /// Other severities, by id.
    pub(crate) severities: Vec<(String, Severity, usize)>,
    /// Exceptions to rules of any file, by id.
    pub(crate) allowed: Vec<(String, Expr, Option<i64>, usize)>,
    /// Ids or names of rules that find nothing by themselves.
    pub(crate) watched: Vec<String>,
    /// Lines that say what placeholders stand for.
    pub(crate) values: Vec<usize>,
    /// What rules by these ids or names must meet too.
    pub(crate) filters: Vec<Filter>,
    /// Rules that cannot be used, and why.
    pub(crate) unusable: Vec<(String, String)>,
}

/// What rules of other files must meet too.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Ids or names.
    pub(crate) rules: Vec<String>,
    /// The things that it is about.
    pub(crate) things: u64,
    pub(crate) when: Expr,
    pub(crate) line: usize,
}

/// What a document says that placeholders stand for.
pub(crate) fn placeholders(document: &Node) -> impl Iterator<Item = (String, Vec<String>)> {
    let entries = document.get("values").and_then(Node::entries).unwrap_or_default();
    entries.iter().map(|(key, list)| {
        let words = list.items().iter().filter_map(Node::text).map(str::to_owned);
        (key.text.clone(), words.collect())
    })
}

/// Reads a file of any form.
pub(crate) fn read(
    documents: &Result<Vec<Node>, Fault>,
    text: &str,
    values: &Placeholders,
    complaints: &mut Complaints<'_>,
) -> Told {
    let mut told = Told::default();
    let documents = match documents {
        Ok(documents) => documents,
        Err(fault) => {
            let why = format!("cannot read it as YAML: {}", fault.why);
            complaints.error(fault.line, why);
            return told;
        }
    };
    if documents.iter().all(Node::is_null) {
        complaints.error(1, "there is nothing in it");
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_sigma = |document: &Node| {
        ["detection", "correlation", "filter"].iter().any(|key| document.get(key).is_some())
    };
    for document in documents {
        if is_sigma(document) {
            sigma::read(document, (text, values), complaints, &mut told);
        } else if document.entries().is_some() {
            own::read(document, &lines, complaints, &mut told);
        } else {
            complaints.error(document.line, "expected `rules:` with a list");
        }
    }
    told
}

/// The text of a rule: from its line to that of the next.
fn source(lines: &[&str], begin: usize, end: Option<usize>) -> String {
    let end = end.map_or(lines.len(), |end| end.saturating_sub(1));
    lines.get(begin.saturating_sub(1)..end).map(<[&str]>::concat).unwrap_or_default()
}

/// Tells the values of a field to a taker.
type Values<'v> = dyn FnMut(Field, &mut dyn FnMut(&[u8])) + 'v;

/// Puts values into a title: `{{file.path}}`.
pub(crate) fn fill(template: &str, values: &mut Values<'_>) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        let mut found: Option<String> = None;
        for field in logira::template_fields(name.trim()) {
            values(*field, &mut |value| {
                found.get_or_insert_with(|| String::from_utf8_lossy(value).into_owned());
            });
        }
        out.push_str(&found.unwrap_or_default());
        rest = after;
    }
    out + rest
}
