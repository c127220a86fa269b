//! The processes of a run as a tree: who lives, who started whom, what they ran and did.

use std::collections::{HashMap, HashSet};

use crate::{
    pages::{Line, outcome},
    text::{command_line, program},
};

/// A process: pid and start.
type Id = (u64, u64);

/// Processes that are kept; those that ended long ago go first.
const MOST: usize = 20_000;

/// Deepest place in the tree; a hostile record may nest a million.
const DEEPEST: usize = 64;

/// Processes.
#[derive(Debug, Default)]
pub(in crate::monitor) struct Processes {
    known: HashMap<Id, Process>,
    /// In the order in which they were heard of.
    order: Vec<Id>,
    /// Of those that are kept.
    ended: usize,
    /// All that were started.
    pub(in crate::monitor) started: u64,
    /// Those that live, as far as is known.
    pub(in crate::monitor) alive: u64,
    /// Programs executed.
    pub(in crate::monitor) executed: u64,
}

/// One process.
#[derive(Debug, Default)]
pub(in crate::monitor) struct Process {
    /// Its number.
    pub(in crate::monitor) pid: u64,
    /// What it runs, in one word.
    pub(in crate::monitor) name: String,
    /// What it executed last, as typed.
    pub(in crate::monitor) command: String,
    /// When it was first heard of, nanoseconds since 1970.
    pub(in crate::monitor) since_ns: i64,
    /// When it ended, and how.
    pub(in crate::monitor) ended: Option<(i64, String)>,
    /// Files that it changed.
    pub(in crate::monitor) changed: u64,
    /// Bytes that it sent.
    pub(in crate::monitor) sent: u64,
    parent: Option<Id>,
    /// It was seen to fork, execute or end: not merely to have started the run.
    own: bool,
}

impl Processes {
    pub(super) fn take(&mut self, ts_ns: i64, line: &Line) {
        let id = |pid, start| Some((line.number(pid)?, line.number(start).unwrap_or(0)));
        let Some(actor) = id("pid", "start_ns") else { return };
        match (line.text("type"), line.text("op")) {
            ("process", "fork") => {
                if let Some(child) = id("child_pid", "child_start_ns") {
                    self.fork(actor, child, ts_ns, line);
                }
            }
            ("process", "exit") => {
                let node = self.node(actor, ts_ns);
                let first = node.ended.is_none();
                node.ended = Some((ts_ns, outcome(line)));
                node.own = true;
                self.alive = self.alive.saturating_sub(u64::from(first));
                self.ended += usize::from(first);
            }
            ("exec", _) => {
                let is_new = !self.known.contains_key(&actor);
                let node = self.node(actor, ts_ns);
                node.name = line.bytes("exe").map(|exe| program(&exe)).unwrap_or_default();
                node.command = command_line(line.list("argv"));
                node.own = true;
                self.executed += 1;
                // The command itself: its fork was before the record.
                self.alive += u64::from(is_new);
                self.started += u64::from(is_new);
            }
            ("file", "write" | "create" | "delete" | "rename") => {
                let node = self.node(actor, ts_ns);
                node.changed += 1;
            }
            ("net", "flow") => {
                let sent = line.number("sent_bytes").unwrap_or(0);
                let node = self.node(actor, ts_ns);
                node.sent = node.sent.saturating_add(sent);
            }
            _ => {}
        }
    }

    fn fork(&mut self, actor: Id, child: Id, ts_ns: i64, line: &Line) {
        let name = line.bytes("exe").map(|exe| program(&exe));
        let node = self.node(actor, ts_ns);
        if node.name.is_empty() {
            node.name = name.unwrap_or_default();
        }
        let name = node.name.clone();
        let is_new = !self.known.contains_key(&child);
        let node = self.node(child, ts_ns);
        if is_new {
            // A copy of its parent until it executes.
            node.name = name;
            node.parent = (child != actor).then_some(actor);
            node.own = true;
            self.started += 1;
            self.alive += 1;
        }
    }

    fn node(&mut self, id: Id, ts_ns: i64) -> &mut Process {
        if !self.known.contains_key(&id) {
            if self.known.len() >= MOST {
                self.forget();
            }
            self.order.push(id);
        }
        self.known.entry(id).or_insert_with(|| Process {
            pid: id.0,
            since_ns: ts_ns,
            ..Process::default()
        })
    }

