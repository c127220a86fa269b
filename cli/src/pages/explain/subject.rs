//! A file, a host or a process: who had to do with it, from where, and what became of it.

use std::{collections::BTreeMap, io::Write};

use serde_json::{Value, json};
use storage::{Match, Query};

use super::{
    Explain,
    lineage::{self, Process, path_of},
    story::Seen,
};
use crate::{
    args::{ExplainArgs, Filters},
    failure::Failure,
    pages::{
        Line,
        describe::verb,
        query::{Asked, each},
    },
    text::{self, Align, FAINT, HEADING, Safe, Table, plural, program},
};

/// What one process did with the subject.
pub(super) struct Part {
    process: Process,
    /// Its ancestors, the oldest first, itself last.
    chain: Vec<Process>,
    /// How often it did what, as which program (path), and when first.
    did: BTreeMap<(String, Vec<u8>), (u64, i64, u64)>,
    sent: u64,
    received: u64,
    first: (u64, i64),
}

/// Who did what with the subject, in the order in which they came to it.
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Other names that it had, or got, and by which event.
    moved: Vec<Seen>,
    /// Processes beyond the limit.
    more: usize,
}

impl Explain<'_> {
    /// Events about a file: by the index where it is one whole path.
    fn of_path(
        &self,
        path: &str,
        exact_name: bool,
        take: &mut dyn FnMut(Seen),
    ) -> Result<(), Failure> {
        if path.starts_with('/') && !path.contains(['*', '?', '[', '{']) {
            let exact = Some(Match::Exact(path.as_bytes().to_vec()));
            let query = Query { path: exact, other_names: !exact_name, ..Query::default() };
            self.seen(&query)?.into_iter().for_each(&mut *take);
            let exe = Some(Match::Exact(path.as_bytes().to_vec()));
            let types = vec!["exec".to_owned()];
            let run = self.seen(&Query { types, exe, ..Query::default() })?;
            run.into_iter().for_each(take);
            return Ok(());
        }
        let path = Some(path.to_owned());
        self.by_filter(Filters { path, exact_name, ..Filters::default() }, take)
    }

    fn by_filter(&self, filters: Filters, take: &mut dyn FnMut(Seen)) -> Result<(), Failure> {
        each(self.opened, &Asked { filters: &filters, left: None }, &mut |row| {
            take(Seen {
                seq: row.seq,
                ts_ns: row.ts_ns,
                line: Line::parse(row.line),
                raw: row.line.to_vec(),
            });
            Ok(())
        })
        .map(|_| ())
    }

    /// The events that are about the subject.
    pub(super) fn about(&self, args: &ExplainArgs) -> Result<Vec<Seen>, Failure> {
        let mut all = Vec::new();
        let mut take = |seen: Seen| all.push(seen);
        match (&args.path, &args.host) {
            (Some(path), _) => self.of_path(path, args.exact_name, &mut take)?,
            (_, Some(host)) => {
                let dest = Filters { dest: Some(host.clone()), ..Filters::default() };
                self.by_filter(dest, &mut take)?;
            }
            _ => {}
        }
        all.sort_by_key(|seen| seen.seq);
        all.dedup_by_key(|seen| seen.seq);
        Ok(all)
    }

    /// Sorts events by who did them.
    pub(super) fn parts(&self, events: Vec<Seen>) -> Result<Parts, Failure> {
        let mut by: BTreeMap<(u64, u64), (Line, Part)> = BTreeMap::new();
        let mut moved = Vec::new();
        for seen in events {
            let line = &seen.line;
            if let Some(pid) = line.number("pid") {
                let key = (pid, line.number("start_ns").unwrap_or(0));
                let (_, part) = by
                    .entry(key)
                    .or_insert_with(|| (line.clone(), Part::new(seen.seq, seen.ts_ns)));
                part.add(&seen);
            }
            if seen.line.has("path2") {
                moved.push(seen);
            }
        }
        let mut parts: Vec<(Line, Part)> = by.into_values().collect();
        parts.sort_by_key(|(_, part)| part.first);
        let more = parts.len().saturating_sub(self.limit);
        parts.truncate(self.limit);
        moved.truncate(self.limit);
        let parts = parts.into_iter().map(|(line, part)| {
            let Some(process) = lineage::actor(self.opened, &line)? else { return Ok(part) };
            let chain = lineage::chain(self.opened, process.clone())?;
            Ok(Part { process, chain, ..part })
        });
        Ok(Parts { parts: parts.collect::<Result<_, Failure>>()?, moved, more })
    }

    /// Writes who had to do with it.
    pub(super) fn parts_page(
        &self,
        subject: &str,
        parts: &Parts,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let all = plural((parts.parts.len() + parts.more) as u64, "process");
        let all = all.replace("processs", "processes");
        let head = format!("{}  {}", Safe::new(subject), self.opened.run.id().suffix());
        writeln!(out, "{}  {all}", text::painted(HEADING, &head))?;
        for part in &parts.parts {
            let outcome = part.process.outcome.as_deref().unwrap_or("");
            writeln!(
                out,
                "\n  {}  {}  {}",
                self.offset(part.first.1),
                text::painted(HEADING, &part.process.label()),
                text::painted(FAINT, outcome)
            )?;
            let mut table =
                Table::new(&[Align::Left, Align::Right, Align::Right, Align::Left]).indent(4);
            for ((did, exe), (times, ts_ns, seq)) in &part.did {
                let name = program(exe);
                // Before it executed what the process is called after.
                let earlier = !exe.is_empty() && name != part.process.name;
                table.row([
                    if earlier { format!("{did}, as {}", Safe::new(&name)) } else { did.clone() },
                    format!("x{}", text::count(*times)),
                    self.offset(*ts_ns),
                    self.name(*seq),
                ]);
            }
            out.write_all(table.render(self.screen.width).as_bytes())?;
            if part.sent + part.received > 0 {
                let (sent, received) = (text::bytes(part.sent), text::bytes(part.received));
                writeln!(out, "    {sent} out, {received} in")?;
            }
            let command = text::cut_end(&part.process.command, self.screen.width.saturating_sub(9));
            writeln!(out, "    ran  {command}")?;
            if part.chain.len() > 1 {
                let from =
                    text::cut_end(&path_of(&part.chain), self.screen.width.saturating_sub(9));
                writeln!(out, "    from {from}")?;
            }
        }
        self.list_part("Its other names", &parts.moved, out)?;
        if parts.more > 0 {
            let words = format!("\n  … {} more: --all", text::count(parts.more as u64));
            writeln!(out, "{}", text::painted(FAINT, &words))?;
        }
        Ok(())
    }

    /// The same for programs.
    pub(super) fn parts_object(&self, subject: &str, parts: &Parts) -> Value {
        let list: Vec<Value> = parts.parts.iter().map(Part::object).collect();
        let moved: Vec<Value> = parts.moved.iter().map(|seen| seen.line.object()).collect();
        json!({ "schema": "audit.explain", "version": 1, "run": self.opened.run.id().as_str(),
                "subject": subject, "processes": list, "moved": moved, "more": parts.more })
    }

    /// Writes where a process came from, what it started and what it did.
    pub(super) fn process_page(&self, pid: u32, out: &mut impl Write) -> Result<bool, Failure> {
        let Some(process) = lineage::process(self.opened, pid, None, u64::MAX)? else {
            return Ok(false);
        };
        let outcome =
            process.outcome.clone().unwrap_or_else(|| "still alive at the end".to_owned());
        writeln!(out, "{}  {outcome}", text::painted(HEADING, &process.label()))?;
        let all = lineage::descendants(self.opened, &process)?;
        self.chain_part(&lineage::chain(self.opened, process)?, out)?;
        if all.len() > 1 {
            writeln!(out, "\n  {}", text::painted(HEADING, "What it started"))?;
            let mut table = Table::new(&[Align::Left, Align::CutEnd, Align::Left]).indent(4);
            for (pid, start) in all.iter().skip(1).take(self.limit) {
                let child = lineage::process(self.opened, *pid, Some(*start), u64::MAX)?;
                let child = child.unwrap_or(Process { pid: *pid, ..Process::default() });
                let ended = child.outcome.clone().unwrap_or_default();
                table.row([child.label(), child.command.clone(), ended]);
            }
            out.write_all(table.render(self.screen.width).as_bytes())?;
        }
        let mut did: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut firsts = Vec::new();
        for (pid, start) in &all {
            for seen in self.seen(&Query { pid: Some(*pid), ..Query::default() })? {
                if seen.line.number("start_ns") != Some(*start) {
                    continue;
                }
                let kind = Safe::new(seen.line.text("type")).to_string();
                let times = did.entry(format!("{kind} {}", verb(&seen.line))).or_default();
                times.0 += 1;
                times.1 += seen.line.number("count").unwrap_or(1);
                let tells = matches!(
                    seen.line.text("op"),
                    "write" | "create" | "delete" | "rename" | "connect" | "send"
                );
                if tells || seen.line.text("type") == "finding" {
                    firsts.push(seen);
                }
            }
        }
        let heading = if all.len() > 1 { "What it and those did" } else { "What it did" };
        writeln!(out, "\n  {}", text::painted(HEADING, heading))?;
        let mut table = Table::new(&[Align::Left, Align::Right, Align::Right]).indent(4);
        for (what, (events, times)) in &did {
            table.row([what.clone(), text::count(*events), format!("x{}", text::count(*times))]);
        }
        out.write_all(table.render(self.screen.width).as_bytes())?;
        firsts.sort_by_key(|seen| seen.seq);
        let more = firsts.len().saturating_sub(self.limit);
        firsts.truncate(self.limit);
        self.list_part("What it changed and contacted", &firsts, out)?;
        if more > 0 {
            let words = format!("    … {} more: --all", text::count(more as u64));
            writeln!(out, "{}", text::painted(FAINT, &words))?;
        }
        Ok(true)
    }
}

