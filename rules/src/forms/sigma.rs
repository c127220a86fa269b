//! Sigma rules (specification 2.1), unchanged, on our fields. What cannot be said of our events is not
//! passed over: the rule is listed, with the reason.

mod condition;
mod item;
mod source;

use event::model::Severity;

use super::{Told, pattern};
use crate::expr::Expr;
use crate::field::Field;
use crate::problem::Complaints;
use crate::rule::{Amount, Body, By, Rule, Tally};
use crate::yaml::{Node, Value};

use source::Source;

/// Reads a rule or a correlation.
pub(super) fn read(document: &Node, text: &str, complaints: &mut Complaints<'_>, told: &mut Told) {
    let word = |key: &str| document.get(key).and_then(Node::text);
    let Some(title) = word("title").filter(|title| !title.is_empty()) else {
        complaints.error(document.line, "a Sigma rule needs a title");
        return;
    };
    if text.len() > super::MAX_RULE * 16 {
        complaints.error(document.line, "a Sigma file of that length is none");
        return;
    }
    let id = word("id").map_or_else(|| made_of(title), str::to_owned);
    if !super::own::is_id(&id) {
        complaints.error(document.line, format!("'{id}' is no id"));
        return;
    }
    let severity = match word("level") {
        Some("informational") => Severity::Info,
        Some("low") => Severity::Low,
        None | Some("medium") => Severity::Medium,
        Some("high") => Severity::High,
        Some("critical") => Severity::Critical,
        Some(_) => {
            let words = "a level is informational, low, medium, high or critical";
            complaints.error(document.line, words);
            return;
        }
    };
    let body = match document.get("correlation") {
        Some(correlation) => self::correlation(correlation),
        None => detection(document).map(Body::When),
    };
    let body = match body {
        Ok(body) => body,
        Err(Why::Broken(line, why)) => {
            complaints.error(line, why);
            return;
        }
        Err(Why::Unusable(why)) => {
            told.unusable.push((format!("{id} ({title})"), why));
            return;
        }
    };
    let list = |key: &str| -> Vec<String> {
        let items = document.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    let rule = Rule {
        id: id.into(),
        title: title.into(),
        severity,
        why: word("description").unwrap_or_default().to_owned(),
        todo: String::new(),
        references: [list("references"), list("tags")].concat(),
        from: complaints.file().into(),
        line: document.line,
        source: text.into(),
        examples: Vec::new(),
        near_misses: Vec::new(),
        body,
        except: Vec::new(),
        name: word("name").map(str::to_owned),
        quiet: false,
        template: false,
    };
    if rule.exprs().iter().any(|when| when.things() == 0) {
        told.unusable
            .push((format!("{} ({title})", rule.id), "no event has all of its fields".into()));
        return;
    }
    told.rules.push(rule);
}

/// Why a rule is not used.
enum Why {
    /// It is no Sigma rule: where, and what is wrong.
    Broken(usize, String),
    /// It asks for what our events do not have.
    Unusable(String),
}

impl From<String> for Why {
    fn from(why: String) -> Why {
        Why::Unusable(why)
    }
}

fn broken<T>(node: &Node, why: impl Into<String>) -> Result<T, Why> {
    Err(Why::Broken(node.line, why.into()))
}

/// An id for a rule without one.
fn made_of(title: &str) -> String {
    let mut id: String = title
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    id.truncate(60);
    id
}

fn detection(document: &Node) -> Result<Expr, Why> {
    let logsource = document.get("logsource");
    let Some(logsource) = logsource else { return broken(document, "`logsource` is missing") };
    let word = |key: &str| logsource.get(key).and_then(Node::text);
    let source = Source::of(word("category"), word("product"), word("service"))?;
    let Some(detection) = document.get("detection") else {
        return broken(document, "`detection` is missing");
    };
    if detection.get("timeframe").is_some() {
        return Err("`timeframe` with a count is of the old specification".to_owned().into());
    }
    let mut parts = Vec::new();
    for (key, value) in detection.entries().unwrap_or_default() {
        if key.text != "condition" {
            parts.push((key.text.as_str(), search(value, &source)?));
        }
    }
    let Some(conditions) = detection.get("condition") else {
        return broken(detection, "`condition` is missing");
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
    Ok(Expr::All(vec![Expr::Things(source.things()), Expr::any(any)]))
}

/// A search: a map of fields, a list of maps, words, or a list of words.
fn search(node: &Node, source: &Source) -> Result<Expr, Why> {
    match &node.value {
        Value::Map(entries) => {
            if *source == Source::Auditd && source::asks_for_arguments_of_calls(entries) {
                return Err("what calls were given is not recorded as such".to_owned().into());
            }
            let each = entries.iter().map(|(key, value)| item::read(&key.text, value, source));
            Ok(Expr::All(each.collect::<Result<_, _>>()?))
        }
        Value::List(items) => {
            Ok(Expr::Any(items.iter().map(|item| search(item, source)).collect::<Result<_, _>>()?))
        }
        Value::Scalar { .. } => item::keyword(node, source),
    }
}

fn correlation(node: &Node) -> Result<Body, Why> {
    let word = |key: &str| node.get(key).and_then(Node::text);
    let list = |key: &str| -> Vec<String> {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    if node.get("aliases").is_some() {
        return Err("correlations with aliases are not evaluated".to_owned().into());
    }
    let rules = list("rules");
    if rules.is_empty() {
        return broken(node, "a correlation names the rules that it looks at");
    }
    let within_ns = match pattern::duration(word("timespan").unwrap_or_default()) {
        Ok(time) => time,
        Err(why) => return broken(node, why),
    };
    let kind = word("type").unwrap_or_default();
    let condition = node.get("condition");
    let number = |key: &str| condition?.get(key)?.text()?.parse::<u64>().ok();
    let least = match (number("gte"), number("gt"), number("eq")) {
        (Some(number), ..) | (.., Some(number)) => number,
        (None, Some(number), _) => number.saturating_add(1),
        _ if kind.starts_with("temporal") => rules.len() as u64,
        _ => return Err("its condition is none of gte, gt, eq".to_owned().into()),
    };
    if number("lt").is_some() || number("lte").is_some() || number("neq").is_some() {
        return Err("what is too few is known at the end only: lt, lte, neq".to_owned().into());
    }
    let mut by = Vec::new();
    for name in list("group-by") {
        by.push(By::Field(any_field(&name)?));
    }
    let what = match kind {
        "event_count" => Amount::Events,
        "value_count" => {
            let name = condition.and_then(|it| it.get("field")).and_then(Node::text);
            Amount::Distinct(any_field(name.unwrap_or_default())?)
        }
        "temporal" | "temporal_ordered" => Amount::Rules,
        "value_sum" => {
            let name = condition.and_then(|it| it.get("field")).and_then(Node::text);
            Amount::Sum(any_field(name.unwrap_or_default())?)
        }
        other => return Err(format!("correlations of type '{other}' are not evaluated").into()),
    };
    let generate = word("generate") == Some("true");
    let tally = Tally { what, by, least, within_ns };
    Ok(Body::Correlation { rules, tally, ordered: kind == "temporal_ordered", generate })
}

/// The field that a name stands for in any source.
fn any_field(name: &str) -> Result<Field, Why> {
    source::of_any(name).ok_or_else(|| format!("our events have no '{name}'").into())
}
