//! `audit explain`: findings by rule, the story of an event, who had to do with a file, host, process.

mod findings;
mod lineage;
mod story;
mod subject;

use std::io::Write;

use storage::Query;

pub(super) use self::{
    findings::{Group, grouped, style, weight},
    lineage::Process as Lineage,
    story::Seen,
};
use super::line_table::Clock;
use crate::{
    args::{ExplainArgs, Format, Globals},
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    text::{self, Out, Screen},
};

/// A run that is explained.
pub(super) struct Explain<'e> {
    opened: &'e Opened,
    clock: Clock,
    screen: Screen,
    limit: usize,
}

/// Prints the page.
pub(crate) fn explain(args: &ExplainArgs, globals: &Globals) -> Result<Answer, Failure> {
    let (run, event) = subject(&args.subject);
    let opened = super::open(globals, run)?;
    let limit = if args.all { usize::MAX / 8 } else { args.limit };
    let clock = Clock::of(&opened, globals.ts);
    let page = Explain { opened: &opened, clock, screen: Screen::of_stdout(), limit };
    let mut out = Out::open(globals);
    let answer = page.write(args, event.or(args.drill), globals.form(), &mut out)?;
    out.close()?;
    if answer == Answer::No && !globals.quiet {
        let id = opened.run.id().suffix();
        let _ =
            writeln!(anstream::stderr(), "audit: {id}: nothing in this run has to do with that");
    }
    Ok(answer)
}

/// Splits `RUN:SEQ`; a path may have colons of its own.
fn subject(text: &str) -> (&str, Option<u64>) {
    match text.rsplit_once(':').map(|(run, seq)| (run, seq.parse())) {
        Some((run, Ok(seq))) => (run, Some(seq)),
        _ => (text, None),
    }
}

impl Explain<'_> {
    /// A run, to be asked by other pages.
    pub(super) fn of(opened: &Opened, limit: usize) -> Explain<'_> {
        let clock = Clock::of(opened, crate::args::Times::Rel);
        Explain { opened, clock, screen: Screen::of_stdout(), limit }
    }

    fn write(
        &self,
        args: &ExplainArgs,
        event: Option<u64>,
        form: Format,
        out: &mut impl Write,
    ) -> Result<Answer, Failure> {
        if let Some(seq) = event {
            let story = self.story(seq)?;
            match form {
                _ if args.raw => raw([&story.seen].into_iter().chain(&story.findings), out)?,
                Format::Text => {
                    self.story_page(&story, out)?;
                    if args.drill.is_some() {
                        let text = serde_json::to_string_pretty(&story.seen.line.object());
                        for line in text.unwrap_or_default().lines() {
                            writeln!(out, "  {}", text::Safe::new(line).plain())?;
                        }
                    }
                }
                form => text::write_json(out, &self.story_object(&story), form)?,
            }
            return Ok(Answer::Yes);
        }
        if let Some(pid) = args.pid {
            return self.process(pid, args, form, out);
        }
        if args.path.is_some() || args.host.is_some() {
            let name = args.path.as_deref().or(args.host.as_deref()).unwrap_or_default();
            let events = self.about(args)?;
            if events.is_empty() {
                return Ok(Answer::No);
            }
            if args.raw {
                raw(events.iter(), out)?;
                return Ok(Answer::Yes);
            }
            let parts = self.parts(events)?;
            match form {
                Format::Text => self.parts_page(name, &parts, out)?,
                form => text::write_json(out, &self.parts_object(name, &parts), form)?,
            }
            return Ok(Answer::Yes);
        }
        self.findings_page(args, form, out)?;
        Ok(Answer::Yes)
    }

    fn process(
        &self,
        pid: u32,
        args: &ExplainArgs,
        form: Format,
        out: &mut impl Write,
    ) -> Result<Answer, Failure> {
        if form == Format::Text && !args.raw {
            let found = self.process_page(pid, out)?;
            return Ok(if found { Answer::Yes } else { Answer::No });
        }
        let events = self.seen(&Query { pid: Some(pid), ..Query::default() })?;
        if events.is_empty() {
            return Ok(Answer::No);
        }
        if args.raw {
            raw(events.iter(), out)?;
            return Ok(Answer::Yes);
        }
        let parts = self.parts(events)?;
        text::write_json(out, &self.parts_object(&pid.to_string(), &parts), form)?;
        Ok(Answer::Yes)
    }

    /// `7k2m:1042`.
    fn name(&self, seq: u64) -> String {
        format!("{}:{seq}", self.opened.run.id().suffix())
    }

    /// `+12.408s`.
    fn offset(&self, ts_ns: i64) -> String {
        text::offset(i128::from(ts_ns) - i128::from(self.clock.start_ns))
    }
}

fn raw<'s>(events: impl Iterator<Item = &'s Seen>, out: &mut impl Write) -> Result<(), Failure> {
    for seen in events {
        out.write_all(&seen.raw)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) fn page(opened: &Opened, args: &ExplainArgs, screen: Screen) -> String {
    let clock = Clock::of(opened, crate::args::Times::Rel);
    let page = Explain { opened, clock, screen, limit: args.limit };
    let mut out = Vec::new();
    let (_, event) = subject(&args.subject);
    page.write(args, event.or(args.drill), Format::Text, &mut out).expect("memory takes it");
    String::from_utf8(out).expect("pages are text")
}