impl Part {
    fn new(seq: u64, ts_ns: i64) -> Part {
        Part {
            process: Process::default(),
            chain: Vec::new(),
            did: BTreeMap::new(),
            sent: 0,
            received: 0,
            first: (seq, ts_ns),
        }
    }

    fn add(&mut self, seen: &Seen) {
        let line = &seen.line;
        let exe = line.bytes("exe").unwrap_or_default().into_owned();
        let known = self.did.entry((verb(line), exe)).or_insert((0, seen.ts_ns, seen.seq));
        known.0 = known.0.saturating_add(line.number("count").unwrap_or(1));
        self.sent = self.sent.saturating_add(line.number("sent_bytes").unwrap_or(0));
        self.received = self.received.saturating_add(line.number("received_bytes").unwrap_or(0));
    }

    fn object(&self) -> Value {
        let did: Vec<Value> = self
            .did
            .iter()
            .map(|((did, exe), (times, _, seq))| {
                let exe = (!exe.is_empty()).then(|| String::from_utf8_lossy(exe));
                json!({ "did": did, "exe": exe, "times": times, "first": seq })
            })
            .collect();
        let ancestors: Vec<Value> = self.chain.iter().map(Process::object).collect();
        json!({ "process": self.process.object(), "ancestors": ancestors, "did": did,
                "sent_bytes": self.sent, "received_bytes": self.received })
    }
}
