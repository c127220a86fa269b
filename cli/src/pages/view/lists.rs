//! `audit view --files` and `--net`: every file and what was done to it, every peer.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use serde_json::{Value, json};

use super::each_of;
use crate::{
    args::Format,
    derive::Opened,
    failure::Failure,
    pages::describe::verb,
    text::{self, Align, HEADING, Safe, Screen, Table, program},
};

/// What was done to a file.
#[derive(Default)]
struct File {
    did: BTreeMap<String, u64>,
    by: BTreeSet<String>,
    size: Option<u64>,
    seq: u64,
}

/// Writes every file, in the order of their names.
pub(in crate::pages) fn files(
    opened: &Opened,
    limit: Option<usize>,
    form: Format,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    each_of(opened, &["file"], &mut |row, line| {
        for path in [row.path, row.path2].into_iter().flatten() {
            let file = files.entry(Safe::bytes(path).to_string()).or_default();
            let did = file.did.entry(verb(&line)).or_default();
            *did = did.saturating_add(row.count.max(1));
            file.by.extend(row.exe.map(program));
            file.size = line.number("size_after").or(file.size);
            if file.seq == 0 {
                file.seq = row.seq;
            }
        }
        Ok(())
    })?;
    let files = files.iter().take(limit.unwrap_or(usize::MAX));
    if form != Format::Text {
        let list: Vec<Value> = files
            .map(|(path, file)| {
                json!({ "path": path, "did": file.did, "by": file.by, "size": file.size, "first": file.seq })
            })
            .collect();
        let page = json!({ "schema": "audit.files", "version": 1, "files": list });
        text::write_json(out, &page, form)?;
        return Ok(());
    }
    use Align::{CutEnd, CutMiddle, Left, Right};
    let mut table = Table::new(&[Left, CutMiddle, Right, CutEnd]);
    table.styled(["WHAT", "PATH", "SIZE", "BY"].map(|head| (head.to_owned(), HEADING)));
    for (path, file) in files {
        let did: Vec<&str> = file.did.keys().map(String::as_str).collect();
        let by: Vec<&str> = file.by.iter().map(String::as_str).collect();
        let size = file.size.map(text::bytes).unwrap_or_default();
        table.row([did.join(","), path.clone(), size, by.join(" ")]);
    }
    out.write_all(table.render(screen.room).as_bytes())?;
    Ok(())
}

/// What was exchanged with a peer.
#[derive(Default)]
struct Peer {
    names: BTreeSet<String>,
    by: BTreeSet<String>,
    contacts: u64,
    sent: u64,
    received: u64,
    failed: BTreeSet<String>,
    first_ns: i64,
}

/// Writes every peer, the first one first.
pub(in crate::pages) fn net(
    opened: &Opened,
    limit: Option<usize>,
    form: Format,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut peers: BTreeMap<String, Peer> = BTreeMap::new();
    each_of(opened, &["net"], &mut |row, line| {
        if !line.has("peer") {
            return Ok(());
        }
        let name = format!("{} {}", Safe::new(line.text("proto")), Safe::new(line.text("peer")));
        let peer = peers.entry(name).or_default();
        if peer.first_ns == 0 {
            peer.first_ns = row.ts_ns;
        }
        peer.names.extend(line.bytes("host").map(|host| Safe::bytes(&host).to_string()));
        peer.by.extend(row.exe.map(program));
        peer.contacts += u64::from(line.text("op") != "flow");
        peer.sent = peer.sent.saturating_add(row.sent.unwrap_or(0));
        peer.received = peer.received.saturating_add(row.received.unwrap_or(0));
        let result = line.text("result");
        if !matches!(result, "" | "established") {
            peer.failed.insert(Safe::new(&result.replace('_', " ")).to_string());
        }
        Ok(())
    })?;
    let mut peers: Vec<(String, Peer)> = peers.into_iter().collect();
    peers.sort_by_key(|(_, peer)| peer.first_ns);
    peers.truncate(limit.unwrap_or(usize::MAX));
    if form != Format::Text {
        let list: Vec<Value> = peers
            .iter()
            .map(|(name, peer)| {
                json!({ "peer": name, "names": peer.names, "by": peer.by, "contacts": peer.contacts,
                        "sent_bytes": peer.sent, "received_bytes": peer.received, "failed": peer.failed })
            })
            .collect();
        let page = json!({ "schema": "audit.net", "version": 1, "peers": list });
        text::write_json(out, &page, form)?;
        return Ok(());
    }
    let start = crate::pages::nanoseconds(&opened.meta.started).unwrap_or(0);
    use Align::{CutEnd, CutMiddle, Left, Right};
    let mut table = Table::new(&[Right, Left, CutMiddle, Right, Right, CutEnd, Left]);
    let heads = ["TIME", "PEER", "NAME", "OUT", "IN", "BY", "RESULT"];
    table.styled(heads.map(|head| (head.to_owned(), HEADING)));
    let words = |list: &BTreeSet<String>| list.iter().cloned().collect::<Vec<_>>().join(" ");
    for (name, peer) in &peers {
        let at = text::offset(i128::from(peer.first_ns) - i128::from(start));
        let (sent, received) = (text::bytes(peer.sent), text::bytes(peer.received));
        let names = words(&peer.names);
        table.row([at, name.clone(), names, sent, received, words(&peer.by), words(&peer.failed)]);
    }
    out.write_all(table.render(screen.room).as_bytes())?;
    Ok(())
}
