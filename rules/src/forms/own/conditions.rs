//! Conditions: maps of types, fields and values.

use event::model::table;

use super::unknown;
use crate::expr::{Expr, How, Matcher};
use crate::field::{Class, Field, things_of};
use crate::forms::pattern;
use crate::problem::Complaints;
use crate::yaml::{Key, Node, Value};

/// A clause: conditions, all of which must hold.
pub(super) fn clause(node: &Node, complaints: &mut Complaints<'_>) -> Expr {
    let Some(entries) = node.entries() else {
        complaints.error(node.line, "conditions are a map");
        return Expr::All(Vec::new());
    };
    let mut all = Vec::new();
    for (key, value) in entries {
        let each = |complaints: &mut Complaints<'_>| -> Vec<Expr> {
            value.items().iter().map(|item| clause(item, complaints)).collect()
        };
        match key.text.as_str() {
            "same" => {}
            "any" => all.push(Expr::Any(each(complaints))),
            "all" => all.push(Expr::All(each(complaints))),
            "not" => all.push(Expr::any(each(complaints)).negated()),
            kind if table::find(kind).is_some() => all.push(of_kind(kind, value, complaints)),
            _ => all.push(condition(key, value, None, complaints)),
        }
    }
    Expr::all(all)
}

/// Conditions on an event of one type.
fn of_kind(kind: &str, node: &Node, complaints: &mut Complaints<'_>) -> Expr {
    let mut things = things_of(kind, None);
    let mut all = Vec::new();
    let entries = node.entries().unwrap_or_default();
    if node.entries().is_none() && !node.is_null() {
        complaints.error(node.line, format!("conditions on {kind} are a map"));
    }
    for (key, value) in entries {
        match key.text.as_str() {
            "op" => things = ops(kind, value, complaints),
            "not" => {
                let inner = of_kind(kind, value, complaints);
                all.push(inner.negated());
            }
            _ => all.push(condition(key, value, Some(kind), complaints)),
        }
    }
    all.insert(0, Expr::Things(things));
    Expr::all(all)
}

fn ops(kind: &str, node: &Node, complaints: &mut Complaints<'_>) -> u64 {
    let mut things = 0;
    for item in node.items() {
        let op = item.text().unwrap_or_default();
        let of = things_of(kind, Some(op));
        if of == 0 {
            let known = table::find(kind).map(|kind| kind.ops.join(", ")).unwrap_or_default();
            complaints.error(item.line, format!("{kind} has no op '{op}', but {known}"));
        }
        things |= of;
    }
    things
}

/// One field, and what its values must be.
fn condition(key: &Key, node: &Node, kind: Option<&str>, complaints: &mut Complaints<'_>) -> Expr {
    let nothing = Expr::All(Vec::new());
    let Some((field, class)) = Field::of_name(&key.text) else {
        complaints.error(key.line, format!("there is no field '{}'", key.text));
        return nothing;
    };
    let wanted = kind.map_or(u64::MAX, |kind| things_of(kind, None));
    if field.things() & wanted == 0 {
        let kind = kind.unwrap_or_default();
        complaints.error(key.line, format!("events of {kind} have no '{}'", key.text));
        return nothing;
    }
    values(field, class, node, complaints)
}

fn values(field: Field, class: Class, node: &Node, complaints: &mut Complaints<'_>) -> Expr {
    match &node.value {
        Value::Scalar { text, .. } => match pattern::value(field, class, text) {
            Ok(expr) => expr,
            Err(why) => {
                complaints.error(node.line, why);
                Expr::All(Vec::new())
            }
        },
        Value::List(items) => {
            if items.is_empty() {
                complaints.warn(node.line, "an empty list never holds");
            }
            Expr::any(items.iter().map(|item| values(field, class, item, complaints)).collect())
        }
        Value::Map(entries) => {
            let each =
                entries.iter().map(|(key, value)| modified(field, class, key, value, complaints));
            Expr::all(each.collect())
        }
    }
}

fn modified(
    field: Field,
    class: Class,
    key: &Key,
    node: &Node,
    complaints: &mut Complaints<'_>,
) -> Expr {
    let (fold, tried) = (class == Class::Text, complaints.tried);
    let mut each = |make: &dyn Fn(&str) -> Result<Expr, String>| -> Vec<Expr> {
        let mut all = Vec::new();
        for item in node.items() {
            match item.text().ok_or_else(|| "expected a word".to_owned()).and_then(make) {
                Ok(expr) => all.push(expr),
                Err(why) => complaints.error(item.line, why),
            }
        }
        all
    };
    let text = |how: How| move |text: &str| Ok(Expr::text(field, how, fold, text));
    let number = |least: bool| {
        move |text: &str| {
            let number = pattern::number(text)?;
            let (least, most) = match least {
                true => (number.saturating_add(1), u64::MAX),
                false => (0, number.saturating_sub(1)),
            };
            Ok(Expr::Test(field, Matcher::Number { least, most }))
        }
    };
    match key.text.as_str() {
        "not" => values(field, class, node, complaints).negated(),
        "all" => Expr::All(
            node.items().iter().map(|one| values(field, class, one, complaints)).collect(),
        ),
        "is" => Expr::any(each(&text(How::Equals))),
        "contains" => Expr::any(each(&text(How::Contains))),
        "prefix" => Expr::any(each(&text(How::Prefix))),
        "suffix" => Expr::any(each(&text(How::Suffix))),
        "above" => Expr::any(each(&number(true))),
        "below" => Expr::any(each(&number(false))),
        "regex" => Expr::any(each(&|text| {
            if !tried {
                let wrong = |why| format!("cannot read the pattern: {why}");
                crate::program::regex(text).map_err(wrong)?;
            }
            Ok(Expr::Test(field, Matcher::Regex { pattern: text.to_owned(), needs: Vec::new() }))
        })),
        _ => {
            let known =
                ["not", "all", "is", "contains", "prefix", "suffix", "above", "below", "regex"];
            unknown(key, &known, complaints);
            Expr::All(Vec::new())
        }
    }
}
