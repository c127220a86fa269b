//! Findings of a run, grouped by severity and rule.

use std::io::Write;

use serde_json::{Value, json};
use storage::Query;

use super::{Explain, story::Seen};
use crate::{
    args::{ExplainArgs, Format, SEVERITIES},
    failure::Failure,
    pages::{
        Line,
        describe::{verb, what},
    },
    text::{self, Align, BAD, CAUTION, FAINT, HEADING, Safe, Table, command_line, plural},
};

/// Findings of one rule.
pub(in crate::pages) struct Group {
    /// How much they weigh.
    pub(in crate::pages) severity: String,
    /// The rule.
    pub(in crate::pages) rule: String,
    /// What it says.
    pub(in crate::pages) title: String,
    /// How often, repeats counted.
    pub(in crate::pages) times: u64,
    /// The findings.
    pub(in crate::pages) seen: Vec<Seen>,
}

/// Returns 0 for what weighs least.
pub(in crate::pages) fn weight(severity: &str) -> usize {
    SEVERITIES.iter().position(|one| *one == severity).map_or(0, |at| at + 1)
}

/// The style of a severity; its word is always there too.
pub(in crate::pages) fn style(severity: &str) -> anstyle::Style {
    match severity {
        "critical" | "high" => BAD,
        "medium" => CAUTION,
        _ => anstyle::Style::new(),
    }
}

/// Puts findings of one rule together, the heaviest first.
pub(in crate::pages) fn grouped(findings: Vec<Seen>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for seen in findings {
        let text = |name: &str| Safe::new(seen.line.text(name)).to_string();
        let (severity, rule) = (text("severity"), text("rule"));
        let times = seen.line.number("count").unwrap_or(1);
        match groups.iter_mut().find(|group| group.severity == severity && group.rule == rule) {
            Some(group) => {
                group.times = group.times.saturating_add(times);
                group.seen.push(seen);
            }
            None => {
                let title = text("title");
                groups.push(Group { severity, rule, title, times, seen: vec![seen] });
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(weight(&group.severity)));
    groups
}

impl Explain<'_> {
    /// All findings of the run.
    pub(in crate::pages) fn findings(&self) -> Result<Vec<Seen>, Failure> {
        self.seen(&Query { types: vec!["finding".to_owned()], ..Query::default() })
    }

    /// Writes the groups.
    pub(super) fn findings_page(
        &self,
        args: &ExplainArgs,
        form: Format,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let mut findings = self.findings()?;
        if let Some(rule) = &args.rule {
            findings.retain(|seen| seen.line.text("rule") == rule);
        }
        if args.raw {
            return super::raw(findings.iter(), out);
        }
        let groups = grouped(findings);
        if form != Format::Text {
            let list: Vec<Value> = groups.iter().map(Group::object).collect();
            let page = json!({ "schema": "audit.explain", "version": 1,
                               "run": self.opened.run.id().as_str(), "findings": list });
            text::write_json(out, &page, form)?;
            return Ok(());
        }
        let id = self.opened.run.id().suffix();
        if groups.is_empty() {
            writeln!(out, "No findings in {id}. A file, host or process is explained with")?;
            writeln!(out, "  audit explain {id} --path PATH | --host HOST | --pid PID")?;
            return Ok(());
        }
        for group in &groups {
            self.group(group, args, out)?;
        }
        writeln!(out, "{}", text::painted(FAINT, "One of them: audit explain RUN:SEQ"))?;
        Ok(())
    }

    fn group(
        &self,
        group: &Group,
        args: &ExplainArgs,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let severity = text::painted(style(&group.severity), &group.severity);
        let rule = text::painted(HEADING, &group.rule);
        writeln!(out, "{severity}  {rule}  {}", group.title)?;
        let times = |seen: Option<&Seen>| seen.map(|seen| self.offset(seen.ts_ns));
        let (first, last) = (times(group.seen.first()), times(group.seen.last()));
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        writeln!(out, "  {}, first {first}, last {last}", plural(group.times, "time"))?;
        let mut table =
            Table::new(&[Align::Right, Align::CutEnd, Align::Cut, Align::Left]).indent(4);
        for seen in group.seen.iter().take(self.limit) {
            let line = &seen.line;
            let about = ["path", "host", "peer"].iter().find_map(|name| line.bytes(name));
            let about = match about {
                Some(about) => Safe::bytes(&about).to_string(),
                None => self.ran(line)?,
            };
            table.row([
                self.offset(seen.ts_ns),
                crate::pages::describe::who(line),
                about,
                self.name(seen.seq),
            ]);
            if args.show_related
                && let Some(cause) = line.number("cause")
                && let Some(cause) = self.event(cause)?
            {
                let words = format!("{} {}", verb(&cause.line), what(&cause.line));
                let cells = [String::new(), String::new(), words, self.name(cause.seq)];
                table.styled(cells.into_iter().map(|cell| (cell, FAINT)));
            }
        }
        out.write_all(table.render(self.screen.width).as_bytes())?;
        let more = group.seen.len().saturating_sub(self.limit);
        if more > 0 {
            writeln!(out, "    … {more} more: --all")?;
        }
        writeln!(out)?;
        Ok(())
    }
}

impl Explain<'_> {
    /// The command line that a finding is about, where its cause is an exec.
    fn ran(&self, line: &Line) -> Result<String, Failure> {
        let Some(cause) = line.number("cause") else { return Ok(String::new()) };
        let cause = self.event(cause)?.filter(|cause| cause.line.text("type") == "exec");
        Ok(cause.map(|cause| command_line(cause.line.list("argv"))).unwrap_or_default())
    }
}

impl Group {
    fn object(&self) -> Value {
        let seqs: Vec<u64> = self.seen.iter().map(|seen| seen.seq).collect();
        json!({ "severity": self.severity, "rule": self.rule, "title": self.title,
                "count": self.times, "findings": seqs,
                "first": self.seen.first().map(|seen| seen.line.text("ts")),
                "last": self.seen.last().map(|seen| seen.line.text("ts")),
                "sample": self.seen.first().map(|seen| seen.line.object()) })
    }
}
