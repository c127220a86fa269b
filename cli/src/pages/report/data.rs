//! What every form of the report is made from.

use std::collections::{BTreeMap, HashMap};

use storage::Summary;

use crate::{
    derive::Opened,
    failure::Failure,
    pages::{
        describe,
        explain::{Explain, Group, Lineage, Seen, grouped},
        nanoseconds, outcome,
        view::each_of,
    },
    text::{Safe, command_line, program},
};

/// Findings whose stories are told.
const STORIES: usize = 20;

/// Processes that are drawn.
pub(super) const DRAWN: usize = 300;

/// Entries that lists in the summary are kept to.
const LISTED: usize = 200;

/// A run, ready to be written down. All text is safe to show, and not yet markup.
pub(super) struct Report<'r> {
    /// The run.
    pub(super) opened: &'r Opened,
    /// Its numbers and lists.
    pub(super) summary: Summary,
    /// Findings by rule, the heaviest first.
    pub(super) groups: Vec<Group>,
    /// How it came to the first findings: number, ancestors, what followed.
    pub(super) stories: Vec<(u64, Vec<Lineage>, Vec<Seen>)>,
    /// Processes in the order of the tree.
    pub(super) processes: Vec<Bar>,
    /// Processes beyond those drawn.
    pub(super) more_processes: usize,
    /// Bytes from programs to peers: out, in.
    pub(super) edges: BTreeMap<(String, String), (u64, u64)>,
    /// First and last instant, nanoseconds since 1970.
    pub(super) span: (i64, i64),
}

/// A process as it is drawn.
#[derive(Debug, Clone, Default)]
pub(super) struct Bar {
    pub(super) pid: u64,
    pub(super) depth: usize,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) outcome: String,
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
}

type Id = (u64, u64);

#[derive(Default)]
struct Tree {
    bars: HashMap<Id, Bar>,
    parents: HashMap<Id, Id>,
    children: HashMap<Id, Vec<Id>>,
    order: Vec<Id>,
}

impl<'r> Report<'r> {
    /// Reads what is needed.
    pub(super) fn of(opened: &'r Opened) -> Result<Report<'r>, Failure> {
        let summary = opened.summary(LISTED)?;
        let explain = Explain::of(opened, 6);
        let groups = grouped(explain.findings()?);
        let mut stories = Vec::new();
        for seen in groups.iter().filter_map(|group| group.seen.first()).take(STORIES) {
            let story = explain.story(seen.seq)?;
            stories.push((seen.seq, story.chain, story.next));
        }
        let start = nanoseconds(&opened.meta.started).unwrap_or(0);
        let last = summary.span_ns.map_or(start, |(_, last)| last).max(start + 1);
        let mut tree = Tree::default();
        let mut edges: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        each_of(opened, &["process", "exec"], &mut |row, line| {
            tree.add(row.ts_ns, &line);
            Ok(())
        })?;
        each_of(opened, &["net"], &mut |_, line| {
            if line.text("op") != "flow" || !line.has("peer") {
                return Ok(());
            }
            let who = line.bytes("exe").map(|exe| program(&exe)).unwrap_or_default();
            let known = edges.entry((who, to(&line))).or_default();
            known.0 = known.0.saturating_add(line.number("sent_bytes").unwrap_or(0));
            known.1 = known.1.saturating_add(line.number("received_bytes").unwrap_or(0));
            Ok(())
        })?;
        let (processes, more_processes) = tree.bars(last);
        let span = (start, last);
        Ok(Report { opened, summary, groups, stories, processes, more_processes, edges, span })
    }

    /// `7k2m`.
    pub(super) fn id(&self) -> &str {
        self.opened.run.id().suffix()
    }

    /// The command, as typed.
    pub(super) fn command(&self) -> String {
        command_line(self.opened.meta.about.command())
    }

    /// How long it took.
    pub(super) fn seconds(&self) -> f64 {
        std::time::Duration::from_nanos(self.span.1.abs_diff(self.span.0)).as_secs_f64()
    }

    /// How it ended.
    pub(super) fn ended(&self) -> String {
        match self.opened.meta.exit {
            Some(exit) => describe::exit_words(exit),
            None if self.opened.live => "not over".to_owned(),
            None => "exit unknown".to_owned(),
        }
    }

    /// Label and words of what is known of the run.
    pub(super) fn head(&self) -> Vec<(&'static str, String)> {
        let meta = &self.opened.meta;
        let time = std::time::Duration::from_nanos(self.span.1.abs_diff(self.span.0));
        let lost: u64 = meta.coverage.values().map(|of| of.lost).fold(0, u64::saturating_add);
        let states = meta.coverage.iter().map(|(source, of)| {
            format!("{} {}", Safe::new(source), Safe::new(&of.state.replace('_', " ")))
        });
        let coverage = states.collect::<Vec<_>>().join(", ");
        let mut head = vec![
            ("command", self.command()),
            ("in", Safe::bytes(&meta.about.cwd()).to_string()),
            ("by", format!("{} on {}", Safe::new(&meta.about.user), Safe::new(&meta.host))),
            ("started", Safe::new(&meta.started).to_string()),
            ("took", crate::text::elapsed(time)),
            ("ended", self.ended()),
            ("record", format!("{}, lost {lost}", Safe::new(&meta.verdict))),
            ("coverage", coverage),
        ];
        head.extend(meta.reasons.iter().map(|why| ("", Safe::new(why).plain().to_string())));
        if !meta.effects_outside.is_empty() {
            let names = meta.effects_outside.iter().map(String::as_str);
            head.push(("outside", crate::pages::effects_outside(names)));
        }
        head
    }
}

/// A peer by name, where it has one.
fn to(line: &crate::pages::Line) -> String {
    let peer = Safe::new(line.text("peer")).to_string();
    let host = line.bytes("host").map(|host| Safe::bytes(&host).to_string());
    match (host, peer.rsplit_once(':')) {
        (Some(host), Some((_, port))) => format!("{host}:{port}"),
        _ => peer,
    }
}

impl Tree {
    fn bar(&mut self, id: Id, ts_ns: i64) -> &mut Bar {
        let order = &mut self.order;
        self.bars.entry(id).or_insert_with(|| {
            order.push(id);
            Bar { pid: id.0, from_ns: ts_ns, ..Bar::default() }
        })
    }

