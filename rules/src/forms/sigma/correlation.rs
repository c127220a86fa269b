//! Correlations: what many matches of other rules have in common, and when they are enough.

use super::{Why, broken, condition, source};
use crate::expr::Expr;
use crate::field::Field;
use crate::forms::pattern;
use crate::rule::{Amount, Body, Bound, By, Tally, Than, Which};
use crate::yaml::Node;

/// Rules that a correlation may look at: a bit each.
const MOST: usize = 64;

/// Operators of a condition.
const OPERATORS: &[(&str, Than)] = &[
    ("lt", Than::Less),
    ("lte", Than::AtMost),
    ("eq", Than::Equal),
    ("neq", Than::Other),
    ("gte", Than::AtLeast),
    ("gt", Than::More),
];

/// Reads the value of `correlation`.
pub(super) fn read(node: &Node) -> Result<Body, Why> {
    let word = |key: &str| node.get(key).and_then(Node::text);
    let rules = list(node, "rules");
    if rules.is_empty() {
        return broken(node, "a correlation names the rules that it looks at");
    }
    if rules.len() > MOST {
        return Err(format!("it looks at more than {MOST} rules").into());
    }
    let within_ns = match pattern::duration(word("timespan").unwrap_or_default()) {
        Ok(time) => time,
        Err(why) => return broken(node, why),
    };
    let condition = node.get("condition");
    let what = amount(word("type").unwrap_or_default(), condition, rules.len())?;
    let (which, bounds) = match condition.and_then(|it| Some((it, it.text()?))) {
        Some((at, text)) => (which(at, text, &rules, &what)?, Vec::new()),
        None => (Which::Any, bounds(condition, &what, rules.len())?),
    };
    let by = list(node, "group-by")
        .iter()
        .map(|name| by(name, node.get("aliases")))
        .collect::<Result<_, _>>()?;
    let tally = Tally { what, by, bounds, which, within_ns };
    Ok(Body::Correlation { rules, tally })
}

/// Rules that find nothing by themselves because a correlation looks at them, whether or not it can be
/// used itself.
pub(super) fn watched(node: &Node) -> Vec<String> {
    let generate = node.get("generate").and_then(Node::text);
    if generate == Some("true") { Vec::new() } else { list(node, "rules") }
}

fn list(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

/// What is added up.
fn amount(kind: &str, condition: Option<&Node>, rules: usize) -> Result<Amount, Why> {
    let names = condition.map(|condition| list(condition, "field")).unwrap_or_default();
    let fields = || match names.is_empty() {
        true => Err(Why::from(format!("its condition lacks the `field` of a {kind}"))),
        false => names.iter().map(|name| any_field(name)).collect::<Result<Vec<_>, _>>(),
    };
    let number = || match fields()?.as_slice() {
        [field] if field.is_number() => Ok(*field),
        [_] => Err(Why::from(format!("'{}' is no number", names.join(", ")))),
        _ => Err(Why::from(format!("a {kind} is of one field"))),
    };
    Ok(match kind {
        "event_count" => Amount::Events,
        "value_count" => Amount::Distinct(fields()?),
        "temporal" => Amount::Rules,
        "temporal_ordered" => Amount::Ordered(rules),
        "value_sum" => Amount::Sum(number()?),
        "value_avg" => Amount::Average(number()?),
        "value_percentile" => {
            let asked = condition.and_then(|it| it.get("percentile")).and_then(Node::text);
            match asked.map(str::parse) {
                Some(Ok(rank @ 0..=100)) => Amount::Percentile(number()?, rank),
                Some(_) => return Err("its percentile is no number up to 100".to_owned().into()),
                None => {
                    let why = "the specification does not say of which percentile: \
                               `percentile` in the condition does";
                    return Err(why.to_owned().into());
                }
            }
        }
        other => return Err(format!("correlations of type '{other}' are not evaluated").into()),
    })
}

/// What the amount must be.
fn bounds(condition: Option<&Node>, what: &Amount, rules: usize) -> Result<Vec<Bound>, Why> {
    let mut bounds = Vec::new();
    for (name, than) in OPERATORS {
        let Some(value) = condition.and_then(|condition| condition.get(name)) else { continue };
        let number = value.text().and_then(|text| text.parse::<f64>().ok());
        let Some(number) = number.filter(|number| number.is_finite()) else {
            return broken(value, format!("`{name}` wants a number"));
        };
        bounds.push(Bound { than: *than, number });
    }
    match what {
        Amount::Rules | Amount::Ordered(_) if bounds.is_empty() => {
            bounds.push(Bound { than: Than::AtLeast, number: rules as f64 });
        }
        // A mean goes up and down: it is what it is at each event.
        Amount::Average(_) | Amount::Percentile(..) if !bounds.is_empty() => {}
        _ if bounds.is_empty() => {
            return Err("its condition is none of gt, gte, lt, lte, eq, neq".to_owned().into());
        }
        _ if !bounds.iter().any(Bound::is_from_below) => {
            let why = "what is too few is known at the end only: lt, lte, neq without gt, gte, eq";
            return Err(why.to_owned().into());
        }
        _ => {}
    }
    Ok(bounds)
}

/// Which of the rules must have held: `first and (second or third)`.
fn which(node: &Node, text: &str, rules: &[String], what: &Amount) -> Result<Which, Why> {
    if !matches!(what, Amount::Rules) {
        return Err("names of rules are a condition of the type `temporal` only".to_owned().into());
    }
    let parts: Vec<(&str, Expr)> = rules
        .iter()
        .enumerate()
        .map(|(place, name)| (name.as_str(), Expr::Things(1 << place)))
        .collect();
    match condition::parse(text, &parts) {
        Ok(expr) => places(&expr),
        Err(why) => broken(node, why),
    }
}

fn places(expr: &Expr) -> Result<Which, Why> {
    let each = |list: &[Expr]| list.iter().map(places).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        Expr::All(list) => Which::All(each(list)?),
        Expr::Any(list) => Which::One(each(list)?),
        Expr::Things(rule) => Which::Rule(rule.trailing_zeros() as usize),
        Expr::Not(_) | Expr::Test(..) => {
            let why = "that a rule did not hold is known at the end of the timespan only: `not`";
            return Err(why.to_owned().into());
        }
    })
}

/// For whom it is added up: a field, or one of each rule under a common name.
fn by(name: &str, aliases: Option<&Node>) -> Result<By, Why> {
    let Some(alias) = aliases.and_then(|aliases| aliases.get(name)) else {
        return any_field(name).map(By::Field);
    };
    let Some(entries) = alias.entries() else {
        return broken(alias, "an alias has a field for each rule");
    };
    let mut fields = Vec::new();
    for (rule, field) in entries {
        let field = any_field(field.text().unwrap_or_default())?;
        fields.push((rule.text.clone(), field));
    }
    Ok(By::Alias { name: name.to_owned(), fields })
}

/// The field that a name stands for in any source.
fn any_field(name: &str) -> Result<Field, Why> {
    source::of_any(name).ok_or_else(|| format!("our events have no '{name}'").into())
}
