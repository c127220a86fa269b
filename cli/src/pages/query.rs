//! `audit query`: the events of a run that are as asked.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use event::model::table;
use jiff::Timestamp;
use storage::{Found, Query, Row};

use super::{
    filter::Filter,
    line::Line,
    line_table::{Clock, Columns, LineTable},
};
use crate::{
    args::{Filters, Format, Globals, Moment, QueryArgs},
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    text::{self, FAINT, Out, Screen},
};

/// Prints the events; the answer is whether there were any.
pub(crate) fn query(args: &QueryArgs, globals: &Globals) -> Result<Answer, Failure> {
    let filter = Filter::new(&args.filters)?;
    let opened = super::open(globals, &args.run)?;
    let limit = (!args.all).then_some(args.limit);
    let query = columns_of(&args.filters, &opened, limit);
    let mut out = Out::open(globals);
    let found = match globals.form() {
        Format::Text => {
            let clock = Clock::of(&opened, globals.ts);
            let columns = columns(&args.filters);
            let table = LineTable::new(&mut out, columns, clock, Screen::of_stdout());
            page(&opened, &query, &filter, table)?
        }
        Format::Json | Format::Jsonl => lines(&opened, &query, &filter, &mut out)?,
    };
    if found.more && globals.form() == Format::Text {
        let words = format!("there are more than {}: --all, or --limit N", args.limit);
        writeln!(out, "{}", text::painted(FAINT, &words))?;
    }
    out.close()?;
    tell(&found, &opened, globals);
    Ok(if found.events > 0 { Answer::Yes } else { Answer::No })
}

/// The conditions that the index knows.
fn columns_of(filters: &Filters, opened: &Opened, limit: Option<usize>) -> Query {
    let start = opened.meta.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let now = Timestamp::now();
    let ns = |moment: Moment| {
        let instant = moment.instant(start, now).as_nanosecond();
        i64::try_from(instant).unwrap_or(if instant < 0 { i64::MIN } else { i64::MAX })
    };
    Query {
        types: filters.types.clone(),
        ops: filters.op.clone(),
        pid: filters.pid,
        since_ns: filters.since.map(ns),
        until_ns: filters.until.map(ns),
        limit,
        ..Query::default()
    }
}

/// The columns that suit what is asked for: those of a type when only one can come.
fn columns(filters: &Filters) -> Columns {
    let of_ops = |kind: &table::Type| filters.op.iter().any(|op| kind.ops.contains(&op.as_str()));
    let may_come = |kind: &&table::Type| {
        (filters.types.is_empty() || filters.types.iter().any(|name| name == kind.name))
            && (filters.op.is_empty() || of_ops(kind))
            && (filters.path.is_none() || kind.has_field("path"))
            && (filters.dest.is_none() || kind.has_field("peer"))
    };
    let mut kinds = table::TYPES.iter().filter(may_come).map(|kind| kind.name);
    match (kinds.next(), kinds.next()) {
        (Some("exec"), None) => Columns::Exec,
        (Some("file"), None) => Columns::File,
        (Some("net"), None) => Columns::Net,
        _ => Columns::Any,
    }
}

/// Gives each event that is as asked to `take`.
fn each(
    opened: &Opened,
    query: &Query,
    filter: &Filter,
    take: &mut dyn FnMut(&Row<'_>) -> io::Result<()>,
) -> Result<Found, Failure> {
    let Some(events) = opened.events()? else { return Ok(Found::default()) };
    let mut failed = None;
    let found = events.query(query, &mut |row| filter.keeps(row), &mut |row| match take(row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    let found = found.map_err(|error| Failure::of(&error))?;
    failed.map_or(Ok(found), |error| Err(error.into()))
}

fn page<W: Write>(
    opened: &Opened,
    query: &Query,
    filter: &Filter,
    mut table: LineTable<W>,
) -> Result<Found, Failure> {
    let found = each(opened, query, filter, &mut |row| {
        table.add(row.seq, row.ts_ns, &Line::parse(row.line))
    })?;
    table.finish()?;
    Ok(found)
}

/// The lines as the record has them, byte for byte.
fn lines(
    opened: &Opened,
    query: &Query,
    filter: &Filter,
    out: &mut impl Write,
) -> Result<Found, Failure> {
    each(opened, query, filter, &mut |row| {
        out.write_all(row.line)?;
        out.write_all(b"\n")
    })
}

/// Says on standard error what the page does not: that there is nothing, or that something is wrong.
fn tell(found: &Found, opened: &Opened, globals: &Globals) {
    let id = opened.run.id().suffix();
    let mut err = anstream::stderr().lock();
    // Nobody is left to hear that standard error is closed.
    if let Some(damage) = &found.index_damage {
        let damage = text::Safe::new(damage).plain();
        let _ = writeln!(err, "audit: {id}: index.sqlite is not used: {damage}");
    }
    if found.malformed > 0 {
        let lines = text::plural(found.malformed, "line");
        let _ = writeln!(err, "audit: {id}: {lines} of events.jsonl cannot be read");
    }
    if found.events == 0 && !globals.quiet {
        let _ = writeln!(err, "audit: {id}: no event matches");
    }
}

#[cfg(test)]
pub(super) fn text_page(opened: &Opened, filters: &Filters, screen: Screen) -> String {
    let filter = Filter::new(filters).expect("the filter is sound");
    let query = columns_of(filters, opened, None);
    let mut out = Vec::new();
    let clock = Clock::of(opened, crate::args::Times::Rel);
    let table = LineTable::new(&mut out, columns(filters), clock, screen);
    page(opened, &query, &filter, table).expect("memory takes it");
    String::from_utf8(out).expect("pages are text")
}
