//! One field of a search: its modifiers and values.

use event::wire::CallName;

use super::{Why, source::Source};
use crate::expr::{Expr, How, Matcher};
use crate::field::{Field, things_of};
use crate::forms::pattern;
use crate::glob::{self, Piece};
use crate::yaml::{Node, Value};

/// What modifiers make of values.
#[derive(Debug, Default)]
struct Modifiers {
    before: bool,
    after: bool,
    all: bool,
    cased: bool,
    dashes: bool,
    negated: bool,
    wide: bool,
    base64: bool,
    offsets: bool,
    regex: Option<String>,
    cidr: bool,
    exists: bool,
    compare: Option<&'static str>,
}

/// Words of the record types of auditd, and whether they are events of ours.
const TYPES: &[(&str, &str)] = &[("EXECVE", "exec"), ("PATH", "file")];

/// Reads `Field|modifier|modifier` and its values.
pub(super) fn read(key: &str, node: &Node, source: &Source) -> Result<Expr, Why> {
    let mut words = key.split('|');
    let name = words.next().unwrap_or_default();
    let modifiers = Modifiers::read(words)?;
    if name.is_empty() {
        // A word without a field is looked for anywhere, also inside of values.
        let anywhere = Modifiers { before: true, after: true, ..modifiers };
        let expr = each(node, &anywhere, &|one| word(one, source, &anywhere))?;
        return Ok(if anywhere.negated { expr.negated() } else { expr });
    }
    if *source == Source::Auditd
        && let Some(expr) = of_auditd(name, node, &modifiers)?
    {
        return Ok(if modifiers.negated { expr.negated() } else { expr });
    }
    if *source == Source::Network && name == "Initiated" {
        let ops: &[&str] = match node.text() {
            Some("true") => &["connect", "send"],
            _ => &["accept"],
        };
        return Ok(Expr::Things(ops.iter().fold(0, |all, op| all | things_of("net", Some(op)))));
    }
    let field = source.field(name)?;
    if modifiers.exists {
        let is = Expr::Test(field, Matcher::Present);
        return Ok(if node.text() == Some("false") { is.negated() } else { is });
    }
    let expr = each(node, &modifiers, &|one| value(field, one, &modifiers))?;
    Ok(if modifiers.negated { expr.negated() } else { expr })
}

/// A word that is anywhere in the event.
pub(super) fn keyword(node: &Node, source: &Source) -> Result<Expr, Why> {
    let modifiers = Modifiers { before: true, after: true, ..Modifiers::default() };
    word(node, source, &modifiers)
}

/// A word of what a log of this source would say.
fn word(node: &Node, source: &Source, modifiers: &Modifiers) -> Result<Expr, Why> {
    let places: &[Field] = match source {
        // Its records have these as they are, and much that is no event of ours.
        Source::Auditd => &[Field::Argv, Field::Exe, Field::Path, Field::Cwd],
        // The command line is one value there, with its spaces.
        Source::Process => &[Field::Anything, Field::CommandLine],
        _ => &[Field::Anything],
    };
    let each = places.iter().map(|place| value(*place, node, modifiers));
    Ok(Expr::any(each.collect::<Result<_, _>>()?))
}

fn each(
    node: &Node,
    modifiers: &Modifiers,
    one: &dyn Fn(&Node) -> Result<Expr, Why>,
) -> Result<Expr, Why> {
    match &node.value {
        Value::List(items) => {
            let all = items.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            Ok(if modifiers.all { Expr::All(all) } else { Expr::Any(all) })
        }
        Value::Map(_) => Err(Why::Broken(node.line, "a value is a word or a list of them".into())),
        Value::Scalar { .. } => one(node),
    }
}

impl Modifiers {
    fn read<'w>(words: impl Iterator<Item = &'w str>) -> Result<Modifiers, Why> {
        let mut read = Modifiers::default();
        for word in words {
            match word {
                "contains" => (read.before, read.after) = (true, true),
                "startswith" => read.after = true,
                "endswith" => read.before = true,
                "all" => read.all = true,
                "cased" => read.cased = true,
                "windash" => read.dashes = true,
                "neq" => read.negated = true,
                "wide" | "utf16le" => read.wide = true,
                "base64" => read.base64 = true,
                "base64offset" => read.offsets = true,
                "re" => read.regex = Some(String::new()),
                "i" | "m" | "s" => match &mut read.regex {
                    Some(flags) => flags.push_str(word),
                    None => return Err(format!("the modifier '{word}' goes with `re`").into()),
                },
                "cidr" => read.cidr = true,
                "exists" => read.exists = true,
                "gt" => read.compare = Some("gt"),
                "gte" => read.compare = Some("gte"),
                "lt" => read.compare = Some("lt"),
                "lte" => read.compare = Some("lte"),
                other => return Err(format!("the modifier '{other}' is not evaluated").into()),
            }
        }
        Ok(read)
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
    if let Some(compare) = modifiers.compare {
        let wrong = || Why::Broken(node.line, format!("'{text}' is no number"));
        let number: u64 = text.parse().map_err(|_| wrong())?;
        let (least, most) = match compare {
            "gt" => (number.saturating_add(1), u64::MAX),
            "gte" => (number, u64::MAX),
            "lt" => (0, number.saturating_sub(1)),
            _ => (0, number),
        };
        return Ok(Expr::Test(field, Matcher::Number { least, most }));
    }
    let dashes = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
    let forms: Vec<String> = match text.find('-').filter(|_| modifiers.dashes) {
        Some(at) => dashes
            .iter()
            .map(|dash| {
                format!(
                    "{}{dash}{}",
                    text.get(..at).unwrap_or_default(),
                    text.get(at + 1..).unwrap_or_default()
                )
            })
            .collect(),
        None => vec![text.to_owned()],
    };
    let mut any = Vec::new();
    for form in forms {
        for (form, cased) in encoded(&form, modifiers) {
            let mut pieces = match modifiers.base64 || modifiers.offsets {
                true => vec![Piece::Literal(form)],
                false => glob::pieces(&form),
            };
            if modifiers.before && pieces.first() != Some(&Piece::Many) {
                pieces.insert(0, Piece::Many);
            }
            if modifiers.after && pieces.last() != Some(&Piece::Many) {
                pieces.push(Piece::Many);
            }
            any.push(Expr::Test(field, glob::matcher(&pieces, !cased)));
        }
    }
    Ok(Expr::any(any))
}

