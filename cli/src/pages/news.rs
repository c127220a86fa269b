//! `audit new`: hosts and programs that runs used for the first time.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use storage::{Destination, Query, RunId};

use super::{nanoseconds, runs::short_date};
use crate::{
    args::{Format, Globals, NewArgs, News},
    derive::{Opened, ensure_derived},
    dispatch::Answer,
    failure::Failure,
    text::{self, Align, FAINT, HEADING, Out, Safe, Screen, Table, plural, program},
};

/// A host or program that is new.
#[derive(Debug, Clone, Default)]
struct New {
    /// The first event that has it, and its run.
    event: String,
    /// When that run began, nanoseconds since 1970.
    first_ns: Option<i64>,
    /// Runs that have it.
    runs: BTreeSet<String>,
    /// Who did it first: programs.
    by: BTreeSet<String>,
    /// Times it was talked to, or executed.
    times: u64,
    sent: u64,
    received: u64,
}

type All = BTreeMap<Vec<u8>, New>;

/// What runs before the day did, and what those after it did besides.
#[derive(Debug, Default)]
struct Seen {
    hosts: BTreeSet<Vec<u8>>,
    programs: BTreeSet<Vec<u8>>,
    /// Runs before, and after.
    runs: (u64, u64),
    new_hosts: All,
    new_programs: All,
}

/// Prints what is new.
pub(crate) fn news(args: &NewArgs, globals: &Globals) -> Result<Answer, Failure> {
    let store = globals.store()?;
    let now = Timestamp::now();
    let since = i64::try_from(args.since.instant(now, now).as_nanosecond()).unwrap_or(i64::MIN);
    let mut seen = Seen::default();
    let ids = store.ids().map_err(|error| Failure::of(&error))?;
    // Those before come first: ids begin with the time.
    for id in &ids {
        let run = match store.run(id) {
            Ok(run) => run,
            Err(error) => {
                skipped(id, &Failure::of(&error));
                continue;
            }
        };
        let listed = run.listed();
        if args.name.is_some() && listed.name != args.name {
            continue;
        }
        let is_new = listed.started_ns.is_some_and(|started| started >= since);
        match ensure_derived(run).and_then(|opened| seen.add(&opened, is_new, args.what)) {
            Ok(()) => {}
            // What one run cannot tell, the others still do.
            Err(failure) => skipped(id, &failure),
        }
    }
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => seen.text(args.what, since, Screen::of_stdout(), &mut out)?,
        form => text::write_json(&mut out, &seen.object(args.what, since), form)?,
    }
    out.close()?;
    let any = !seen.new_hosts.is_empty() || !seen.new_programs.is_empty();
    Ok(if any { Answer::Yes } else { Answer::No })
}

fn skipped(id: &RunId, why: &Failure) {
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(anstream::stderr(), "audit: {} is left out: {why}", id.suffix());
}

/// By what a host is known: its name, or its address where it has none.
fn names(to: &Destination) -> (Vec<u8>, Option<Vec<u8>>) {
    let from = if to.accepted { "from " } else { "" };
    let address = format!("{from}{}", to.ip).into_bytes();
    match &to.host {
        Some(host) => (host.to_ascii_lowercase().into_bytes(), Some(address)),
        None => (address, None),
    }
}

impl Seen {
    fn add(&mut self, opened: &Opened, is_new: bool, what: Option<News>) -> Result<(), Failure> {
        let (before, after) = &mut self.runs;
        *(if is_new { after } else { before }) += 1;
        let Some(events) = opened.events()? else { return Ok(()) };
        if what != Some(News::Programs) {
            for to in events.contacts().map_err(|error| Failure::of(&error))? {
                self.host(opened, &to, is_new);
            }
        }
        if what == Some(News::Hosts) {
            return Ok(());
        }
        if !is_new {
            self.programs.extend(events.programs().map_err(|error| Failure::of(&error))?);
            return Ok(());
        }
        let exec = Query { types: vec!["exec".to_owned()], ..Query::default() };
        let (known, found) = (&self.programs, &mut self.new_programs);
        let told = events.each_row(&exec, &mut |row| {
            if let Some(exe) = row.exe.filter(|exe| !known.contains(*exe)) {
                let it = entry(found, exe.to_vec(), opened, row.seq);
                it.times = it.times.saturating_add(row.count);
            }
        });
        told.map_err(|error| Failure::of(&error))?;
        Ok(())
    }

