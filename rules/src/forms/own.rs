//! Our own form (docs/rules.md).

use event::model::{Severity, table};

use super::{Told, pattern, source};
use crate::expr::{Expr, How, Matcher};
use crate::field::{Class, Field, things_of};
use crate::problem::Complaints;
use crate::rule::{Amount, Body, By, Exception, Rule, Same, Step, Tally};
use crate::sample::Sample;
use crate::yaml::{Key, Node, Value};

/// Keys of a rule.
const KEYS: &[&str] = &[
    "id",
    "title",
    "severity",
    "why",
    "do",
    "references",
    "when",
    "sequence",
    "count",
    "sum",
    "distinct",
    "except",
    "example",
    "near_miss",
];

/// Reads a document.
pub(super) fn read(
    document: &Node,
    lines: &[&str],
    complaints: &mut Complaints<'_>,
    told: &mut Told,
) {
    for (key, value) in document.entries().unwrap_or_default() {
        match key.text.as_str() {
            "rules" => rules(value, lines, complaints, told),
            "disable" => {
                for item in value.items() {
                    match item.text() {
                        Some(id) => told.disabled.push((id.to_owned(), item.line)),
                        None => complaints.error(item.line, "expected an id"),
                    }
                }
            }
            "override" => severities(value, complaints, told),
            "allow" => value.items().iter().for_each(|item| allow(item, complaints, told)),
            _ => unknown(key, &["rules", "disable", "override", "allow"], complaints),
        }
    }
}

fn rules(list: &Node, lines: &[&str], complaints: &mut Complaints<'_>, told: &mut Told) {
    let items = list.items();
    for (at, item) in items.iter().enumerate() {
        let end = items.get(at + 1).map(|next| next.line);
        let text = source(lines, item.line, end);
        if text.len() > super::MAX_RULE {
            complaints
                .error(item.line, format!("a rule longer than {} KiB", super::MAX_RULE >> 10));
            continue;
        }
        let before = complaints.found.iter().filter(|problem| problem.fatal).count();
        let rule = if item.get("type").is_some() {
            super::logira::rule(item, text, complaints)
        } else {
            rule(item, text, complaints)
        };
        let after = complaints.found.iter().filter(|problem| problem.fatal).count();
        if let Some(rule) = rule.filter(|_| before == after) {
            told.rules.push(rule);
        }
    }
    if items.is_empty() {
        complaints.warn(list.line, "no rule in it");
    }
}

fn unknown(key: &Key, known: &[&str], complaints: &mut Complaints<'_>) {
    complaints.error(
        key.line,
        format!("unknown key '{}', expected one of {}", key.text, known.join(", ")),
    );
}

fn severities(node: &Node, complaints: &mut Complaints<'_>, told: &mut Told) {
    for (key, value) in node.entries().unwrap_or_default() {
        if let Some(severity) = severity(value, complaints) {
            told.severities.push((key.text.clone(), severity, key.line));
        }
    }
}

/// Reads a severity.
pub(super) fn severity(node: &Node, complaints: &mut Complaints<'_>) -> Option<Severity> {
    let found = node.text().and_then(Severity::of_name);
    if found.is_none() {
        complaints.error(node.line, "a severity is info, low, medium, high or critical");
    }
    found
}

/// A text that must be there.
pub(super) fn needed<'n>(
    rule: &'n Node,
    key: &str,
    complaints: &mut Complaints<'_>,
) -> Option<&'n str> {
    let text = rule.get(key).and_then(Node::text).filter(|text| !text.trim().is_empty());
    if text.is_none() {
        complaints.error(rule.line, format!("the rule lacks `{key}`"));
    }
    text
}

fn rule(node: &Node, text: String, complaints: &mut Complaints<'_>) -> Option<Rule> {
    let Some(entries) = node.entries() else {
        complaints.error(node.line, "a rule is a map of keys");
        return None;
    };
    for (key, _) in entries.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
        unknown(key, KEYS, complaints);
    }
    let id = needed(node, "id", complaints)?;
    if !is_id(id) {
        complaints.error(node.line, "an id has letters, digits, '.', '_' and '-', 64 at most");
    }
    let title = needed(node, "title", complaints)?;
    let severity = match node.get("severity") {
        Some(value) => severity(value, complaints)?,
        None => {
            complaints.error(node.line, "the rule lacks `severity`");
            return None;
        }
    };
    let body = body(node, complaints)?;
    let optional = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let list = |key: &str| {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    let except = node.get("except").map(Node::items).unwrap_or_default();
    let except: Vec<Exception> =
        except.iter().filter_map(|item| exception(item, complaints)).collect();
    let mut samples = |key: &str| {
        let items = node.get(key).map(|value| Sample::read(value, complaints));
        items.into_iter().flatten().collect::<Vec<_>>()
    };
    let (examples, near_misses) = (samples("example"), samples("near_miss"));
    let rule = Rule {
        id: id.into(),
        title: title.into(),
        severity,
        why: optional("why"),
        todo: optional("do"),
        references: list("references"),
        from: complaints.file().into(),
        line: node.line,
        source: text.into(),
        examples,
        near_misses,
        body,
        except,
        name: None,
        quiet: false,
        template: false,
    };
    if rule.exprs().iter().any(|when| when.things() == 0) {
        complaints.warn(node.line, format!("{id} can never hold: no event has all of its fields"));
    }
    Some(rule)
}

