//! Searches of a rule or a filter, by name, and the condition on them.

use super::source::{self, Source};
use super::{Why, broken, condition, item};
use crate::expr::Expr;
use crate::forms::{Filter, Placeholders};
use crate::yaml::{Node, Value};

/// What a rule reads its searches with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'v> {
    pub(super) source: Source,
    /// What placeholders stand for.
    pub(super) values: &'v Placeholders,
}

/// Reads `detection` of a rule.
pub(super) fn read(document: &Node, values: &Placeholders) -> Result<Expr, Why> {
    let source = source(document)?;
    let Some(detection) = document.get("detection") else {
        return broken(document, "`detection` is missing");
    };
    if detection.get("timeframe").is_some() {
        return Err("`timeframe` with a count is of the old specification".to_owned().into());
    }
    let when = searches(detection, &[], Reading { source, values })?;
    Ok(Expr::All(vec![Expr::Things(source.things()), when]))
}

/// Reads `filter`: what other rules must meet too.
pub(super) fn filter(document: &Node, filter: &Node, values: &Placeholders) -> Result<Filter, Why> {
    let source = source(document)?;
    let items = filter.get("rules").map(Node::items).unwrap_or_default();
    let rules: Vec<String> = items.iter().filter_map(Node::text).map(str::to_owned).collect();
    if rules.is_empty() {
        return broken(filter, "a filter names its `rules`");
    }
    let when = searches(filter, &["rules"], Reading { source, values })?;
    Ok(Filter { rules, things: source.things(), when, line: document.line })
}

fn source(document: &Node) -> Result<Source, Why> {
    let logsource = document.get("logsource");
    let Some(logsource) = logsource else { return broken(document, "`logsource` is missing") };
    let word = |key: &str| logsource.get(key).and_then(Node::text);
    Source::of(word("category"), word("product"), word("service"))
}

/// Searches under their names, and the condition on them.
fn searches(node: &Node, beside: &[&str], reading: Reading<'_>) -> Result<Expr, Why> {
    let mut parts = Vec::new();
    for (key, value) in node.entries().unwrap_or_default() {
        if key.text != "condition" && !beside.contains(&key.text.as_str()) {
            parts.push((key.text.as_str(), search(value, reading)?));
        }
    }
    let Some(conditions) = node.get("condition") else {
        return broken(node, "`condition` is missing");
    };
    let mut any = Vec::new();
    for one in conditions.items() {
        let text = one.text().unwrap_or_default();
        if text.contains('|') {
            return Err("a count after `|` is of the old specification".to_owned().into());
        }
        match condition::parse(text, &parts) {
            Ok(expr) => any.push(expr),
            Err(why) => return broken(one, why),
        }
    }
    Ok(Expr::any(any))
}

/// A search: a map of fields, a list of maps, words, or a list of words.
fn search(node: &Node, reading: Reading<'_>) -> Result<Expr, Why> {
    match &node.value {
        Value::Map(entries) => {
            if reading.source == Source::Auditd && source::asks_for_arguments_of_calls(entries) {
                return Err("what calls were given is not recorded as such".to_owned().into());
            }
            let each = entries.iter().map(|(key, value)| item::read(&key.text, value, reading));
            Ok(Expr::All(each.collect::<Result<_, _>>()?))
        }
        Value::List(items) => {
            Ok(Expr::Any(items.iter().map(|item| search(item, reading)).collect::<Result<_, _>>()?))
        }
        Value::Scalar { .. } => item::keyword(node, reading),
    }
}
