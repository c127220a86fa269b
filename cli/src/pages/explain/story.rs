//! One event: what was seen, how it came to this, what followed.

use std::io::Write;

use serde_json::{Value, json};
use storage::Query;

use super::{
    Explain,
    lineage::{self, Process},
};
use crate::{
    failure::Failure,
    pages::{
        Line,
        describe::{verb, what},
        view::each,
    },
    text::{self, Align, FAINT, HEADING, Safe, Table, cut_end},
};

/// An event with its number and time.
pub(in crate::pages) struct Seen {
    /// Its number.
    pub(in crate::pages) seq: u64,
    /// Its time, nanoseconds since 1970.
    pub(in crate::pages) ts_ns: i64,
    /// All of it.
    pub(in crate::pages) line: Line,
    /// As the record has it.
    pub(in crate::pages) raw: Vec<u8>,
}

/// Everything that a page about an event has.
pub(in crate::pages) struct Story {
    /// The event.
    pub(in crate::pages) seen: Seen,
    /// The finding that was asked about, where it was one.
    pub(in crate::pages) finding: Option<Line>,
    /// Who did it and its ancestors, the oldest first.
    pub(in crate::pages) chain: Vec<Process>,
    /// What it and its descendants did then.
    pub(in crate::pages) next: Vec<Seen>,
    /// Findings that name the event.
    pub(in crate::pages) findings: Vec<Seen>,
}

