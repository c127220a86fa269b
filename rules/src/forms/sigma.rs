//! Sigma rules (specification 2.1), unchanged, on our fields. What cannot be said of our events is not
//! passed over: the rule is listed, with the reason.

mod auditd;
mod condition;
mod correlation;
mod detection;
mod expand;
mod item;
mod source;

use event::model::Severity;

use super::{Placeholders, Told};
use crate::problem::Complaints;
use crate::rule::{Body, Rule};
use crate::yaml::Node;

/// Reads a rule, a correlation or a filter.
pub(super) fn read(
    document: &Node,
    (text, values): (&str, &Placeholders),
    complaints: &mut Complaints<'_>,
    told: &mut Told,
) {
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
    if let Some(filter) = document.get("filter") {
        match detection::filter(document, filter, values) {
            Ok(filter) => told.filters.push(filter),
            Err(Why::Broken(line, why)) => complaints.error(line, why),
            Err(Why::Unusable(why)) => told.unusable.push((format!("{id} ({title})"), why)),
        }
        return;
    }
    let body = match document.get("correlation") {
        Some(correlation) => {
            told.watched.extend(correlation::watched(correlation));
            correlation::read(correlation)
        }
        None => detection::read(document, values).map(Body::When),
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
        tried: complaints.tried,
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
