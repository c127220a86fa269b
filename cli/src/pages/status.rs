//! `audit status`: what is recorded now, and what the store uses.

use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::json;
use storage::{Listed, State};

use crate::{
    args::{Format, Globals},
    dispatch::Answer,
    failure::Failure,
    text::{self, Align, Out, Safe, Screen, Table, command_line, plural},
};

/// What there is to say.
pub(super) struct Status {
    runs: usize,
    bytes: u64,
    truncated: usize,
    live: Vec<Listed>,
    free: Option<u64>,
}

/// Prints the page.
pub(crate) fn status(globals: &Globals) -> Result<Answer, Failure> {
    let home = globals.store_dir()?;
    let store = globals.store()?;
    let status = Status::of(&store, &home)?;
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => status.text(&mut out, &home, Timestamp::now(), Screen::of_stdout())?,
        form => text::write_json(&mut out, &status.object(&home), form)?,
    }
    out.close()?;
    Ok(Answer::Yes)
}

impl Status {
    fn of(store: &storage::Store, home: &Path) -> Result<Status, Failure> {
        let ids = store.ids().map_err(|error| Failure::of(&error))?;
        let free = rustix::fs::statvfs(home).ok();
        let free = free.map(|room| room.f_bavail.saturating_mul(room.f_frsize));
        let mut status = Status { runs: ids.len(), bytes: 0, truncated: 0, live: Vec::new(), free };
        for listed in ids.iter().filter_map(|id| store.run(id).ok()).map(|run| run.listed()) {
            status.bytes = status.bytes.saturating_add(listed.bytes);
            match listed.state {
                State::Running => status.live.push(listed),
                State::Truncated | State::Empty => status.truncated += 1,
                State::Sealed => {}
            }
        }
        Ok(status)
    }

    fn text(
        &self,
        out: &mut impl Write,
        home: &Path,
        now: Timestamp,
        screen: Screen,
    ) -> io::Result<()> {
        match self.live.len() {
            0 => writeln!(out, "Nothing is being recorded.")?,
            count => writeln!(out, "Being recorded: {}", plural(count as u64, "run"))?,
        }
        let mut table = Table::new(&[Align::Left, Align::Right, Align::Left, Align::Cut]).indent(2);
        let now = i64::try_from(now.as_nanosecond()).ok();
        for live in &self.live {
            let span = now.zip(live.started_ns).and_then(|(now, start)| now.checked_sub(start));
            let span = span.and_then(|ns| u64::try_from(ns).ok()).map(Duration::from_nanos);
            let time = span.map(text::elapsed).unwrap_or_default();
            let trust = live.trust.unwrap_or("-").to_owned();
            table.row([
                live.id.suffix().to_owned(),
                time,
                trust,
                command_line(live.about.command()),
            ]);
        }
        out.write_all(table.render(screen.room).as_bytes())?;
        let free =
            self.free.map(|free| format!(", {} free", text::bytes(free))).unwrap_or_default();
        let runs = plural(self.runs as u64, "run");
        writeln!(out, "Store: {runs}, {}{free}, in {}", text::bytes(self.bytes), Safe::path(home))?;
        if self.truncated > 0 {
            let runs = plural(self.truncated as u64, "run");
            writeln!(out, "  {runs} without an end: the recorder died (audit runs --all)")?;
        }
        Ok(())
    }

    fn object(&self, home: &Path) -> serde_json::Value {
        let live: Vec<_> = self
            .live
            .iter()
            .map(|live| {
                let started = live.started_ns.map(text::rfc3339);
                json!({ "id": live.id.as_str(), "name": live.name, "command": live.about.command,
                        "started": started, "trust": live.trust })
            })
            .collect();
        json!({
            "schema": "audit.status",
            "version": 1,
            "live": live,
            "store": {
                "path": home.to_string_lossy(),
                "runs": self.runs,
                "truncated": self.truncated,
                "bytes": self.bytes,
                "free_bytes": self.free,
            },
        })
    }
}

#[cfg(test)]
pub(super) fn page(home: &Path, now: Timestamp, screen: Screen) -> String {
    let store = storage::Store::open(home);
    let status =
        Status { free: Some(80_000_000_000), ..Status::of(&store, home).expect("it reads") };
    let mut out = Vec::new();
    status.text(&mut out, home, now, screen).expect("memory takes it");
    String::from_utf8(out).expect("pages are text")
}
