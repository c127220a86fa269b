//! The lists of the dashboard: processes, files, network.

use std::io::{self, Write};

use serde_json::json;
use storage::{Destination, PathCount, Summary};

use crate::{
    derive::Opened,
    pages::line::Line,
    text::{self, Align, FAINT, HEADING, Safe, Screen, Table, plural, program},
};

/// A list of paths with the length it would have in full.
type List<'s> = (&'s [PathCount], usize);

/// Writes the lists.
pub(super) fn write(
    opened: &Opened,
    summary: &Summary,
    end: Option<&Line>,
    screen: Screen,
    out: &mut impl Write,
) -> io::Result<()> {
    processes(summary, end, screen, out)?;
    files(opened, summary, screen, out)?;
    network(opened, summary, screen, out)?;
    Ok(())
}

fn heading(out: &mut impl Write, name: &str, words: &str) -> io::Result<()> {
    writeln!(out, "\n{}{words}", text::painted(HEADING, &format!("{name:<11}")))
}

fn processes(
    summary: &Summary,
    end: Option<&Line>,
    screen: Screen,
    out: &mut impl Write,
) -> io::Result<()> {
    let processes = end.and_then(|end| end.number("processes"));
    let processes = processes.unwrap_or_else(|| summary.times("process", Some("fork")));
    let (list, all) = &summary.executed;
    let executed = summary.times("exec", None);
    let programs = plural(*all as u64, "program");
    let times = plural(executed, "time");
    heading(
        out,
        "PROCESSES",
        &format!("{} ({programs}, executed {times})", text::count(processes)),
    )?;
    let names = list.iter().map(|one| {
        format!("{} {}", program(&one.path).replace(' ', "\u{a0}"), text::count(one.times))
    });
    let mut words = names.collect::<Vec<_>>().join("  ");
    if *all > list.len() {
        words.push_str(&format!("  … {} more", all - list.len()));
    }
    if !list.is_empty() {
        for line in text::wrap(&words, screen.width.saturating_sub(2)) {
            writeln!(out, "  {}", line.trim().replace('\u{a0}', " "))?;
        }
    }
    Ok(())
}

fn files(
    opened: &Opened,
    summary: &Summary,
    screen: Screen,
    out: &mut impl Write,
) -> io::Result<()> {
    let lists: [(&str, &str, List<'_>); 5] = [
        ("written", "write", (&summary.written.0, summary.written.1)),
        ("created", "create", (&summary.created.0, summary.created.1)),
        ("deleted", "delete", (&summary.deleted.0, summary.deleted.1)),
        ("renamed", "rename", (&summary.renamed.0, summary.renamed.1)),
        ("read", "read", (&summary.read.0, summary.read.1)),
    ];
    let numbers = lists.map(|(name, _, (_, all))| format!("{name} {}", text::count(all as u64)));
    heading(out, "FILES", &numbers.join("  "))?;
    let mut table = Table::new(&[Align::Left, Align::CutMiddle, Align::Right]).indent(2);
    for (name, op, (list, all)) in lists {
        let mut label = name;
        for one in list {
            let times =
                if one.times > 1 { format!("x{}", text::count(one.times)) } else { String::new() };
            table.row([label.to_owned(), Safe::bytes(&one.path).to_string(), times]);
            label = "";
        }
        if all > list.len() {
            let (more, id) = (all - list.len(), opened.run.id().suffix());
            let words =
                format!("… {} more: audit query {id} --op {op} --all", text::count(more as u64));
            table.styled([(String::new(), FAINT), (words, FAINT), (String::new(), FAINT)]);
        }
    }
    out.write_all(table.render(screen.width).as_bytes())
}

fn network(
    opened: &Opened,
    summary: &Summary,
    screen: Screen,
    out: &mut impl Write,
) -> io::Result<()> {
    let (list, all) = &summary.destinations;
    if *all == 0 {
        return heading(out, "NETWORK", "none");
    }
    let contacts = ["connect", "send", "accept"].map(|op| summary.times("net", Some(op)));
    let contacts = contacts.into_iter().fold(0, u64::saturating_add);
    let peers = plural(*all as u64, "peer");
    let mut words = format!("{peers}, {}", plural(contacts, "contact"));
    if list.len() == *all {
        let sum = |of: fn(&Destination) -> u64| {
            text::bytes(list.iter().map(of).fold(0, u64::saturating_add))
        };
        words.push_str(&format!(", {} out, {} in", sum(|to| to.sent), sum(|to| to.received)));
    }
    heading(out, "NETWORK", &words)?;
    use Align::{CutMiddle, Left, Right};
    let mut table = Table::new(&[CutMiddle, Left, Right, Right, Left]).indent(2);
    for to in list {
        let exe = to.exe.as_deref().map(program).unwrap_or_default();
        table.row([
            peer(to),
            Safe::new(&to.proto).to_string(),
            format!("{} out", text::bytes(to.sent)),
            format!("{} in", text::bytes(to.received)),
            exe,
        ]);
    }
    if *all > list.len() {
        let (more, id) = (all - list.len(), opened.run.id().suffix());
        let words =
            format!("… {} more: audit query {id} --type net --all", text::count(more as u64));
        table.styled([(words, FAINT)]);
    }
    out.write_all(table.render(screen.width).as_bytes())
}

/// A peer by its name where it has one, else by its address.
fn peer(to: &Destination) -> String {
    match &to.host {
        Some(host) => format!("{}:{}", Safe::new(host), to.port),
        None if to.ip.contains(':') => format!("[{}]:{}", Safe::new(&to.ip), to.port),
        None => format!("{}:{}", Safe::new(&to.ip), to.port),
    }
}

/// The same numbers as JSON.
pub(super) fn object(summary: &Summary) -> serde_json::Value {
    let paths = |(list, all): &(Vec<PathCount>, usize)| {
        let top: Vec<_> = list.iter().map(path_object).collect();
        json!({ "count": all, "top": top })
    };
    let destinations: Vec<_> = summary.destinations.0.iter().map(destination_object).collect();
    let types: Vec<_> = summary
        .types
        .iter()
        .map(|of| json!({ "type": of.kind, "op": of.op, "events": of.events, "times": of.times }))
        .collect();
    json!({
        "types": types,
        "executed": paths(&summary.executed),
        "read": paths(&summary.read),
        "written": paths(&summary.written),
        "created": paths(&summary.created),
        "deleted": paths(&summary.deleted),
        "renamed": paths(&summary.renamed),
        "destinations": { "count": summary.destinations.1, "top": destinations },
        "malformed_lines": summary.malformed,
    })
}

fn path_object(one: &PathCount) -> serde_json::Value {
    let mut object = json!({ "times": one.times, "first_seq": one.first_seq });
    put_bytes(&mut object, "path", &one.path);
    object
}

fn destination_object(to: &Destination) -> serde_json::Value {
    let mut object = json!({
        "ip": to.ip, "port": to.port, "proto": to.proto, "host": to.host, "contacts": to.contacts,
        "sent_bytes": to.sent, "received_bytes": to.received, "first_seq": to.first_seq,
    });
    if let Some(exe) = &to.exe {
        put_bytes(&mut object, "exe", exe);
    }
    object
}

/// Puts bytes as text, and in base64 beside it where the text does not say it all.
fn put_bytes(object: &mut serde_json::Value, name: &str, bytes: &[u8]) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let Some(fields) = object.as_object_mut() else { return };
    fields.insert(name.to_owned(), json!(String::from_utf8_lossy(bytes)));
    if std::str::from_utf8(bytes).is_err() {
        fields.insert(format!("{name}_b64"), json!(STANDARD.encode(bytes)));
    }
}
