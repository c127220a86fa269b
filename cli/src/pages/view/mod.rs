//! `audit view`: one run on one page, as a tree, or event by event.

pub(super) mod coverage;
mod dashboard;
pub(super) mod earlier;
mod head;
pub(super) mod lists;
mod object;
pub(super) mod processes;
pub(super) mod tree;

use std::{collections::BTreeMap, io::Write, ops::ControlFlow};

use serde_json::json;
use storage::{Query, Summary};

use earlier::NewHere;
use processes::Which;

use super::{
    explain::{Explain, grouped},
    line::Line,
    line_table::{Clock, Columns, LineTable},
};
use crate::{
    args::{Format, Globals, Times, ViewArgs},
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    text::{self, Out, Safe, Screen},
};

/// Entries of each list, unless the user says another number.
const ENTRIES: usize = 5;

pub(super) use object::object as summary_object;

/// Prints a run.
pub(crate) fn view(args: &ViewArgs, globals: &Globals) -> Result<Answer, Failure> {
    let opened = super::open(globals, &args.run)?;
    let mut out = Out::open(globals);
    let screen = Screen::of_stdout();
    match (globals.form(), args.timeline, args.tree) {
        (Format::Text, true, _) => timeline(&opened, args.limit, globals.ts, screen, &mut out)?,
        (_, true, _) => lines(&opened, args.limit, &mut out)?,
        (form, _, _) if args.files => lists::files(&opened, args.limit, form, screen, &mut out)?,
        (form, _, _) if args.net => lists::net(&opened, args.limit, form, screen, &mut out)?,
        (Format::Text, _, _) if args.coverage => coverage::write(&opened, screen, &mut out)?,
        (form, _, _) if args.failed => {
            processes::write(&opened, Which::Failed, args.limit, form, screen, &mut out)?;
        }
        (form, _, _) if args.running => {
            processes::write(&opened, Which::Running, args.limit, form, screen, &mut out)?;
        }
        (Format::Text, _, true) => tree::write(&opened, screen, &mut out)?,
        (Format::Text, _, _) => {
            let new = earlier::new_here(&opened, globals)?;
            page(&opened, new.as_ref(), args.limit, screen, &mut out)?;
        }
        (form, _, _) => {
            let new = earlier::new_here(&opened, globals)?;
            object(&opened, new.as_ref(), args.limit, form, &mut out)?;
        }
    }
    out.close()?;
    Ok(Answer::Yes)
}

/// Writes the dashboard; `new` is what no run before did.
pub(super) fn page(
    opened: &Opened,
    new: Option<&NewHere>,
    limit: Option<usize>,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let summary = opened.summary(storage::LISTED)?;
    let end = last_words(opened)?;
    head::write(opened, &summary, end.as_ref(), screen, out)?;
    let limit = limit.unwrap_or(ENTRIES);
    let findings = grouped(Explain::of(opened, limit).findings()?);
    let page = dashboard::Dashboard {
        id: opened.run.id().suffix(),
        summary: &summary,
        limit,
        host_sources: host_sources(opened, &summary, limit)?,
        coverage: &opened.meta.coverage,
        findings: &findings,
        cwd: &opened.meta.about.cwd(),
        new,
        start_ns: super::nanoseconds(&opened.meta.started).unwrap_or(0),
        screen,
    };
    page.write(end.as_ref(), out)?;
    Ok(())
}

/// How the names of the first `limit` peers are known, by the event that has the name.
fn host_sources(
    opened: &Opened,
    summary: &Summary,
    limit: usize,
) -> Result<BTreeMap<u64, String>, Failure> {
    let mut sources = BTreeMap::new();
    for seq in summary.destinations.0.iter().take(limit).filter_map(|to| to.host_seq) {
        let after_seq = seq.checked_sub(1);
        let query = Query { after_seq, limit: Some(1), ..Query::default() };
        each(opened, &query, &mut |row, line| {
            sources.insert(row.seq, line.text("host_source").to_owned());
            Ok(())
        })?;
    }
    Ok(sources)
}

/// The last event of a record that is over.
fn last_words(opened: &Opened) -> Result<Option<Line>, Failure> {
    let query = Query { types: vec!["end".to_owned()], ..Query::default() };
    let mut end = None;
    each(opened, &query, &mut |_, line| {
        end = Some(line);
        Ok(())
    })?;
    Ok(end)
}

/// Gives every event of these types to `take`, taken apart.
pub(super) fn each_of(
    opened: &Opened,
    types: &[&str],
    take: &mut dyn FnMut(&storage::Row<'_>, Line) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let types = types.iter().map(|&kind| kind.to_owned()).collect();
    each(opened, &Query { types, ..Query::default() }, take)
}

/// Gives every event of `query` to `take`, taken apart.
pub(super) fn each(
    opened: &Opened,
    query: &Query,
    take: &mut dyn FnMut(&storage::Row<'_>, Line) -> std::io::Result<()>,
) -> Result<(), Failure> {
    each_row(opened, query, &mut |row| take(row, Line::parse(row.line)))
}

/// The same with the line as it is: taking all of it apart costs some microseconds, which a million
/// events have a million times.
fn each_row(
    opened: &Opened,
    query: &Query,
    take: &mut dyn FnMut(&storage::Row<'_>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let Some(events) = opened.events()? else { return Ok(()) };
    let mut failed = None;
    let found = events.query(query, &mut |_| true, &mut |row| match take(row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    found.map_err(|error| Failure::of(&error))?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

pub(super) fn timeline(
    opened: &Opened,
    limit: Option<usize>,
    times: Times,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let clock = Clock::of(opened, times);
    let mut table = LineTable::new(&mut *out, Columns::Any, clock, screen);
    let query = Query { limit, ..Query::default() };
    each(opened, &query, &mut |row, line| table.add(row.seq, row.ts_ns, &line))?;
    table.finish()?;
    Ok(())
}

/// Every event as the record has it.
fn lines(opened: &Opened, limit: Option<usize>, out: &mut impl Write) -> Result<(), Failure> {
    let query = Query { limit, ..Query::default() };
    each(opened, &query, &mut |row, _| {
        out.write_all(row.line)?;
        out.write_all(b"\n")
    })
}

fn object(
    opened: &Opened,
    new: Option<&NewHere>,
    limit: Option<usize>,
    form: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let summary = opened.summary(limit.unwrap_or(ENTRIES))?;
    let mut page = json!({
        "schema": "audit.view",
        "version": 1,
        "live": opened.live,
        "run": opened.meta,
        "summary": summary_object(&summary),
        "findings": super::Findings::of(opened)?.object(),
    });
    if let (Some(new), Some(fields)) = (new, page.as_object_mut()) {
        let programs = new.programs.iter().map(|path| Safe::bytes(path).to_string());
        let new = json!({ "programs": programs.collect::<Vec<_>>(), "compared_with": new.runs });
        fields.insert("new_here".to_owned(), new);
    }
    text::write_json(out, &page, form)?;
    Ok(())
}