/// The forms in which a value is looked for, and whether the case of letters counts.
fn encoded(text: &str, modifiers: &Modifiers) -> Vec<(String, bool)> {
    let mut bytes = text.as_bytes().to_vec();
    if modifiers.wide {
        bytes = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    let base64 = |bytes: &[u8]| {
        let mut out = Vec::new();
        event::json::base64::encode(bytes, &mut out);
        String::from_utf8(out).unwrap_or_default()
    };
    if modifiers.offsets {
        // As it looks 0, 1 and 2 bytes into a group of three, without what neighbours change.
        return [(0, 0), (1, 2), (2, 3)]
            .iter()
            .map(|(shift, skip)| {
                let padded = [vec![b' '; *shift], bytes.clone()].concat();
                let text = base64(&padded);
                let end = match padded.len() % 3 {
                    0 => text.len(),
                    1 => text.len() - 3,
                    _ => text.len() - 2,
                };
                (text.get(*skip..end).unwrap_or_default().to_owned(), true)
            })
            .collect();
    }
    if modifiers.base64 {
        return vec![(base64(&bytes), true)];
    }
    vec![(text.to_owned(), modifiers.cased)]
}

/// Fields of auditd that are not simply fields of ours.
fn of_auditd(name: &str, node: &Node, modifiers: &Modifiers) -> Result<Option<Expr>, Why> {
    let each_text = |make: &dyn Fn(&str) -> Result<Expr, Why>| {
        each(node, modifiers, &|one| make(one.text().unwrap_or_default())).map(Some)
    };
    match name {
        "type" => {
            each_text(&|text| match TYPES.iter().find(|(it, _)| it.eq_ignore_ascii_case(text)) {
                Some((_, kind)) => Ok(Expr::Things(things_of(kind, None))),
                None if text.eq_ignore_ascii_case("SYSCALL") => {
                    Ok(Expr::Things(things_of("call", None) | things_of("exec", None)))
                }
                None => Err(format!("records of type {text} are not recorded").into()),
            })
        }
        "SYSCALL" | "syscall" => each_text(&|text| match text {
            "execve" | "execveat" | "59" => Ok(Expr::Things(things_of("exec", None))),
            _ if CallName::ALL.into_iter().any(|call| call.name() == text) => Ok(Expr::All(vec![
                Expr::Things(things_of("call", None)),
                Expr::text(Field::Named("name"), How::Equals, false, text),
            ])),
            _ => Err(format!("the call {text} is not recorded as such").into()),
        }),
        "nametype" => each_text(&|text| {
            let ops: &[&str] = match text {
                "CREATE" => &["create", "write", "rename"],
                "DELETE" => &["delete", "rename"],
                "NORMAL" => return Ok(Expr::Things(things_of("file", None))),
                _ => return Err(format!("nametype {text} is not recorded").into()),
            };
            Ok(Expr::Things(ops.iter().fold(0, |all, op| all | things_of("file", Some(op)))))
        }),
        // The kernel's short name of the process: the last part of the name that was given, 15 bytes
        // at most. The whole name holds too.
        "comm" => each_text(&|text| {
            let name = (!modifiers.before).then(|| Piece::Literal("/".into()));
            let tail = (text.len() >= 15 || modifiers.after).then_some(Piece::Many);
            let lead = std::iter::once(Piece::Many).chain(name);
            let pieces: Vec<Piece> = lead.chain(glob::pieces(text)).chain(tail).collect();
            let matcher = glob::matcher(&pieces, true);
            let given = Expr::Test(Field::Named("file"), matcher.clone());
            Ok(Expr::Any(vec![given, Expr::Test(Field::Exe, matcher)]))
        }),
        _ => Ok(None),
    }
}
