//! Exceptions: in a rule, and to rules of other files.

use super::conditions::clause;
use super::needed;
use crate::expr::Expr;
use crate::field::{Class, Field};
use crate::forms::{Told, pattern};
use crate::problem::Complaints;
use crate::rule::Exception;
use crate::yaml::{Key, Node, Value};

/// An exception: conditions, and until when.
pub(super) fn exception(node: &Node, complaints: &mut Complaints<'_>) -> Option<Exception> {
    let mut kept = node.clone();
    let mut until_ns = None;
    if let Value::Map(entries) = &mut kept.value {
        entries.retain(|(key, value)| match key.text.as_str() {
            "until" => {
                match pattern::day(value.text().unwrap_or_default()) {
                    Ok(day) => until_ns = Some(day),
                    Err(why) => complaints.error(value.line, why),
                }
                false
            }
            "why" => false,
            _ => true,
        });
        if entries.is_empty() {
            complaints
                .error(node.line, "an exception needs a condition; `disable` takes a rule away");
            return None;
        }
    }
    Some(Exception { when: clause(&kept, complaints), until_ns })
}

/// `allow`: an exception to a rule of any file.
pub(super) fn allow(node: &Node, complaints: &mut Complaints<'_>, told: &mut Told) {
    let Some(id) = needed(node, "rule", complaints) else { return };
    let mut kept = node.clone();
    let mut dest = None;
    if let Value::Map(entries) = &mut kept.value {
        entries.retain(|(key, value)| {
            if key.text == "dest" {
                dest = Some(value.clone());
            }
            !["rule", "dest"].contains(&key.text.as_str())
        });
        if let (true, Some(dest)) =
            (entries.iter().all(|(key, _)| ["until", "why"].contains(&key.text.as_str())), &dest)
        {
            // The destination alone is enough.
            entries.push((
                Key { line: dest.line, text: "any".to_owned() },
                Node {
                    line: dest.line,
                    value: Value::List(vec![Node {
                        line: dest.line,
                        value: Value::Map(Vec::new()),
                    }]),
                },
            ));
        }
    }
    let Some(mut exception) = exception(&kept, complaints) else { return };
    if let Some(dest) = dest {
        match destination(dest.text().unwrap_or_default()) {
            Ok(expr) => exception.when = Expr::All(vec![exception.when, expr]),
            Err(why) => complaints.error(dest.line, why),
        }
    }
    told.allowed.push((id.to_owned(), exception.when, exception.until_ns, node.line));
}

/// `HOST[:PORT]`, a network, `:PORT`.
fn destination(text: &str) -> Result<Expr, String> {
    let port = |port: &str| pattern::value(Field::Port, Class::Number, port);
    if let Ok(network) = pattern::network(Field::Ip, text) {
        return Ok(network);
    }
    if text.contains('/') {
        // No name has one: what was meant is a network.
        return pattern::network(Field::Ip, text);
    }
    let (host, rest) = match text.rsplit_once(':') {
        Some((host, rest)) => (host.trim_matches(['[', ']']), Some(port(rest)?)),
        None => (text, None),
    };
    let host = match host {
        "" => Expr::All(Vec::new()),
        _ => pattern::network(Field::Ip, host)
            .or_else(|_| pattern::value(Field::Named("host"), Class::Text, host))?,
    };
    Ok(Expr::All([Some(host), rest].into_iter().flatten().collect()))
}
