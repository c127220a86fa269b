//! Sigma rules (specification 2.1), unchanged, on our fields. What cannot be said of our events is not
//! passed over: the rule is listed, with the reason.

mod auditd;
mod condition;
mod correlation;
mod item;
mod source;

use event::model::Severity;

use super::Told;
use crate::expr::Expr;
use crate::problem::Complaints;
use crate::rule::{Body, Rule};
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
        Some(correlation) => {
            told.watched.extend(correlation::watched(correlation));
            correlation::read(correlation)
        }
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