impl Explain<'_> {
    /// Finds one event.
    pub(super) fn event(&self, seq: u64) -> Result<Option<Seen>, Failure> {
        let query = Query { after_seq: seq.checked_sub(1), limit: Some(1), ..Query::default() };
        let found = self.seen(&query)?.into_iter().next();
        Ok(found.filter(|seen| seen.seq == seq))
    }

    /// All events of a query.
    pub(super) fn seen(&self, query: &Query) -> Result<Vec<Seen>, Failure> {
        let mut all = Vec::new();
        each(self.opened, query, &mut |row, line| {
            all.push(Seen { seq: row.seq, ts_ns: row.ts_ns, line, raw: row.line.to_vec() });
            Ok(())
        })?;
        Ok(all)
    }

    /// Puts the story of an event together.
    pub(in crate::pages) fn story(&self, seq: u64) -> Result<Story, Failure> {
        let missing = || {
            let id = self.opened.run.id().suffix();
            Failure::new(format!("cannot find event {seq} of run {id}"))
                .hint(format!("audit query {id} --all"))
        };
        let mut seen = self.event(seq)?.ok_or_else(missing)?;
        let mut finding = None;
        if seen.line.text("type") == "finding"
            && let Some(cause) = seen.line.number("cause")
            && let Some(cause) = self.event(cause)?
        {
            finding = Some(std::mem::replace(&mut seen, cause).line);
        }
        let actor = lineage::actor(self.opened, &seen.line)?;
        let mut next = Vec::new();
        let mut chain = Vec::new();
        if let Some(actor) = actor {
            next = self.next(&actor, seen.seq)?;
            chain = lineage::chain(self.opened, actor)?;
        }
        let findings = self.findings()?.into_iter().filter(|finding| {
            let line = &finding.line;
            let mut causes =
                line.texts("causes").into_iter().filter_map(|it| it.parse::<u64>().ok());
            line.number("cause") == Some(seen.seq) || causes.any(|cause| cause == seen.seq)
        });
        let findings = findings.collect();
        Ok(Story { seen, finding, chain, next, findings })
    }

    /// What a process and its descendants did after an event.
    fn next(&self, actor: &Process, after: u64) -> Result<Vec<Seen>, Failure> {
        let mut all = Vec::new();
        for (pid, start) in lineage::descendants(self.opened, actor)? {
            let query = Query {
                pid: Some(pid),
                after_seq: Some(after),
                // Forks are told by what the children do.
                types: ["exec", "file", "net", "dns", "unix", "call", "delegation", "process"]
                    .map(str::to_owned)
                    .to_vec(),
                limit: Some(self.limit.saturating_mul(4)),
                ..Query::default()
            };
            all.extend(self.seen(&query)?.into_iter().filter(|seen| {
                let line = &seen.line;
                line.text("op") != "fork" && (start == 0 || line.number("start_ns") == Some(start))
            }));
        }
        all.sort_by_key(|seen| seen.seq);
        all.truncate(self.limit);
        Ok(all)
    }

    /// Writes the page of an event.
    pub(super) fn story_page(&self, story: &Story, out: &mut impl Write) -> Result<(), Failure> {
        let seen = &story.seen;
        let (left, right) = match &story.finding {
            Some(finding) => {
                let text = |name: &str| Safe::new(finding.text(name)).to_string();
                (format!("{}  {}", text("severity"), text("rule")), text("title"))
            }
            None => (Safe::new(seen.line.text("type")).to_string(), verb(&seen.line)),
        };
        writeln!(
            out,
            "{}",
            text::painted(HEADING, &format!("{}  {left}  {right}", self.name(seen.seq)))
        )?;
        let who = story.chain.last().map(Process::label).unwrap_or_default();
        writeln!(
            out,
            "\n  {}  {who} {} {}",
            self.offset(seen.ts_ns),
            verb(&seen.line),
            what(&seen.line)
        )?;
        self.chain_part(&story.chain, out)?;
        self.list_part("What it did next", &story.next, out)?;
        if let Some(finding) = &story.finding {
            self.why(finding, out)?;
        }
        if story.finding.is_none() {
            self.list_part("Findings about it", &story.findings, out)?;
        }
        Ok(())
    }

    /// Ancestors with their commands, indented.
    pub(super) fn chain_part(
        &self,
        chain: &[Process],
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        if chain.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n  {}", text::painted(HEADING, "How it came to this"))?;
        for (depth, process) in chain.iter().enumerate() {
            let lead = match depth {
                0 => String::new(),
                depth => format!("{}└ ", "  ".repeat(depth.min(12) - 1)),
            };
            let at = process.since_ns.map(|ns| self.offset(ns)).unwrap_or_default();
            let label = process.label();
            let used = 4 + text::width(&lead) + text::width(&label) + 2 + text::width(&at) + 2;
            let room = self.screen.width.saturating_sub(used).max(12);
            let command = cut_end(&process.command, room);
            let pad = " ".repeat(room.saturating_sub(text::width(&command)));
            writeln!(out, "    {lead}{label}  {command}{pad}  {}", text::painted(FAINT, &at))?;
        }
        Ok(())
    }

    /// Events in a list, each with its name.
    pub(super) fn list_part(
        &self,
        head: &str,
        list: &[Seen],
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        if list.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n  {}", text::painted(HEADING, head))?;
        let mut table = Table::new(&[Align::Right, Align::Left, Align::Cut, Align::Left]).indent(4);
        for seen in list {
            let cells = [self.offset(seen.ts_ns), verb(&seen.line), what(&seen.line)];
            let cells = cells.into_iter().map(|cell| (cell, anstyle::Style::new()));
            table.styled(cells.chain([(self.name(seen.seq), FAINT)]));
        }
        out.write_all(table.render(self.screen.room.min(self.screen.width)).as_bytes())?;
        Ok(())
    }

    /// Which conditions matched, and what to do if it is expected.
    fn why(&self, finding: &Line, out: &mut impl Write) -> Result<(), Failure> {
        let text = |name: &str| Safe::new(finding.text(name)).to_string();
        writeln!(out, "\n  {}", text::painted(HEADING, "Why this is a finding"))?;
        writeln!(out, "    rule {} ({})", text("rule"), text("rule_from"))?;
        for matched in finding.texts("matched") {
            writeln!(out, "      {}", Safe::new(matched))?;
        }
        let mut allow = format!("audit rules allow {}", text("rule"));
        for (flag, name) in [("--exe", "exe"), ("--path", "path")] {
            if let Some(value) = finding.bytes(name) {
                allow.push_str(&format!(" {flag} {}", text::command_line([value])));
            }
        }
        if let Some(to) = finding.bytes("host").or_else(|| finding.bytes("peer")) {
            allow.push_str(&format!(" --dest {}", text::command_line([to])));
        }
        writeln!(out, "\n  {}", text::painted(HEADING, "If it is expected"))?;
        writeln!(out, "    {allow}")?;
        Ok(())
    }

    /// The page of an event for programs.
    pub(super) fn story_object(&self, story: &Story) -> Value {
        let events =
            |list: &[Seen]| -> Vec<Value> { list.iter().map(|it| it.line.object()).collect() };
        let chain: Vec<Value> = story.chain.iter().map(Process::object).collect();
        json!({
            "schema": "audit.explain", "version": 1, "run": self.opened.run.id().as_str(),
            "event": story.seen.line.object(),
            "finding": story.finding.as_ref().map(Line::object),
            "ancestors": chain,
            "next": events(&story.next),
            "findings": events(&story.findings),
        })
    }
}
