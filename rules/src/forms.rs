//! The forms in which rules are written: our own, logira's, Sigma.

pub(crate) mod logira;
pub(crate) mod own;
pub(crate) mod pattern;
pub(crate) mod sigma;

use event::model::Severity;

use crate::expr::Expr;
use crate::field::Field;
use crate::problem::Complaints;
use crate::rule::Rule;
use crate::yaml::{self, Node};

/// Longest text of one rule, bytes (HOSTILE A17).
const MAX_RULE: usize = 64 << 10;

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
    /// Rules that cannot be used, and why.
    pub(crate) unusable: Vec<(String, String)>,
}

/// Reads a file of any form.
pub(crate) fn read(text: &str, complaints: &mut Complaints<'_>) -> Told {
    let mut told = Told::default();
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(fault) => {
            complaints.error(fault.line, format!("cannot read it as YAML: {}", fault.why));
            return told;
        }
    };
    if documents.iter().all(Node::is_null) {
        complaints.error(1, "there is nothing in it");
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for document in &documents {
        if document.get("detection").is_some() || document.get("correlation").is_some() {
            sigma::read(document, text, complaints, &mut told);
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
