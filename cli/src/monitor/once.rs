//! The monitor for scripts: what it would show, once, as JSON or as a page.

use ratatui::{Terminal, backend::TestBackend};
use serde_json::{Value, json};

use super::{draw::Picture, state::State};

/// Entries of each list.
const ENTRIES: usize = 20;

/// Rows of the page.
const ROWS: u16 = 60;

/// The picture as text of this width, without the keys.
pub(super) fn page(picture: &Picture<'_>, width: usize) -> String {
    let width = u16::try_from(width.clamp(40, 400)).unwrap_or(80);
    // Drawing into memory does not fail.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, ROWS));
    let Ok(_) = terminal.draw(|frame| picture.draw(frame));
    let buffer = terminal.backend().buffer();
    let mut rows: Vec<String> = buffer
        .content()
        .chunks(usize::from(width))
        .map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned())
        .collect();
    rows.pop();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows.join("\n") + "\n"
}

/// The same numbers as JSON.
pub(super) fn object(picture: &Picture<'_>, run: &str) -> Value {
    let State { processes, files, peers, .. } = picture.state;
    let state = picture.state;
    let (out, into) = peers.rates(picture.now_ns);
    let living = processes.tree(true);
    let living = living.iter().filter(|(_, it)| it.ended.is_none()).take(ENTRIES);
    let living: Vec<Value> = living
        .map(|(_, it)| {
            json!({ "pid": it.pid, "name": it.name, "command": it.command, "changed": it.changed,
                    "sent_bytes": it.sent })
        })
        .collect();
    let newest: Vec<Value> = state
        .findings
        .iter()
        .take(ENTRIES)
        .map(|it| {
            json!({ "seq": it.seq, "severity": it.severity, "rule": it.rule, "about": it.about,
                    "who": it.who })
        })
        .collect();
    let latest: Vec<Value> = files
        .latest()
        .into_iter()
        .take(ENTRIES)
        .map(|it| json!({ "path": it.path, "did": it.did, "times": it.times, "by": it.by }))
        .collect();
    let connections: Vec<Value> = peers
        .latest()
        .into_iter()
        .take(ENTRIES)
        .map(|it| {
            let (out, into) = it.rates(picture.now_ns);
            json!({ "peer": it.address, "host": it.host, "by": it.by, "contacts": it.contacts,
                    "open": it.open.len(), "sent_bytes": it.sent, "received_bytes": it.received,
                    "sent_bytes_per_s": out, "received_bytes_per_s": into, "failed": it.failed })
        })
        .collect();
    let sources: serde_json::Map<String, Value> = state
        .sources
        .iter()
        .map(|(name, it)| {
            let it =
                json!({ "state": it.state, "reason": it.reason, "seen": it.seen, "lost": it.lost });
            (name.clone(), it)
        })
        .collect();
    let recorder = picture.cost.process.map(|usage| {
        let cpu_ms = u64::try_from(usage.cpu.as_millis()).unwrap_or(u64::MAX);
        json!({ "pid": usage.pid, "cpu_ms": cpu_ms, "rss_bytes": usage.rss,
                "cpu_percent": picture.cpu_percent })
    });
    let end = state.end.as_ref();
    json!({
        "schema": "audit.monitor", "version": 1, "run": run, "live": picture.live,
        "outcome": end.map(|end| &end.outcome), "verdict": end.map(|end| &end.verdict),
        "elapsed_ms": picture.now_ns.saturating_sub(picture.start_ns) / 1_000_000,
        "events": state.events, "events_per_s": state.rate(picture.now_ns),
        "processes": { "started": processes.started, "alive": processes.alive,
                       "executed": processes.executed, "living": living },
        "findings": { "by_severity": state.severities, "newest": newest },
        "files": { "read": files.read, "changed": files.changed, "latest": latest },
        "network": { "peers": peers.len(), "sent_bytes": peers.sent, "received_bytes": peers.received,
                     "sent_bytes_per_s": out, "received_bytes_per_s": into, "latest": connections },
        "coverage": { "sources": sources, "lost": state.lost },
        "recorder": recorder, "record_bytes": picture.cost.record,
    })
}
