//! Findings: of a run, added up for its page and its summary; and of other rules, found anew.

use std::{fmt::Write as _, io::Write};

use event::model::{Event, Severity, What};
use rules::Judge;
use storage::{Query, Tail};

use super::{
    describe::{finding_about, who},
    filter::Filter,
    line::Line,
    line_table::{Clock, Columns, LineTable},
};
use crate::{
    args::{Format, Globals, QueryArgs, RuleArgs},
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    pipeline::{self, Pipeline},
    ruling,
    text::{self, FAINT, Out, Safe, Screen},
};

/// Findings that are held to be sorted; what is beyond is counted.
const HELD: usize = 100_000;

/// The findings of a run, repeats in their counts.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    entries: Vec<Entry>,
    /// Beyond [`HELD`].
    more: u64,
}

/// One finding.
#[derive(Debug)]
struct Entry {
    severity: Severity,
    rule: String,
    title: String,
    about: Option<String>,
    who: String,
    exe: Vec<u8>,
    count: u64,
    seq: u64,
}

impl Findings {
    /// Reads them, the weightiest first.
    pub(crate) fn of(opened: &Opened) -> Result<Findings, Failure> {
        let query = Query { types: vec!["finding".to_owned()], ..Query::default() };
        let mut findings = Findings::default();
        super::view::each(opened, &query, &mut |row, line| {
            findings.add(row.seq, &line);
            Ok(())
        })?;
        findings.entries.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.seq.cmp(&b.seq)));
        Ok(findings)
    }

    fn add(&mut self, seq: u64, line: &Line) {
        let severity = Severity::of_name(line.text("severity")).unwrap_or(Severity::Info);
        let entry = Entry {
            severity,
            rule: line.text("rule").to_owned(),
            title: line.text("title").to_owned(),
            about: finding_about(line),
            who: who(line),
            exe: line.bytes("exe").map(|exe| exe.into_owned()).unwrap_or_default(),
            count: line.number("count").unwrap_or(1),
            seq,
        };
        let same = |known: &&mut Entry| {
            (&known.rule, &known.about, &known.exe) == (&entry.rule, &entry.about, &entry.exe)
        };
        let full = self.entries.len() >= HELD;
        match self.entries.iter_mut().rev().take(1_000).find(same) {
            Some(known) => known.count = known.count.saturating_add(entry.count),
            None if full => self.more += 1,
            None => self.entries.push(entry),
        }
    }

    /// The weight of the weightiest.
    pub(crate) fn worst(&self) -> Option<Severity> {
        self.entries.iter().map(|entry| entry.severity).max()
    }

    /// `no findings`, or how many: `3 findings`.
    pub(crate) fn words(&self) -> String {
        match self.entries.len() as u64 + self.more {
            0 => "no findings".to_owned(),
            count => text::plural(count, "finding"),
        }
    }

    /// Writes a line for each, `limit` at most.
    pub(crate) fn write(&self, run: &str, limit: usize, out: &mut String) {
        let shown = self.entries.iter().take(limit);
        let widest = shown.clone().map(|entry| entry.rule.len()).max().unwrap_or(0).min(24);
        for entry in shown {
            let mut words = Safe::new(&entry.title).to_string();
            if let Some(about) = &entry.about {
                let _ = write!(words, ": {about}");
            }
            if !entry.who.is_empty() {
                let _ = write!(words, " by {}", entry.who);
            }
            if entry.count > 1 {
                let _ = write!(words, "  x{}", entry.count);
            }
            let (severity, rule) = (entry.severity.name(), Safe::new(&entry.rule).to_string());
            let _ = writeln!(out, "  {severity:<8} {rule:<widest$}  {words}  {run}:{}", entry.seq);
        }
        let more = self.entries.len().saturating_sub(limit) as u64 + self.more;
        if more > 0 {
            let _ = writeln!(out, "  and {more} more: audit query --type finding --all {run}");
        }
    }

    /// The same for programs.
    pub(crate) fn object(&self) -> serde_json::Value {
        let entries = self.entries.iter().map(|entry| {
            serde_json::json!({
                "severity": entry.severity.name(), "rule": entry.rule, "title": entry.title,
                "about": entry.about, "who": entry.who, "count": entry.count, "seq": entry.seq,
            })
        });
        entries.collect()
    }
}

/// `audit query --rules`: judges a stored run anew. Its events keep their numbers; what is found has
/// those that follow.
pub(super) fn again(
    args: &QueryArgs,
    filter: &Filter,
    globals: &Globals,
) -> Result<Answer, Failure> {
    let given = RuleArgs { rules: args.rules.clone(), sigma: args.sigma.clone(), no_builtin: true };
    let ruling = ruling::load(&given)?;
    ruling.warn();
    let [run] = args.runs.as_slice() else {
        return Err(Failure::new("cannot judge several runs at once").hint("name one run"));
    };
    let opened = super::open(globals, run)?;
    let mut found = judge(&opened, &ruling)?;
    let mut form = event::json::Lines::new(opened.run.id().as_str());
    let limit = if args.all { usize::MAX } else { args.limit };
    let mut lines = Vec::new();
    for event in &mut found {
        let mut line = Vec::new();
        form.line(event, &mut line);
        line.truncate(line.len().saturating_sub(1));
        if pipeline::row(event, &line, |row| filter.keeps_columns(row) && filter.keeps_line(row)) {
            lines.push((event.seq, event.ts_ns, line));
        }
    }
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => {
            let clock = Clock::of(&opened, globals.ts);
            let mut table = LineTable::new(&mut out, Columns::Any, clock, Screen::of_stdout());
            for (seq, ts_ns, line) in lines.iter().take(limit) {
                table.add(*seq, *ts_ns, &Line::parse(line))?;
            }
            table.finish()?;
            if lines.len() > limit {
                let words = format!("there are more than {limit}: --all, or --limit N");
                writeln!(out, "{}", text::painted(FAINT, &words))?;
            }
        }
        _ => {
            for (_, _, line) in lines.iter().take(limit) {
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.close()?;
    Ok(if lines.is_empty() { Answer::No } else { Answer::Yes })
}

/// Derives the run's events with the rules that it was recorded with, so that they have their numbers,
/// and has others look at each.
fn judge(opened: &Opened, ruling: &ruling::Ruling) -> Result<Vec<Event>, Failure> {
    let run = &opened.run;
    let around = ruling::around(&run.listed().about);
    let mut other = Judge::new(ruling.set.clone(), around.clone());
    let (own, _) = ruling::of_run(run);
    let mut pipeline = Pipeline::new(&run.id().to_string()).judged_by(Judge::new(own, around));
    let mut tail = Tail::open(run).map_err(|error| Failure::of(&error))?;
    let (mut found, mut last, mut over) = (Vec::new(), 0, false);
    let mut take = |event: &Event| {
        last = event.seq;
        let mut keep = |event: Event| {
            over |= found.len() >= HELD;
            if !over {
                found.push(event);
            }
        };
        match event.what {
            What::End(_) => other.finish(&mut keep),
            _ => other.see(event, &mut keep),
        }
    };
    loop {
        let more = tail.read(|frame| {
            pipeline.feed(frame, &mut take);
            Ok::<(), storage::Error>(())
        });
        if !more.map_err(|error| Failure::of(&error))? {
            break;
        }
    }
    pipeline.finish(false, &mut take);
    if over {
        return Err(Failure::new(format!("cannot show more than {HELD} findings"))
            .hint("use fewer rules at once"));
    }
    for (event, seq) in found.iter_mut().zip(last + 1..) {
        event.seq = seq;
    }
    Ok(found)
}