    fn host(&mut self, opened: &Opened, to: &Destination, is_new: bool) {
        let (name, address) = names(to);
        if !is_new {
            self.hosts.extend([Some(name), address].into_iter().flatten());
            return;
        }
        if self.hosts.contains(&name) {
            return;
        }
        let it = entry(&mut self.new_hosts, name, opened, to.first_seq);
        it.times = it.times.saturating_add(to.contacts);
        it.sent = it.sent.saturating_add(to.sent);
        it.received = it.received.saturating_add(to.received);
        it.by.extend(to.exe.as_deref().map(program));
    }

    fn text(
        &self,
        what: Option<News>,
        since_ns: i64,
        screen: Screen,
        out: &mut impl Write,
    ) -> io::Result<()> {
        use Align::{CutEnd, CutMiddle, Left, Right};
        let date = |it: &New| it.first_ns.map(short_date).unwrap_or_default();
        let runs = |it: &New| plural(it.runs.len() as u64, "run");
        if !self.new_hosts.is_empty() {
            let mut table = Table::new(&[CutMiddle, Left, Left, Right, Right, Right, CutEnd]);
            let heads = ["HOST", "FIRST", "EVENT", "RUNS", "OUT", "IN", "BY"];
            table.styled(heads.map(|head| (head.to_owned(), HEADING)));
            for (name, it) in &self.new_hosts {
                let by: Vec<&str> = it.by.iter().map(String::as_str).collect();
                table.row([
                    Safe::bytes(name).to_string(),
                    date(it),
                    it.event.clone(),
                    text::count(it.runs.len() as u64),
                    text::bytes(it.sent),
                    text::bytes(it.received),
                    by.join(" "),
                ]);
            }
            out.write_all(table.render(screen.room).as_bytes())?;
        }
        if !self.new_programs.is_empty() {
            if !self.new_hosts.is_empty() {
                writeln!(out)?;
            }
            let mut table = Table::new(&[CutMiddle, Left, Left, Right, Right]);
            let heads = ["PROGRAM", "FIRST", "EVENT", "IN", "TIMES"];
            table.styled(heads.map(|head| (head.to_owned(), HEADING)));
            for (name, it) in &self.new_programs {
                let name = Safe::bytes(name).to_string();
                table.row([name, date(it), it.event.clone(), runs(it), text::count(it.times)]);
            }
            out.write_all(table.render(screen.room).as_bytes())?;
        }
        self.foot(what, since_ns, screen, out)
    }

    /// What was compared with what: without runs before, all is new.
    fn foot(
        &self,
        what: Option<News>,
        since_ns: i64,
        screen: Screen,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (before, after) = self.runs;
        let mut words = String::new();
        for (of, found) in [(News::Hosts, &self.new_hosts), (News::Programs, &self.new_programs)] {
            if what.is_none_or(|what| what == of) {
                words.push_str(&format!("{}, ", plural(found.len() as u64, of.word())));
            }
        }
        let words = format!(
            "{words}new in {} since {}; {} before",
            plural(after, "run"),
            short_date(since_ns),
            plural(before, "run")
        );
        let none = if before == 0 { ": nothing to compare with" } else { "" };
        let lines = text::wrap(&format!("{words}{none}"), screen.width);
        lines.iter().try_for_each(|line| writeln!(out, "{}", text::painted(FAINT, line)))
    }

    fn object(&self, what: Option<News>, since_ns: i64) -> Value {
        let list = |all: &All| -> Vec<Value> {
            let one = |(name, it): (&Vec<u8>, &New)| {
                json!({ "name": String::from_utf8_lossy(name), "first": it.event, "runs": it.runs,
                        "by": it.by, "times": it.times, "sent_bytes": it.sent, "received_bytes": it.received })
            };
            all.iter().map(one).collect()
        };
        let mut page = json!({
            "schema": "audit.new", "version": 1, "since": text::rfc3339(since_ns),
            "runs": { "before": self.runs.0, "since": self.runs.1 },
        });
        for (of, all) in [(News::Hosts, &self.new_hosts), (News::Programs, &self.new_programs)] {
            if what.is_none_or(|what| what == of)
                && let Some(fields) = page.as_object_mut()
            {
                fields.insert(of.plural().to_owned(), json!(list(all)));
            }
        }
        page
    }
}

/// What is known of something new; the first run that has it is the first that is asked.
fn entry<'a>(all: &'a mut All, name: Vec<u8>, opened: &Opened, seq: u64) -> &'a mut New {
    let id = opened.run.id().suffix();
    let it = all.entry(name).or_insert_with(|| New {
        event: format!("{id}:{seq}"),
        first_ns: nanoseconds(&opened.meta.started),
        ..New::default()
    });
    it.runs.insert(opened.run.id().to_string());
    it
}