    fn add(&mut self, ts_ns: i64, line: &crate::pages::Line) {
        let id =
            |pid: &str, start: &str| Some((line.number(pid)?, line.number(start).unwrap_or(0)));
        let Some(actor) = id("pid", "start_ns") else { return };
        match (line.text("type"), line.text("op")) {
            ("process", "fork") => {
                let Some(child) = id("child_pid", "child_start_ns") else { return };
                let name = self.bar(actor, ts_ns).name.clone();
                self.bar(child, ts_ns).name = name;
                if child != actor && !self.parents.contains_key(&child) {
                    self.parents.insert(child, actor);
                    self.children.entry(actor).or_default().push(child);
                }
            }
            ("process", "exit") => {
                let bar = self.bar(actor, ts_ns);
                (bar.outcome, bar.to_ns) = (outcome(line), ts_ns);
            }
            ("exec", _) => {
                let bar = self.bar(actor, ts_ns);
                bar.name = line.bytes("exe").map(|exe| program(&exe)).unwrap_or_default();
                bar.command = command_line(line.list("argv"));
            }
            _ => {}
        }
    }

    /// In the order of the tree; each once, whatever the record says of itself.
    fn bars(mut self, last: i64) -> (Vec<Bar>, usize) {
        let roots: Vec<Id> =
            self.order.iter().filter(|id| !self.parents.contains_key(*id)).copied().collect();
        let mut stack: Vec<(Id, usize)> = roots.into_iter().rev().map(|id| (id, 0)).collect();
        let (mut all, mut more) = (Vec::new(), 0);
        while let Some((id, depth)) = stack.pop() {
            let Some(mut bar) = self.bars.remove(&id) else { continue };
            let children = self.children.remove(&id).unwrap_or_default();
            // The front forked the command and is itself not of the run.
            let front = bar.command.is_empty() && bar.outcome.is_empty() && depth == 0;
            let next = if front { 0 } else { depth + 1 };
            stack.extend(children.into_iter().rev().map(|child| (child, next)));
            if front {
                continue;
            }
            if bar.to_ns == 0 {
                bar.to_ns = last;
            }
            bar.depth = depth;
            if all.len() < DRAWN { all.push(bar) } else { more += 1 }
        }
        (all, more)
    }
}
