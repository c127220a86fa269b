//! `audit view --failed` and `--running`: the processes that did not end well, or did not end.

use std::{
    collections::HashMap,
    io::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    args::Format,
    derive::Opened,
    failure::Failure,
    pages::{line::Line, nanoseconds, outcome},
    text::{self, Align, FAINT, HEADING, Safe, Screen, Table, command_line, plural, program},
};

/// Which processes are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) enum Which {
    /// Those that ended with another status than 0, or by a signal.
    Failed,
    /// Those of which no end is recorded.
    Running,
}

/// A process, by all that is told of it.
#[derive(Debug, Default)]
struct Process {
    pid: u64,
    start_ns: u64,
    /// The process that forked it.
    parent: Option<(u64, u64)>,
    name: String,
    /// What it executed last; its parent's program, where it executed nothing.
    command: Option<String>,
    /// First and last heard of, nanoseconds since 1970.
    span_ns: (i64, i64),
    outcome: Option<String>,
    first_seq: u64,
    /// The event that tells its end.
    end_seq: Option<u64>,
    /// It forked, and nothing else is known of it: the front, which is none of the run.
    only_forked: bool,
}

/// The processes of a run, in the order in which they are first heard of.
#[derive(Debug, Default)]
struct Processes {
    at: HashMap<(u64, u64), usize>,
    all: Vec<Process>,
}

/// Writes the processes that are `which`.
pub(in crate::pages) fn write(
    opened: &Opened,
    which: Which,
    limit: Option<usize>,
    form: Format,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut known = Processes::default();
    super::each_of(opened, &["exec", "process"], &mut |row, line| {
        known.add(row.ts_ns, row.seq, &line);
        Ok(())
    })?;
    let counted = known.all.iter().filter(|it| !it.only_forked).count();
    let is = |it: &&Process| match which {
        Which::Failed => it.outcome.as_deref().is_some_and(|outcome| outcome != "exit 0"),
        Which::Running => it.outcome.is_none() && !it.only_forked,
    };
    let found: Vec<&Process> = known.all.iter().filter(is).collect();
    let shown = found.get(..limit.unwrap_or(usize::MAX).min(found.len())).unwrap_or_default();
    if form != Format::Text {
        let list: Vec<Value> = shown.iter().map(|it| known.object(it)).collect();
        let page = json!({ "schema": "audit.processes", "version": 1, "processes": counted,
                           "which": which.name(), "found": found.len(), "list": list });
        return Ok(text::write_json(out, &page, form)?);
    }
    let start = nanoseconds(&opened.meta.started).unwrap_or(0);
    known.text(shown, which, start, screen, out)?;
    let words = which.words(found.len() as u64, counted as u64, opened.live);
    writeln!(out, "{}", text::painted(FAINT, &words))?;
    Ok(())
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Which::Failed => "failed",
            Which::Running => "running",
        }
    }

    /// How many of all, in a sentence.
    fn words(self, found: u64, all: u64, live: bool) -> String {
        let (all, none) = (plural(all, "process"), found == 0);
        let found = if none { "None".to_owned() } else { text::count(found) };
        match self {
            Which::Failed => format!("{found} of {all} ended otherwise than with 0."),
            Which::Running if live => format!("{found} of {all} goes on now."),
            Which::Running => format!("{found} of {all} went on when the recording ended."),
        }
    }
}

impl Processes {
    fn of(&mut self, id: (u64, u64), ts_ns: i64, seq: u64) -> Option<&mut Process> {
        let next = self.all.len();
        let at = *self.at.entry(id).or_insert(next);
        if at == next {
            self.all.push(Process {
                pid: id.0,
                start_ns: id.1,
                span_ns: (ts_ns, ts_ns),
                first_seq: seq,
                only_forked: true,
                ..Process::default()
            });
        }
        self.all.get_mut(at)
    }

    fn add(&mut self, ts_ns: i64, seq: u64, line: &Line) {
        let id =
            |pid: &str, start: &str| Some((line.number(pid)?, line.number(start).unwrap_or(0)));
        let Some(actor) = id("pid", "start_ns") else { return };
        let name = line.bytes("exe").map(|exe| program(&exe));
        let Some(it) = self.of(actor, ts_ns, seq) else { return };
        it.name = name.unwrap_or_else(|| std::mem::take(&mut it.name));
        match (line.text("type"), line.text("op")) {
            ("exec", _) => {
                it.command = Some(command_line(line.list("argv")));
                it.only_forked = false;
            }
            ("process", "exit") => {
                it.outcome = Some(outcome(line));
                (it.span_ns.1, it.end_seq, it.only_forked) = (ts_ns, Some(seq), false);
            }
            ("process", "fork") => {
                let name = it.name.clone();
                let Some(child) = id("child_pid", "child_start_ns") else { return };
                let Some(it) = self.of(child, ts_ns, seq) else { return };
                (it.parent, it.only_forked) = (Some(actor), false);
                if it.name.is_empty() {
                    it.name = name;
                }
            }
            _ => {}
        }
    }

    fn parent(&self, of: &Process) -> Option<&Process> {
        self.all.get(*self.at.get(&of.parent?)?)
    }

    fn text(
        &self,
        shown: &[&Process],
        which: Which,
        start_ns: i64,
        screen: Screen,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if shown.is_empty() {
            return Ok(());
        }
        use Align::{Cut, CutEnd, Left, Right};
        let failed = which == Which::Failed;
        let mut table = Table::new(&[Right, Right, Left, Right, Cut, CutEnd]);
        let heads = ["BEGAN", "PID", if failed { "ENDED" } else { "" }, "TOOK", "COMMAND", "BY"];
        let heads = heads.map(|head| if head == "TOOK" && !failed { "" } else { head });
        table.styled(heads.map(|head| (head.to_owned(), HEADING)));
        for it in shown {
            let took = Duration::from_nanos(it.span_ns.0.abs_diff(it.span_ns.1));
            let took = it.outcome.as_ref().map(|_| text::elapsed(took)).unwrap_or_default();
            let command = it.command.clone().unwrap_or_else(|| format!("({})", it.name));
            let by = self.parent(it).filter(|parent| !parent.only_forked);
            table.row([
                text::offset(i128::from(it.span_ns.0) - i128::from(start_ns)),
                it.pid.to_string(),
                it.outcome.clone().unwrap_or_default(),
                took,
                Safe::new(&command).plain().to_string(),
                by.map(|by| format!("{} ({})", by.name, by.pid)).unwrap_or_default(),
            ]);
        }
        out.write_all(table.render(screen.room).as_bytes())
    }

    fn object(&self, of: &Process) -> Value {
        let parent = self.parent(of).filter(|parent| !parent.only_forked);
        json!({ "pid": of.pid, "start_ns": of.start_ns, "name": of.name, "command": of.command,
                "outcome": of.outcome, "parent": parent.map(|it| json!({ "pid": it.pid, "name": it.name })),
                "first": of.first_seq, "end": of.end_seq })
    }
}