    /// Lets go of half of those that ended, the oldest; of a run of so many that live, of the newest.
    fn forget(&mut self) {
        let known = &mut self.known;
        if self.ended < MOST / 4 {
            self.order.pop().map(|newest| known.remove(&newest));
            return;
        }
        let mut left = self.ended.div_ceil(2);
        self.ended -= left;
        self.order.retain(|id| {
            let ended = known.get(id).is_some_and(|node| node.ended.is_some());
            let goes = ended && left > 0;
            if goes {
                known.remove(id);
                left -= 1;
            }
            !goes
        });
    }

    /// The tree from its roots, with depths: all that are kept, or the living and those above them.
    pub(in crate::monitor) fn tree(&self, alive_only: bool) -> Vec<(usize, &Process)> {
        let shown: Option<HashSet<Id>> = alive_only.then(|| self.living());
        let is_shown = |id: &Id| shown.as_ref().is_none_or(|shown| shown.contains(id));
        let mut below: HashMap<Option<Id>, Vec<Id>> = HashMap::new();
        for id in self.order.iter().filter(|id| is_shown(id)) {
            let Some(node) = self.known.get(id) else { continue };
            let parent = node.parent.filter(|parent| self.is_seen(parent));
            if node.own {
                below.entry(parent).or_default().push(*id);
            }
        }
        let mut stack: Vec<(Id, usize)> = Vec::new();
        let push = |stack: &mut Vec<(Id, usize)>, of: Option<Id>, depth: usize| {
            let children = below.get(&of).into_iter().flatten().rev();
            stack.extend(children.map(|child| (*child, depth.min(DEEPEST))));
        };
        push(&mut stack, None, 0);
        let (mut rows, mut seen) = (Vec::new(), HashSet::new());
        while let Some((id, depth)) = stack.pop() {
            // A hostile record may have circles.
            let Some(node) = self.known.get(&id).filter(|_| seen.insert(id)) else { continue };
            rows.push((depth, node));
            push(&mut stack, Some(id), depth + 1);
        }
        rows
    }

    /// Whether it has a row of its own: the front, of which nothing is known but that it forked, has none.
    fn is_seen(&self, id: &Id) -> bool {
        self.known.get(id).is_some_and(|node| node.own)
    }

    /// Those that live, and their ancestors.
    fn living(&self) -> HashSet<Id> {
        let mut shown = HashSet::new();
        for (id, _) in self.known.iter().filter(|(_, node)| node.ended.is_none()) {
            let mut at = Some(*id);
            while let Some(id) = at.filter(|id| shown.insert(*id)) {
                at = self.known.get(&id).and_then(|node| node.parent);
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(lines: &[&str]) -> Processes {
        let mut processes = Processes::default();
        for (at, line) in lines.iter().enumerate() {
            processes.take(at as i64, &Line::parse(format!("{{{line}}}").as_bytes()));
        }
        processes
    }

    #[test]
    fn the_living_are_shown_with_those_who_started_them() {
        let processes = play(&[
            r#""type":"process","op":"fork","pid":1,"child_pid":2"#,
            r#""type":"exec","pid":2,"exe":"/bin/sh","argv":["sh","-c","x"]"#,
            r#""type":"process","op":"fork","pid":2,"child_pid":3"#,
            r#""type":"exec","pid":3,"exe":"/bin/sleep","argv":["sleep","9"]"#,
            r#""type":"process","op":"fork","pid":2,"child_pid":4"#,
            r#""type":"process","op":"exit","pid":4,"code":0"#,
            r#""type":"process","op":"exit","pid":2,"code":0"#,
        ]);
        let rows = |alive| -> Vec<(usize, u64)> {
            processes.tree(alive).iter().map(|(depth, it)| (*depth, it.pid)).collect()
        };
        assert_eq!(rows(false), [(0, 2), (1, 3), (1, 4)]);
        assert_eq!(rows(true), [(0, 2), (1, 3)]);
        assert_eq!((processes.started, processes.alive, processes.executed), (3, 1, 2));
    }

    #[test]
    fn circles_end_and_many_are_bounded() {
        let circle = play(&[
            r#""type":"process","op":"fork","pid":1,"child_pid":2"#,
            r#""type":"process","op":"fork","pid":2,"child_pid":1"#,
        ]);
        assert!(circle.tree(false).len() <= 2);
        let mut many = Processes::default();
        for pid in 2..60_000 {
            let line = format!(r#"{{"type":"process","op":"fork","pid":1,"child_pid":{pid}}}"#);
            many.take(0, &Line::parse(line.as_bytes()));
        }
        assert!(many.known.len() <= MOST && many.order.len() <= MOST + 1);
        assert_eq!(many.started, 59_998);
    }
}
