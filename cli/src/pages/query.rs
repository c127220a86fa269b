//! `audit query`: the events of runs that are as asked.

use std::{
    collections::HashSet,
    io::{self, Write},
    ops::ControlFlow,
};

use event::model::table;
use jiff::Timestamp;
use storage::{Events, Found, Query, Row};

use super::{
    filter::Filter,
    line::Line,
    line_table::{Clock, Columns, LineTable},
    query_counts as counts, query_shapes as shapes,
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
    if args.fields.as_deref() == Some("") {
        return shapes::list_fields(globals);
    }
    let fields = args.fields.as_deref().map(shapes::fields).transpose()?;
    let by = counts::count_by(&args.count)?;
    let filter = Filter::new(&args.filters)?;
    if !args.rules.is_empty() || !args.sigma.is_empty() {
        return super::findings::again(args, &filter, globals);
    }
    let opened: Vec<Opened> =
        args.runs.iter().map(|run| super::open(globals, run)).collect::<Result<_, _>>()?;
    if let Some(sql) = &args.sql {
        return shapes::sql(&opened, sql, globals);
    }
    if let Some(field) = by {
        return counts::count(&opened, &args.filters, field, args, globals);
    }
    let mut asked = Asked { filters: &args.filters, left: (!args.all).then_some(args.limit) };
    let mut out = Out::open(globals);
    let mut answer = Answer::No;
    let screen = Screen::of_stdout();
    for (at, run) in opened.iter().enumerate() {
        let text = globals.form() == Format::Text;
        let found = match (&fields, text) {
            (Some(fields), _) => shapes::chosen(run, &asked, fields, globals, screen, &mut out)?,
            (None, true) => {
                let clock = Clock::of(run, globals.ts);
                let mut table = LineTable::new(&mut out, columns(&args.filters), clock, screen);
                if opened.len() > 1 {
                    table.of_run(run.run.id().suffix(), at > 0);
                }
                page(run, &asked, table)?
            }
            (None, false) => lines(run, &asked, &mut out)?,
        };
        if found.more && text {
            let words = format!("there are more than {}: --all, or --limit N", args.limit);
            writeln!(out, "{}", text::painted(FAINT, &words))?;
        }
        tell(&found, run, globals, opened.len() > 1);
        if found.events > 0 {
            answer = Answer::Yes;
        }
        asked.left = asked.left.map(|left| left.saturating_sub(found.events));
        if found.more {
            break;
        }
    }
    out.close()?;
    if answer == Answer::No && opened.len() > 1 && !globals.quiet {
        let _ = writeln!(anstream::stderr(), "audit: no event of these runs matches");
    }
    Ok(answer)
}

/// What is asked of each run.
pub(super) struct Asked<'a> {
    /// What an event must be.
    pub(super) filters: &'a Filters,
    /// How many may still come.
    pub(super) left: Option<usize>,
}

