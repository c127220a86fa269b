//! logira's form, unchanged: `{id, title, type, severity, when: {exec|file|net}, message}`.
//!
//! A rule fires here at least wherever it fires there. It fires more often where logira did not look:
//! other names of a file, other users' homes, renames onto a path, IPv6, and `require_exec_bit`, which
//! says nothing here because the mode of a file is not in the record.

use event::model::Severity;

use super::own::{is_id, needed, severity};
use crate::expr::{Expr, How, Matcher};
use crate::field::{Field, things_of};
use crate::problem::Complaints;
use crate::rule::{Body, Rule};
use crate::yaml::Node;

/// Where a home directory may be, in a pattern that had `$HOME`.
const HOMES: &str = "(?:/root|/home/[^/]+)";

/// Reads a rule.
pub(super) fn rule(node: &Node, text: String, complaints: &mut Complaints<'_>) -> Option<Rule> {
    let id = needed(node, "id", complaints)?;
    if !is_id(id) {
        complaints.error(node.line, "an id has letters, digits, '.', '_' and '-', 64 at most");
    }
    needed(node, "title", complaints)?;
    let message = needed(node, "message", complaints)?;
    let kind = needed(node, "type", complaints)?;
    known(node, &["id", "title", "type", "severity", "when", "message"], complaints);
    let severity = node.get("severity").and_then(|value| severity(value, complaints));
    let Some(severity) = severity.filter(|severity| *severity < Severity::Critical) else {
        complaints.error(node.line, "the rule lacks a severity of info, low, medium or high");
        return None;
    };
    if !["exec", "file", "net"].contains(&kind) {
        complaints.error(node.line, format!("there is no type '{kind}', but exec, file and net"));
        return None;
    }
    let Some(when) = node.get("when").and_then(|when| when.get(kind)) else {
        complaints.error(node.line, format!("missing when.{kind}"));
        return None;
    };
    let when = match kind {
        "exec" => exec(when, complaints),
        "file" => file(when, complaints)?,
        _ => net(when, complaints),
    };
    templates(node, message, complaints);
    Some(Rule {
        id: id.into(),
        title: message.into(),
        severity,
        why: String::new(),
        todo: String::new(),
        references: Vec::new(),
        from: complaints.file().into(),
        tried: complaints.tried,
        line: node.line,
        source: text.into(),
        examples: Vec::new(),
        near_misses: Vec::new(),
        body: Body::When(when),
        except: Vec::new(),
        name: None,
        quiet: false,
        template: message.contains("{{"),
    })
}

/// logira passes unknown keys over, so they are no errors here; but they are told.
fn known(node: &Node, keys: &[&str], complaints: &mut Complaints<'_>) {
    for (key, _) in node.entries().unwrap_or_default() {
        if !keys.contains(&key.text.as_str()) {
            complaints.warn(key.line, format!("unknown key '{}' has no effect", key.text));
        }
    }
}

fn texts<'n>(node: &'n Node, key: &str) -> Vec<&'n str> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::text).collect()
}

/// Parts of the name given to execve(2) and of the arguments, in either case.
fn exec(node: &Node, complaints: &mut Complaints<'_>) -> Expr {
    known(node, &["contains_all", "contains_any"], complaints);
    // logira sees the arguments as one text after the name; ours is the file that ran.
    let part = |text: &str| Expr::text(Field::NameAndArguments, How::Contains, true, text);
    let mut all = vec![Expr::Things(things_of("exec", None))];
    all.extend(texts(node, "contains_all").into_iter().map(part));
    let any: Vec<Expr> = texts(node, "contains_any").into_iter().map(part).collect();
    if !any.is_empty() {
        all.push(Expr::Any(any));
    }
    Expr::All(all)
}

