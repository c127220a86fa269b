//! `audit runs`: the recorded runs, the latest first.

use std::{collections::HashMap, io, io::Write, time::Duration};

use anstyle::Style;
use jiff::Timestamp;
use serde_json::json;
use storage::{Listed, RunId, State, Store};

use super::{describe, instant};
use crate::{
    args::{Format, Globals, RunsArgs},
    dispatch::Answer,
    failure::Failure,
    text::{
        self, Align, BAD, CAUTION, Day, FAINT, HEADING, Out, Safe, Screen, Table, command_line,
    },
};

/// A run in the list, or why it cannot be read.
enum Entry {
    Run(Box<Listed>),
    Unreadable(RunId, String),
}

impl Entry {
    fn id(&self) -> &RunId {
        match self {
            Entry::Run(listed) => &listed.id,
            Entry::Unreadable(id, _) => id,
        }
    }
}

/// Prints the list.
pub(crate) fn runs(args: &RunsArgs, globals: &Globals) -> Result<Answer, Failure> {
    let store = globals.store()?;
    let mut ids = store.ids().map_err(|error| Failure::of(&error))?;
    ids.reverse();
    let limit = if args.all { usize::MAX } else { args.limit };
    let entries: Vec<Entry> = ids
        .iter()
        .map(|id| entry(&store, id))
        .filter(|entry| named(entry, args))
        .take(limit)
        .collect();
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => {
            let whole = globals.verbose > 0;
            let list = List { entries: &entries, ids: &ids, now: Timestamp::now(), whole };
            list.text(&mut out, Screen::of_stdout())?;
        }
        Format::Jsonl => {
            for entry in &entries {
                text::write_json(&mut out, &object(entry), Format::Jsonl)?;
            }
        }
        _ => {
            let list: Vec<_> = entries.iter().map(object).collect();
            text::write_json(&mut out, &list, Format::Json)?;
        }
    }
    out.close()?;
    Ok(Answer::Yes)
}

fn entry(store: &Store, id: &RunId) -> Entry {
    match store.run(id) {
        Ok(run) => Entry::Run(Box::new(run.listed())),
        Err(error) => Entry::Unreadable(id.clone(), Failure::of(&error).message().to_owned()),
    }
}

fn named(entry: &Entry, args: &RunsArgs) -> bool {
    let Some(wanted) = args.name.as_deref() else { return true };
    matches!(entry, Entry::Run(listed) if listed.name.as_deref() == Some(wanted))
}

/// The page, with the time at which it is looked at.
pub(super) struct List<'l> {
    entries: &'l [Entry],
    /// All runs of the store.
    ids: &'l [RunId],
    now: Timestamp,
    /// Show whole ids.
    whole: bool,
}

impl List<'_> {
    fn text(&self, out: &mut impl Write, screen: Screen) -> io::Result<()> {
        use Align::{Cut, CutEnd, Left, Right};
        let mut table = Table::new(&[Left, Left, CutEnd, Cut, Left, Right, Left, Left]);
        let heads = ["ID", "STARTED", "NAME", "COMMAND", "EXIT", "TIME", "RECORD", "TRUST"];
        table.styled(heads.map(|head| (head.to_owned(), HEADING)));
        let shorts = suffixes(self.ids);
        for entry in self.entries {
            let id = entry.id();
            let short = if !self.whole && shorts.get(id.suffix()) == Some(&1) {
                id.suffix()
            } else {
                id.as_str()
            };
            table.styled(self.cells(entry, short));
        }
        if !self.entries.is_empty() {
            out.write_all(table.render(screen.room).as_bytes())?;
        }
        self.foot(out)
    }

    fn cells(&self, entry: &Entry, id: &str) -> Vec<(String, Style)> {
        let plain = |text: String| (text, Style::new());
        let listed = match entry {
            Entry::Run(listed) => listed,
            Entry::Unreadable(_, why) => {
                let why = Safe::new(why).plain().to_string();
                let empty = || plain(String::new());
                let bad = ("unreadable".to_owned(), BAD);
                return vec![
                    plain(id.to_owned()),
                    empty(),
                    empty(),
                    plain(why),
                    empty(),
                    empty(),
                    bad,
                    empty(),
                ];
            }
        };
        let started = listed.started_ns.and_then(instant);
        let started = started.map_or_else(|| "-".to_owned(), |at| Day::of(self.now).short(at));
        let name =
            listed.name.as_deref().map_or_else(|| "-".to_owned(), |n| Safe::new(n).to_string());
        let mut command = command_line(listed.about.command());
        if listed.about.command_cut {
            command.push_str(" …");
        }
        vec![
            plain(id.to_owned()),
            plain(started),
            plain(name),
            plain(command),
            plain(exit(listed)),
            plain(self.time(listed)),
            record(listed),
            plain(listed.trust.unwrap_or("-").to_owned()),
        ]
    }

    /// How long it took; of a running one, so far.
    fn time(&self, listed: &Listed) -> String {
        let now = i64::try_from(self.now.as_nanosecond()).ok();
        let so_far = now.zip(listed.started_ns).and_then(|(now, start)| now.checked_sub(start));
        let so_far = so_far.and_then(|ns| u64::try_from(ns).ok());
        let span = if listed.state == State::Running { so_far } else { listed.took_ns };
        let span = span.map(Duration::from_nanos);
        span.map_or_else(|| "-".to_owned(), text::elapsed)
    }

    fn foot(&self, out: &mut impl Write) -> io::Result<()> {
        let (shown, all) = (self.entries.len(), self.ids.len());
        match (shown, all) {
            (_, 0) => writeln!(out, "No runs yet. Record one: audit run -- CMD"),
            (shown, all) if shown < all => {
                let line = format!("{shown} of {all} runs       audit runs --all");
                writeln!(out, "{}", text::painted(FAINT, &line))
            }
            _ => Ok(()),
        }
    }
}