/// Whether a text can be an id.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn body(node: &Node, complaints: &mut Complaints<'_>) -> Option<Body> {
    let tally = ["count", "sum", "distinct"].iter().find_map(|key| Some((*key, node.get(key)?)));
    match (node.get("when"), node.get("sequence"), tally) {
        (Some(when), None, None) => Some(Body::When(clause(when, complaints))),
        (Some(when), None, Some((kind, value))) => {
            let when = clause(when, complaints);
            Some(Body::Tally { when, tally: self::tally(kind, value, complaints)? })
        }
        (None, Some(value), None) => sequence(value, complaints),
        _ => {
            complaints.error(
                node.line,
                "a rule has `when`, perhaps with one of `count`, `sum`, `distinct`, or `sequence`",
            );
            None
        }
    }
}

fn sequence(node: &Node, complaints: &mut Complaints<'_>) -> Option<Body> {
    let within_ns = time(node, "within", complaints)?;
    for (key, _) in node.entries().unwrap_or_default() {
        if !["within", "steps"].contains(&key.text.as_str()) {
            unknown(key, &["within", "steps"], complaints);
        }
    }
    let mut steps = Vec::new();
    for item in node.get("steps").map(Node::items).unwrap_or_default() {
        let same = match item.get("same").and_then(Node::text) {
            Some("run") => Same::Run,
            None | Some("lineage") => Same::Lineage,
            Some("process") => Same::Process,
            Some("family") => Same::Family,
            Some("file") => Same::File,
            Some("peer") => Same::Peer,
            Some(_) => {
                let words = "`same` is one of run, process, lineage, family, file, peer";
                complaints.error(item.line, words);
                Same::Run
            }
        };
        steps.push(Step { when: clause(item, complaints), same });
    }
    if !(2..=8).contains(&steps.len()) {
        complaints.error(node.line, "a sequence has 2 to 8 steps");
        return None;
    }
    Some(Body::Sequence { within_ns, steps })
}

fn time(node: &Node, key: &str, complaints: &mut Complaints<'_>) -> Option<i64> {
    let Some(value) = node.get(key) else {
        complaints.error(node.line, format!("`{key}` is missing"));
        return None;
    };
    match pattern::duration(value.text().unwrap_or_default()) {
        Ok(time) => Some(time),
        Err(why) => {
            complaints.error(value.line, why);
            None
        }
    }
}

fn tally(kind: &str, node: &Node, complaints: &mut Complaints<'_>) -> Option<Tally> {
    let within_ns = time(node, "within", complaints)?;
    let (mut least, mut by, mut of) = (None, Vec::new(), None);
    for (key, value) in node.entries().unwrap_or_default() {
        let text = value.text().unwrap_or_default();
        match key.text.as_str() {
            "within" => {}
            "above" => match pattern::number(text) {
                Ok(number) => least = Some(number.saturating_add(1)),
                Err(why) => complaints.error(value.line, why),
            },
            "of" if kind != "count" => match Field::of_name(text) {
                Some((field, _)) => of = Some(field),
                None => complaints.error(value.line, format!("there is no field '{text}'")),
            },
            "by" => {
                for item in value.items() {
                    match (item.text(), item.text().and_then(Field::of_name)) {
                        (Some("run"), _) => {}
                        (Some("process"), _) => by.push(By::Process),
                        (_, Some((field, _))) => by.push(By::Field(field)),
                        _ => complaints.error(item.line, "`by` is run, process or a field"),
                    }
                }
            }
            _ => unknown(key, &["above", "within", "by", "of"], complaints),
        }
    }
    let what = match (kind, of) {
        ("count", _) => Amount::Events,
        ("sum", Some(field)) => Amount::Sum(field),
        ("distinct", Some(field)) => Amount::Distinct(field),
        _ => {
            complaints.error(node.line, "`of` says which field");
            return None;
        }
    };
    let Some(least) = least else {
        complaints.error(node.line, "`above` says how much is too much");
        return None;
    };
    Some(Tally { what, by, least, within_ns })
}

/// A clause: conditions, all of which must hold.
fn clause(node: &Node, complaints: &mut Complaints<'_>) -> Expr {
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
    let fold = class == Class::Text;
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
            crate::program::regex(text).map_err(|why| format!("cannot read the pattern: {why}"))?;
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

/// An exception: conditions, and until when.
fn exception(node: &Node, complaints: &mut Complaints<'_>) -> Option<Exception> {
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
fn allow(node: &Node, complaints: &mut Complaints<'_>, told: &mut Told) {
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
    if pattern::network(Field::Ip, text).is_ok() {
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
