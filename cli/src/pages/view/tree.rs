//! `audit view --tree`: who started whom.
//!
//! The events may come from a hostile directory: a process may be told to be its own ancestor, or
//! nested a million deep. Each is written once, and nothing here recurses.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    io::{self, Write},
};

use serde::Deserialize;
use storage::{Query, Row};

use crate::{
    derive::Opened,
    failure::Failure,
    pages::{describe, line::Line},
    text::{self, FAINT, Safe, Screen, command_line, cut_end, cut_middle, program},
};

/// A process: pid and start.
type Id = (u64, u64);

/// Columns that the path of a program takes of a line at most.
const LONGEST: usize = 32;

/// Deepest indentation, in levels; what is deeper stays there.
const DEEPEST: usize = 24;

#[derive(Debug, Default)]
struct Node {
    parent: Option<Id>,
    children: Vec<Id>,
    programs: Vec<String>,
    command: Option<String>,
    /// What it ran when it did something; a copy of its parent until it executes.
    copy_of: Option<String>,
    outcome: Option<String>,
    /// When it was first and last heard of, nanoseconds since 1970.
    span_ns: Option<(i64, i64)>,
    /// Files that it wrote, created, deleted or renamed.
    changed: u64,
    /// Peers that it contacted.
    peers: HashSet<String>,
}

impl Node {
    /// How long it lived and what it did outside itself: `  1.4s  3 files changed`.
    fn effects(&self) -> String {
        let mut words = String::new();
        let took =
            self.span_ns.map(|(from, to)| to.abs_diff(from)).filter(|_| self.outcome.is_some());
        if let Some(took) = took {
            words.push_str(&format!("  {}", text::elapsed(std::time::Duration::from_nanos(took))));
        }
        if self.changed > 0 {
            words.push_str(&format!("  {}", text::plural(self.changed, "file change")));
        }
        if !self.peers.is_empty() {
            words.push_str(&format!("  {}", text::plural(self.peers.len() as u64, "peer")));
        }
        words
    }

    /// What it ran, and how it ended: equal for those that are shown as one.
    fn words(&self) -> String {
        let mut words = match (self.programs.split_last(), &self.command) {
            (Some((_, earlier)), Some(command)) => {
                let earlier: String = earlier.iter().map(|name| format!("{name} > ")).collect();
                format!("{earlier}{command}")
            }
            _ => format!("({})", self.copy_of.as_deref().unwrap_or("no exec")),
        };
        match self.outcome.as_deref() {
            Some("exit 0") | None => {}
            Some(outcome) => words.push_str(&format!("  [{outcome}]")),
        }
        words
    }
}

/// What only the line says of an effect.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told<'a> {
    start_ns: Option<u64>,
    #[serde(borrow)]
    peer: Option<Cow<'a, str>>,
}

#[derive(Debug, Default)]
struct Tree {
    nodes: HashMap<Id, Node>,
    order: Vec<Id>,
}

/// Writes the tree of a run's processes.
pub(in crate::pages) fn write(
    opened: &Opened,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut tree = Tree::default();
    super::each_of(opened, &["process", "exec"], &mut |row, line| {
        tree.add(row.ts_ns, &line);
        Ok(())
    })?;
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let (types, ops) = (["file", "net"], ["write", "create", "delete", "rename"]);
    let ops = [&ops[..], &["connect", "send", "flow"]].concat();
    let effects = Query { types: words(&types), ops: words(&ops), ..Query::default() };
    super::each_row(opened, &effects, &mut |row| {
        tree.effect(row);
        Ok(())
    })?;
    tree.text(screen, out)?;
    Ok(())
}

impl Tree {
    fn node(&mut self, id: Id) -> &mut Node {
        let order = &mut self.order;
        self.nodes.entry(id).or_insert_with(|| {
            order.push(id);
            Node::default()
        })
    }

