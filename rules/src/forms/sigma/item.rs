//! One field of a search: its modifiers and values.

mod encoded;
mod modifiers;

use super::auditd::{self, Around};
use super::detection::Reading;
use super::expand::expand;
use super::{Why, source::Source};
use crate::expr::{Expr, How, Matcher};
use crate::field::{Field, things_of};
use crate::forms::pattern;
use crate::yaml::{Node, Value};

use modifiers::Modifiers;

/// Reads `Field|modifier|modifier` and its values.
pub(super) fn read(key: &str, node: &Node, reading: Reading<'_>) -> Result<Expr, Why> {
    let mut words = key.split('|');
    let name = words.next().unwrap_or_default();
    let modifiers = Modifiers::read(words)?;
    let expr = positive(name, node, reading, &modifiers)?;
    Ok(if modifiers.negated { expr.negated() } else { expr })
}

/// What it says but for `neq`.
fn positive(
    name: &str,
    node: &Node,
    reading: Reading<'_>,
    modifiers: &Modifiers,
) -> Result<Expr, Why> {
    if name.is_empty() {
        return each(node, reading, modifiers, &|one| word(one, reading, modifiers));
    }
    let reader = (reading.source == Source::Auditd).then(|| auditd::reader(name)).flatten();
    let is_own = reader.is_some() || (reading.source == Source::Network && name == "Initiated");
    if is_own && (modifiers.field || modifiers.regex.is_some() || modifiers.compare.is_some()) {
        return Err(format!("'{name}' is compared with words only, and as a whole").into());
    }
    if let Some(reader) = reader {
        let around = Around { before: modifiers.before, after: modifiers.after };
        return each(node, reading, modifiers, &|one| {
            reader(one.text().unwrap_or_default(), around)
        });
    }
    if is_own {
        let ops: &[&str] = match node.text() {
            Some("true") => &["connect", "send"],
            _ => &["accept"],
        };
        return Ok(Expr::Things(ops.iter().fold(0, |all, op| all | things_of("net", Some(op)))));
    }
    let field = match (modifiers.part, name) {
        (Some(part), "UtcTime") => Field::Clock(part),
        (Some(_), _) => return Err(format!("'{name}' is no date").into()),
        (None, "UtcTime") => {
            let why = "a date is compared by its parts only: minute, hour, day, week, month, year";
            return Err(why.to_owned().into());
        }
        (None, _) => reading.source.field(name)?,
    };
    if modifiers.exists {
        return exists(field, node);
    }
    each(node, reading, modifiers, &|one| match modifiers.field {
        true => same(field, one, reading, modifiers),
        false => value(field, one, modifiers),
    })
}

fn exists(field: Field, node: &Node) -> Result<Expr, Why> {
    let is = Expr::Test(field, Matcher::Present);
    match node.text().unwrap_or_default().to_ascii_lowercase().as_str() {
        "true" | "yes" => Ok(is),
        "false" | "no" => Ok(is.negated()),
        _ => Err(Why::Broken(node.line, "`exists` is true or false".into())),
    }
}

/// Another field of the same event: both are there, and the one is, begins with, ends with or holds
/// the other.
fn same(
    field: Field,
    node: &Node,
    reading: Reading<'_>,
    modifiers: &Modifiers,
) -> Result<Expr, Why> {
    let Some(name) = node.text().filter(|_| !node.is_null()) else {
        return Err(Why::Broken(node.line, "`fieldref` wants the name of a field".into()));
    };
    if reading.source == Source::Auditd && auditd::reader(name).is_some() {
        return Err(format!("'{name}' is compared with words only, and as a whole").into());
    }
    let how = match (modifiers.before, modifiers.after) {
        (false, false) => How::Equals,
        (false, true) => How::Prefix,
        (true, false) => How::Suffix,
        (true, true) => How::Contains,
    };
    let other = reading.source.field(name)?;
    Ok(Expr::Test(field, Matcher::Same { how, fold: !modifiers.cased, other }))
}

/// A word that is anywhere in the event.
pub(super) fn keyword(node: &Node, reading: Reading<'_>) -> Result<Expr, Why> {
    word(node, reading, &Modifiers::default())
}

/// A word of what a log of this source would say, also inside of values.
fn word(node: &Node, reading: Reading<'_>, modifiers: &Modifiers) -> Result<Expr, Why> {
    let places: &[Field] = match reading.source {
        // Its records have these as they are, and much that is no event of ours.
        Source::Auditd => &[Field::Argv, Field::Exe, Field::Path, Field::Cwd],
        // The command line is one value there, with its spaces; what the parent runs is part of it.
        Source::Process => &[
            Field::Anything,
            Field::CommandLine,
            Field::ParentExe,
            Field::ParentCommandLine,
            Field::User,
        ],
        _ => &[Field::Anything],
    };
    if modifiers.field || modifiers.exists || modifiers.compare.is_some() || modifiers.cidr {
        return Err("a word without a field has no value to compare".to_owned().into());
    }
    let inside = modifiers.inside();
    let each = places.iter().map(|place| value(*place, node, &inside));
    Ok(Expr::any(each.collect::<Result<_, _>>()?))
}

fn each(
    node: &Node,
    reading: Reading<'_>,
    modifiers: &Modifiers,
    one: &dyn Fn(&Node) -> Result<Expr, Why>,
) -> Result<Expr, Why> {
    let expanded = |node: &Node| match node.text().filter(|_| modifiers.expand) {
        None => one(node),
        Some(text) => {
            let texts = expand(text, reading.values)?.into_iter();
            let nodes = texts.map(|text| Node::word(node.line, text));
            Ok(Expr::any(nodes.map(|node| one(&node)).collect::<Result<_, _>>()?))
        }
    };
    match &node.value {
        Value::List(items) => {
            let all = items.iter().map(expanded).collect::<Result<Vec<_>, _>>()?;
            Ok(if modifiers.all { Expr::All(all) } else { Expr::Any(all) })
        }
        Value::Map(_) => Err(Why::Broken(node.line, "a value is a word or a list of them".into())),
        Value::Scalar { .. } => expanded(node),
    }
}

fn value(field: Field, node: &Node, modifiers: &Modifiers) -> Result<Expr, Why> {
    if node.is_null() {
        return Ok(Expr::Test(field, Matcher::Present).negated());
    }
    let Some(text) = node.text() else {
        return Err(Why::Broken(node.line, "a value is a word".into()));
    };
    if let Some(flags) = &modifiers.regex {
        let pattern = match flags.as_str() {
            "" => text.to_owned(),
            flags => format!("(?{flags}){text}"),
        };
        crate::program::regex(&pattern)
            .map_err(|why| format!("its pattern cannot be evaluated in linear time: {why}"))?;
        return Ok(Expr::Test(field, Matcher::Regex { pattern, needs: Vec::new() }));
    }
    if modifiers.cidr {
        return pattern::network(field, text).map_err(|why| Why::Broken(node.line, why));
    }
    if modifiers.compare.is_some() || modifiers.part.is_some() {
        let wrong = || Why::Broken(node.line, format!("'{text}' is no number"));
        let range = encoded::number(modifiers.compare, text).ok_or_else(wrong)?;
        return Ok(Expr::Test(field, range));
    }
    Ok(encoded::text(field, text, modifiers))
}
