//! Processes and where they came from, looked up one by one: a page needs few of many.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use storage::Query;

use crate::{
    derive::Opened,
    failure::Failure,
    pages::{Line, outcome, view::each},
    text::{Safe, command_line, program},
};

/// Ancestors that are followed; a hostile record may have circles.
const DEEPEST: usize = 32;

/// Descendants that are followed.
const MOST: usize = 200;

/// A process: what it ran, and how it ended.
#[derive(Debug, Clone, Default)]
pub(in crate::pages) struct Process {
    /// Its number.
    pub(in crate::pages) pid: u32,
    /// Its start; 0 where that is not known.
    pub(in crate::pages) start_ns: u64,
    /// Its parent's number.
    pub(in crate::pages) ppid: Option<u32>,
    /// The program, in one word.
    pub(in crate::pages) name: String,
    /// What it executed last, as typed; its parent's program, where it executed nothing.
    pub(in crate::pages) command: String,
    /// When it executed that, or was first heard of, nanoseconds since 1970.
    pub(in crate::pages) since_ns: Option<i64>,
    /// How it ended.
    pub(in crate::pages) outcome: Option<String>,
}

impl Process {
    /// `node (4120)`.
    pub(in crate::pages) fn label(&self) -> String {
        format!("{} ({})", if self.name.is_empty() { "?" } else { &self.name }, self.pid)
    }

    /// For programs.
    pub(in crate::pages) fn object(&self) -> Value {
        json!({ "pid": self.pid, "start_ns": self.start_ns, "ppid": self.ppid, "name": self.name,
                "command": self.command, "outcome": self.outcome })
    }
}

/// Looks up a process: the one with this start, or the last that had begun by `until_ns`, the boot
/// clock's.
pub(super) fn process(
    opened: &Opened,
    pid: u32,
    start_ns: Option<u64>,
    until_ns: u64,
) -> Result<Option<Process>, Failure> {
    let mut found: Option<Process> = None;
    let types = ["exec", "process"].map(str::to_owned).to_vec();
    each(opened, &Query { types, pid: Some(pid), ..Query::default() }, &mut |row, line| {
        let start = line.number("start_ns").unwrap_or(0);
        let wanted = start_ns.map_or(start <= until_ns, |wanted| wanted == start);
        if !wanted {
            return Ok(());
        }
        let known = found.take().filter(|known| known.start_ns == start);
        let mut it = known.unwrap_or_else(|| Process {
            pid,
            start_ns: start,
            since_ns: Some(row.ts_ns),
            ..Process::default()
        });
        it.ppid = row.ppid.or(it.ppid);
        if let Some(exe) = row.exe {
            it.name = program(exe);
        }
        match (line.text("type"), line.text("op")) {
            ("exec", _) => {
                let command = command_line(line.list("argv"));
                // One that executes again and again is told in order, as `bash > rm x`.
                let earlier = it.command.split(' ').next().filter(|earlier| !earlier.is_empty());
                it.command = match earlier {
                    Some(earlier) if !it.command.contains(" > ") => {
                        format!("{earlier} > {command}")
                    }
                    Some(_) => format!("… > {command}"),
                    None => command,
                };
                it.since_ns = Some(row.ts_ns);
            }
            ("process", "exit") => it.outcome = Some(outcome(&line)),
            _ => {}
        }
        found = Some(it);
        Ok(())
    })?;
    Ok(found)
}

/// The process that did an event.
pub(super) fn actor(opened: &Opened, line: &Line) -> Result<Option<Process>, Failure> {
    let Some(pid) = line.number("pid").and_then(|pid| u32::try_from(pid).ok()) else {
        return Ok(None);
    };
    let start = line.number("start_ns");
    let found = process(opened, pid, start, u64::MAX)?;
    // One that neither executed nor ended has at least what the event says of it.
    Ok(Some(found.unwrap_or_else(|| Process {
        pid,
        start_ns: start.unwrap_or(0),
        ppid: line.number("ppid").and_then(|pid| u32::try_from(pid).ok()),
        name: line.bytes("exe").map(|exe| program(&exe)).unwrap_or_default(),
        ..Process::default()
    })))
}

/// A process and its ancestors within the run, the oldest first.
pub(super) fn chain(opened: &Opened, process_: Process) -> Result<Vec<Process>, Failure> {
    let mut seen = BTreeSet::from([(process_.pid, process_.start_ns)]);
    let mut chain = vec![process_];
    while let Some(child) = chain.last().cloned().filter(|_| chain.len() < DEEPEST) {
        let Some(ppid) = child.ppid else { break };
        let parent = process(opened, ppid, None, child.start_ns)?;
        let Some(parent) = parent.filter(|it| seen.insert((it.pid, it.start_ns))) else { break };
        // The front is no part of the run: nothing but that it forked is known.
        if parent.command.is_empty() && parent.ppid.is_none() {
            break;
        }
        chain.push(parent);
    }
    chain.reverse();
    Ok(chain)
}

/// The numbers of all that descend from a process, itself first.
pub(super) fn descendants(opened: &Opened, of: &Process) -> Result<Vec<(u32, u64)>, Failure> {
    let mut all = vec![(of.pid, of.start_ns)];
    let mut at = 0;
    while let Some((pid, start)) = all.get(at).copied().filter(|_| all.len() < MOST) {
        let query = Query {
            types: vec!["process".to_owned()],
            ops: vec!["fork".to_owned()],
            pid: Some(pid),
            ..Query::default()
        };
        each(opened, &query, &mut |_, line| {
            let child = line.number("child_pid").and_then(|pid| u32::try_from(pid).ok());
            let child = child.map(|pid| (pid, line.number("child_start_ns").unwrap_or(0)));
            let mine = start == 0 || line.number("start_ns") == Some(start);
            if let Some(child) = child.filter(|child| mine && !all.contains(child)) {
                all.push(child);
            }
            Ok(())
        })?;
        at += 1;
    }
    Ok(all)
}

/// `bash < npm < node`, the oldest first.
pub(super) fn path_of(chain: &[Process]) -> String {
    let names: Vec<String> =
        chain.iter().map(|it| Safe::new(&it.name).plain().to_string()).collect();
    names.join(" > ")
}