/// The conditions that the index knows.
pub(super) fn columns_of(filters: &Filters, opened: &Opened, limit: Option<usize>) -> Query {
    let start = opened.meta.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let now = Timestamp::now();
    let ns = |moment: Moment| {
        let instant = moment.instant(start, now).as_nanosecond();
        i64::try_from(instant).unwrap_or(if instant < 0 { i64::MIN } else { i64::MAX })
    };
    let mut types = filters.types.clone();
    if types.is_empty() && !filters.severity.is_empty() && !filters.related {
        types.push("finding".to_owned());
    }
    Query {
        types,
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
pub(super) fn each(
    opened: &Opened,
    asked: &Asked<'_>,
    take: &mut dyn FnMut(&Row<'_>) -> io::Result<()>,
) -> Result<Found, Failure> {
    let Some(events) = opened.events()? else { return Ok(Found::default()) };
    let (filter, query) = conditions(opened, &events, asked)?;
    taken(&events, &query, &filter, take)
}

/// The same for who has asked already.
pub(super) fn taken(
    events: &Events<'_>,
    query: &Query,
    filter: &Filter,
    take: &mut dyn FnMut(&Row<'_>) -> io::Result<()>,
) -> Result<Found, Failure> {
    let mut failed = None;
    let found = events.filtered(
        query,
        &mut |row| filter.keeps_columns(row),
        &mut |row| filter.keeps_line(row),
        &mut |row| match take(row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        },
    );
    let found = found.map_err(|error| Failure::of(&error))?;
    failed.map_or(Ok(found), |error| Err(error.into()))
}

/// The same where columns say it all: no line is read. Severities and words are conditions on lines, and
/// must not be asked for.
pub(super) fn each_row(
    opened: &Opened,
    asked: &Asked<'_>,
    take: &mut dyn FnMut(&Row<'_>),
) -> Result<Found, Failure> {
    let Some(events) = opened.events()? else { return Ok(Found::default()) };
    let (filter, query) = conditions(opened, &events, asked)?;
    let mut kept = 0;
    let found = events.each_row(&query, &mut |row| {
        if filter.keeps_columns(row) {
            kept += 1;
            take(row);
        }
    });
    found.map(|found| Found { events: kept, ..found }).map_err(|error| Failure::of(&error))
}

/// What is asked of lines, and what of the index.
fn conditions(
    opened: &Opened,
    events: &Events<'_>,
    asked: &Asked<'_>,
) -> Result<(Filter, Query), Failure> {
    let mut filter = Filter::new(asked.filters)?;
    if asked.filters.related {
        filter = filter.only(causes(opened, &asked.filters.severity)?);
    }
    let mut query = columns_of(asked.filters, opened, asked.left);
    super::narrow::narrow(events, &filter, &mut query);
    Ok((filter, query))
}

/// Numbers of the events that findings name as their cause.
fn causes(opened: &Opened, severities: &[String]) -> Result<HashSet<u64>, Failure> {
    let mut causes = HashSet::new();
    super::view::each_of(opened, &["finding"], &mut |_, line| {
        if severities.is_empty() || severities.iter().any(|one| one == line.text("severity")) {
            causes.extend(line.number("cause"));
            causes.extend(line.texts("causes").iter().filter_map(|n| n.parse::<u64>().ok()));
        }
        Ok(())
    })?;
    Ok(causes)
}

fn page<W: Write>(
    opened: &Opened,
    asked: &Asked<'_>,
    mut table: LineTable<W>,
) -> Result<Found, Failure> {
    let found =
        each(opened, asked, &mut |row| table.add(row.seq, row.ts_ns, &Line::parse(row.line)))?;
    table.finish()?;
    Ok(found)
}

/// The lines as the record has them, byte for byte.
fn lines(opened: &Opened, asked: &Asked<'_>, out: &mut impl Write) -> Result<Found, Failure> {
    each(opened, asked, &mut |row| {
        out.write_all(row.line)?;
        out.write_all(b"\n")
    })
}

/// Says on standard error what the page does not: that there is nothing, or that something is wrong.
pub(super) fn tell(found: &Found, opened: &Opened, globals: &Globals, of_several: bool) {
    let id = opened.run.id().suffix();
    let mut err = anstream::stderr().lock();
    // Nobody is left to hear that standard error is closed.
    if let Some(damage) = &found.index_damage {
        let damage = text::Safe::new(damage).plain();
        let _ = writeln!(err, "audit: {id}: index.sqlite is not used: {damage}");
    }
    if found.malformed > 0 {
        let lines = text::plural(found.malformed, "line");
        let _ = writeln!(err, "audit: {id}: {lines} cannot be read");
    }
    if found.events == 0 && !found.more && !globals.quiet && !of_several {
        let _ = writeln!(err, "audit: {id}: no event matches");
    }
}

#[cfg(test)]
pub(super) fn text_page(opened: &Opened, filters: &Filters, screen: Screen) -> String {
    let mut out = Vec::new();
    let clock = Clock::of(opened, crate::args::Times::Rel);
    let table = LineTable::new(&mut out, columns(filters), clock, screen);
    page(opened, &Asked { filters, left: None }, table).expect("memory takes it");
    String::from_utf8(out).expect("pages are text")
}