    /// Takes what was done to a file or said to a peer; there may be a million of these.
    fn effect(&mut self, row: &Row<'_>) {
        let Some(pid) = row.pid else { return };
        let told: Told<'_> = serde_json::from_slice(row.line).unwrap_or_default();
        let id = (pid.into(), told.start_ns.unwrap_or(0));
        match (row.kind, told.peer) {
            ("file", _) => self.node(id).changed += 1,
            (_, Some(peer)) if !peer.is_empty() => {
                let peers = &mut self.node(id).peers;
                if !peers.contains(&*peer) {
                    peers.insert(peer.into_owned());
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, ts_ns: i64, line: &Line) {
        let id =
            |pid: &str, start: &str| Some((line.number(pid)?, line.number(start).unwrap_or(0)));
        let Some(actor) = id("pid", "start_ns") else { return };
        match (line.text("type"), line.text("op")) {
            ("process", "fork") => {
                let Some(child) = id("child_pid", "child_start_ns") else { return };
                self.node(actor);
                let node = self.node(child);
                node.span_ns.get_or_insert((ts_ns, ts_ns));
                if node.parent.is_none() && child != actor {
                    node.parent = Some(actor);
                    self.node(actor).children.push(child);
                }
            }
            ("process", "exit") => {
                let core = line.flag("core");
                let outcome = describe::outcome(line.number("code"), line.number("signal"), core);
                let node = self.node(actor);
                node.outcome = Some(outcome);
                node.span_ns.get_or_insert((ts_ns, ts_ns)).1 = ts_ns;
                node.copy_of = line.bytes("exe").map(|exe| program(&exe));
            }
            ("exec", _) => {
                let node = self.node(actor);
                node.span_ns.get_or_insert((ts_ns, ts_ns));
                node.programs.push(program(&line.bytes("exe").unwrap_or_default()));
                node.command = Some(command(line.list("argv")));
            }
            _ => {}
        }
    }

    fn text(&self, screen: Screen, out: &mut impl Write) -> io::Result<()> {
        let mut seen = HashSet::new();
        // Roots first; then what only hangs in circles.
        let is_root = |id: &&Id| self.nodes.get(*id).is_some_and(|node| node.parent.is_none());
        let (roots, others): (Vec<&Id>, Vec<&Id>) = self.order.iter().partition(is_root);
        for start in roots.into_iter().chain(others) {
            self.below(*start, &mut seen, screen, out)?;
        }
        Ok(())
    }

    fn below(
        &self,
        start: Id,
        seen: &mut HashSet<Id>,
        screen: Screen,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut stack = vec![(start, 0_usize, 1_usize)];
        if self.is_front(start) {
            // It forked the command and is itself not of the run.
            seen.insert(start);
            let children = self.nodes.get(&start).map(|node| node.children.as_slice());
            let groups = self.grouped(children.unwrap_or_default(), seen);
            stack = groups.into_iter().rev().map(|(child, times)| (child, 0, times)).collect();
        }
        while let Some((id, depth, times)) = stack.pop() {
            let Some(node) = self.nodes.get(&id) else { continue };
            if !seen.insert(id) {
                continue;
            }
            entry(id, node, depth, times, screen, out)?;
            for (child, times) in self.grouped(&node.children, seen).into_iter().rev() {
                stack.push((child, depth + 1, times));
            }
        }
        Ok(())
    }

    /// Whether nothing is known of a process but that it forked others.
    fn is_front(&self, id: Id) -> bool {
        self.nodes.get(&id).is_some_and(|node| {
            node.parent.is_none() && node.command.is_none() && node.outcome.is_none()
        })
    }

    /// Puts neighbours that ran the same, ended the same and started nothing into one.
    fn grouped(&self, children: &[Id], seen: &mut HashSet<Id>) -> Vec<(Id, usize)> {
        let mut groups: Vec<(Id, usize, Option<String>)> = Vec::new();
        for child in children {
            let leaf = self.nodes.get(child).filter(|node| node.children.is_empty());
            let words = leaf.map(Node::words);
            match groups.last_mut() {
                Some((_, times, same)) if same.is_some() && *same == words => {
                    *times += 1;
                    seen.insert(*child);
                }
                _ => groups.push((*child, 1, words)),
            }
        }
        groups.into_iter().map(|(id, times, _)| (id, times)).collect()
    }
}

/// A command line whose program, called by a long path, leaves room for the rest.
fn command(mut argv: Vec<Vec<u8>>) -> String {
    if let Some(first) = argv.first_mut()
        && first.len() > LONGEST
        && let Ok(name) = std::str::from_utf8(first)
    {
        *first = cut_middle(name, LONGEST).into_bytes();
    }
    command_line(argv)
}

fn entry(
    id: Id,
    node: &Node,
    depth: usize,
    times: usize,
    screen: Screen,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut lead = "  ".repeat(depth.min(DEEPEST));
    if depth > DEEPEST {
        lead.push_str(&format!("({depth} deep) "));
    }
    let name =
        if times > 1 { format!("x{}", text::count(times as u64)) } else { format!("[{}]", id.0) };
    let effects = if times > 1 { String::new() } else { node.effects() };
    let used = lead.len() + name.len() + 1 + effects.len();
    let room = screen.width.saturating_sub(used).max(12);
    let words = cut_end(&node.words(), room);
    // Nothing in `words` is raw: each part was escaped where it came in.
    let words = Safe::new(&words).plain().to_string();
    writeln!(out, "{lead}{} {words}{}", text::painted(FAINT, &name), text::painted(FAINT, &effects))
}