/// A date in few words: `Nov 21 02:00`.
pub(super) fn short_date(ns: i64) -> String {
    instant(ns).map(|at| at.strftime("%b %-d %H:%M").to_string()).unwrap_or_default()
}

/// How often each suffix occurs.
fn suffixes(ids: &[RunId]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for id in ids {
        *counts.entry(id.suffix()).or_default() += 1;
    }
    counts
}

fn exit(listed: &Listed) -> String {
    match listed.exit {
        Some(exit) => describe::exit_word(exit),
        None => "-".to_owned(),
    }
}

/// Returns the state of the record in one word.
fn record(listed: &Listed) -> (String, Style) {
    let (word, style) = match (listed.state, listed.verdict.as_deref()) {
        (State::Running, _) => ("running".to_owned(), text::GOOD),
        (State::Truncated, _) => ("truncated".to_owned(), BAD),
        (State::Empty, _) => ("empty".to_owned(), BAD),
        (State::Sealed, None) => ("sealed".to_owned(), Style::new()),
        // Folded is complete too: repeats are in the counts.
        (State::Sealed, Some("complete, folded")) => ("complete".to_owned(), Style::new()),
        (State::Sealed, Some(verdict)) => (Safe::new(verdict).to_string(), verdict_style(verdict)),
    };
    let from = if listed.imported.is_some() { ", imported" } else { "" };
    (word + from, style)
}

/// The style of a verdict.
pub(super) fn verdict_style(verdict: &str) -> Style {
    match verdict {
        "partial" => CAUTION,
        "truncated" => BAD,
        _ => Style::new(),
    }
}

fn object(entry: &Entry) -> serde_json::Value {
    let listed = match entry {
        Entry::Run(listed) => listed,
        Entry::Unreadable(id, why) => {
            return json!({ "id": id.as_str(), "state": "unreadable", "why": why });
        }
    };
    let state = match listed.state {
        State::Running => "running",
        State::Sealed => "sealed",
        State::Truncated => "truncated",
        State::Empty => "empty",
    };
    let mut object = json!({
        "id": listed.id.as_str(),
        "state": state,
        "name": listed.name,
        "command": listed.about.command,
        "cwd": listed.about.cwd,
        "user": listed.about.user,
        "uid": listed.about.uid,
        "started": listed.started_ns.map(text::rfc3339),
        "ended": listed.ended_ns.map(text::rfc3339),
        "exit": listed.exit,
        "verdict": listed.verdict,
        "reasons": listed.reasons,
        "trust": listed.trust,
        "bytes": listed.bytes,
    });
    if let (Some(fields), Some(imported)) = (object.as_object_mut(), &listed.imported) {
        fields.insert("imported".to_owned(), json!(imported));
    }
    if let (Some(fields), Some(exact)) = (object.as_object_mut(), &listed.about.command_b64) {
        fields.insert("command_b64".to_owned(), json!(exact));
    }
    object
}

#[cfg(test)]
pub(super) fn page(store: &Store, now: Timestamp, screen: Screen) -> String {
    let mut ids = store.ids().expect("the store can be read");
    ids.reverse();
    let entries: Vec<Entry> = ids.iter().map(|id| entry(store, id)).collect();
    let mut out = Vec::new();
    List { entries: &entries, ids: &ids, now, whole: false }
        .text(&mut out, screen)
        .expect("memory takes it");
    String::from_utf8(out).expect("pages are text")
}