fn file(node: &Node, complaints: &mut Complaints<'_>) -> Option<Expr> {
    let selectors = ["prefix", "prefix_any", "path_in", "path_regex"];
    known(node, &[&selectors[..], &["op_in", "require_exec_bit"]].concat(), complaints);
    let given: Vec<&&str> = selectors.iter().filter(|key| node.get(key).is_some()).collect();
    let [selector] = given.as_slice() else {
        complaints.error(node.line, format!("exactly one of {}", selectors.join(", ")));
        return None;
    };
    let mut things = 0;
    for op in texts(node, "op_in") {
        // "create" there is any open that may create, "modify" any open for writing, "open" the rest.
        let ours: &[&str] = match op {
            "create" => &["create", "write", "rename"],
            "modify" => &["write", "create", "truncate", "rename", "attrib"],
            "delete" => &["delete"],
            "open" => &["open", "read", "exec"],
            "read" => &["read"],
            // Its later version knows these.
            "create_or_open" => &["create", "write", "open", "read"],
            "rename" => &["rename"],
            _ => {
                complaints.error(node.line, format!("unknown op '{op}'"));
                continue;
            }
        };
        things |= ours.iter().fold(0, |all, op| all | things_of("file", Some(op)));
    }
    if things == 0 {
        complaints.error(node.line, "op_in names no operation");
        return None;
    }
    let values = texts(node, selector);
    let paths = values.iter().map(|path| match **selector {
        "path_in" => Ok(at(path, How::Equals)),
        "path_regex" => {
            let pattern = path.replace("$HOME", HOMES);
            crate::program::regex(&pattern)
                .map(|_| Expr::Test(Field::Path, Matcher::Regex { pattern, needs: Vec::new() }))
        }
        _ => Ok(below(path)),
    });
    match paths.collect::<Result<Vec<Expr>, String>>() {
        Ok(paths) => Some(Expr::All(vec![Expr::Things(things), Expr::Any(paths)])),
        Err(why) => {
            complaints.error(node.line, format!("cannot read the pattern: {why}"));
            None
        }
    }
}

/// A path of which `$HOME` or `~` is a home directory.
fn at(path: &str, how: How) -> Expr {
    match path.strip_prefix("$HOME/").or_else(|| path.strip_prefix("~/")) {
        Some(rest) => Expr::text(Field::HomePath, how, false, rest),
        None => Expr::text(Field::Path, how, false, path),
    }
}

/// A directory and what is below it.
fn below(path: &str) -> Expr {
    let dir = path.trim_end_matches('/');
    Expr::Any(vec![at(dir, How::Equals), at(&format!("{dir}/"), How::Prefix)])
}

fn net(node: &Node, complaints: &mut Complaints<'_>) -> Expr {
    known(node, &["op", "dst_port_gte", "dst_port_in", "dst_ip_in"], complaints);
    let things = match node.get("op").and_then(Node::text) {
        None => things_of("net", None),
        // A flow tells what was sent and received, which logira had as events of their own.
        Some("connect") => things_of("net", Some("connect")),
        Some("send") => things_of("net", Some("send")) | things_of("net", Some("flow")),
        Some("recv" | "receive") => things_of("net", Some("flow")),
        Some(op) => {
            complaints.error(node.line, format!("unknown op '{op}'"));
            0
        }
    };
    let mut all = vec![Expr::Things(things)];
    let port = |text: &str, complaints: &mut Complaints<'_>| match text.parse::<u16>() {
        Ok(port) => Some(u64::from(port)),
        Err(_) => {
            complaints.error(node.line, format!("'{text}' is no port"));
            None
        }
    };
    if let Some(text) = node.get("dst_port_gte").and_then(Node::text)
        && let Some(least) = port(text, complaints)
    {
        all.push(Expr::Test(Field::Port, Matcher::Number { least, most: u64::MAX }));
    }
    let ports: Vec<Expr> = texts(node, "dst_port_in")
        .into_iter()
        .filter_map(|text| port(text, complaints))
        .map(|port| Expr::Test(Field::Port, Matcher::Number { least: port, most: port }))
        .collect();
    if !ports.is_empty() {
        all.push(Expr::Any(ports));
    }
    let addresses: Vec<Expr> = texts(node, "dst_ip_in")
        .into_iter()
        .map(|text| {
            super::pattern::network(Field::Ip, text)
                .unwrap_or_else(|_| Expr::text(Field::Ip, How::Equals, true, text))
        })
        .collect();
    if !addresses.is_empty() {
        all.push(Expr::Any(addresses));
    }
    Expr::All(all)
}

/// Fields that a name in a message stands for; the first that has a value is shown.
pub(crate) fn template_fields(name: &str) -> &'static [Field] {
    match name.trim_start_matches('.') {
        "file.path" => &[Field::Path],
        "file.op" | "net.op" => &[Field::Named("op")],
        "net.proto" => &[Field::Named("proto")],
        "net.dst_ip" => &[Field::Ip],
        "net.dst_port" => &[Field::Port],
        "net.bytes" => &[Field::Named("sent_bytes")],
        "exec.filename" => &[Field::Exe],
        "exec.argv" => &[Field::CommandLine],
        "exec.comm" => &[Field::Arg(0)],
        "exec.cwd" => &[Field::Cwd],
        _ => &[],
    }
}

fn templates(node: &Node, message: &str, complaints: &mut Complaints<'_>) {
    for part in message.split("{{").skip(1) {
        match part.split_once("}}") {
            Some((name, _)) if template_fields(name.trim()).is_empty() => {
                complaints.warn(node.line, format!("'{}' in the message is nothing", name.trim()));
            }
            Some(_) => {}
            None => complaints.error(node.line, "the message has {{ without }}"),
        }
    }
}
