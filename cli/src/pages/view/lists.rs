//! `audit view --files` and `--net`: every file and what was done to it, every peer.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write,
};

use event::model::table::TYPES;
use serde::Deserialize;
use serde_json::{Value, json};
use storage::{Query, Row};

use super::{each_of, each_row};
use crate::{
    args::Format,
    derive::Opened,
    failure::Failure,
    text::{self, Align, HEADING, Safe, Screen, Table, program},
};

/// What was done to a file.
#[derive(Default)]
struct File {
    did: BTreeMap<&'static str, u64>,
    /// Paths of programs: few, so that looking through them costs less than keeping them sorted.
    by: Vec<Box<[u8]>>,
    size: Option<u64>,
    seq: u64,
}

/// What only the line says of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    dir: bool,
    size_after: Option<u64>,
}

impl File {
    fn add(&mut self, row: &Row<'_>, told: &Told) {
        let did = self.did.entry(verb(row.op, told.dir)).or_default();
        *did = did.saturating_add(row.count.max(1));
        if let Some(exe) = row.exe.filter(|exe| !self.by.iter().any(|by| **by == **exe)) {
            self.by.push(exe.into());
        }
        self.size = told.size_after.or(self.size);
        if self.seq == 0 {
            self.seq = row.seq;
        }
    }

    fn programs(&self) -> BTreeSet<String> {
        self.by.iter().map(|exe| program(exe)).collect()
    }
}

/// What was done, in a word; of an operation that is none of ours, no more than that.
fn verb(op: Option<&str>, dir: bool) -> &'static str {
    match op {
        Some("create") if dir => "mkdir",
        Some("delete") if dir => "rmdir",
        Some(op) => {
            let mut known = TYPES.iter().flat_map(|kind| kind.ops).copied();
            known.find(|known| *known == op).unwrap_or("other")
        }
        None => "file",
    }
}

/// Writes every file, in the order of their names.
pub(in crate::pages) fn files(
    opened: &Opened,
    limit: Option<usize>,
    form: Format,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut known: HashMap<Box<[u8]>, File> = HashMap::new();
    let query = Query { types: vec!["file".to_owned()], ..Query::default() };
    each_row(opened, &query, &mut |row| {
        let told: Told = serde_json::from_slice(row.line).unwrap_or_default();
        for path in [row.path, row.path2].into_iter().flatten() {
            match known.get_mut(path) {
                Some(file) => file.add(row, &told),
                None => known.entry(path.into()).or_default().add(row, &told),
            }
        }
        Ok(())
    })?;
    let files: BTreeMap<String, File> =
        known.into_iter().map(|(path, file)| (Safe::bytes(&path).to_string(), file)).collect();
    let files = files.iter().take(limit.unwrap_or(usize::MAX));
    if form != Format::Text {
        let list: Vec<Value> = files
            .map(|(path, file)| {
                json!({ "path": path, "did": file.did, "by": file.programs(), "size": file.size, "first": file.seq })
            })
            .collect();
        let page = json!({ "schema": "audit.files", "version": 1, "files": list });
        text::write_json(out, &page, form)?;
        return Ok(());
    }
    use Align::{CutEnd, CutMiddle, Right};
    let mut table = Table::new(&[CutEnd, CutMiddle, Right, CutEnd]);
    table.styled(["WHAT", "PATH", "SIZE", "BY"].map(|head| (head.to_owned(), HEADING)));
    for (path, file) in files {
        let did: Vec<&str> = file.did.keys().copied().collect();
        let by: Vec<String> = file.programs().into_iter().collect();
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
