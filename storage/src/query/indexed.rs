//! Queries by index. Its numbers are checked against the events before they are believed.

use std::ops::ControlFlow;

use rusqlite::{
    Connection,
    types::{ToSqlOutput, Value},
};

use super::{
    OfColumn as Cell, Query,
    collect::Collector,
    conditions::{self, Conditions},
    lines::Lines,
    names::{Names, read},
    stored,
    text::Text,
};
use crate::{
    Row,
    schema::{OF_ROWS, ROWS_WITH_MORE},
};

/// Looks up what `query` asks for, reading lines from `text`. The error says what is wrong with the
/// index.
pub(super) fn query(
    index: &Connection,
    query: &Query,
    lines: u64,
    text: &Text,
    collector: &mut Collector<'_>,
) -> Result<(), String> {
    let mut text = Lines::new(text);
    let columns = if query.only_lines { with("") } else { OF_ROWS };
    rows(index, &columns, query, lines, &mut |row, offset| {
        if !collector.wants(row) {
            return Ok(ControlFlow::Continue(()));
        }
        let line = text.get(offset).map_err(|error| error.to_string())?;
        let line = line.ok_or_else(|| format!("event {} has no line where it says", row.seq))?;
        if !query.has_word(line) {
            return Ok(ControlFlow::Continue(()));
        }
        Ok(collector.take(&Row { line, ..*row }))
    })
}

/// The columns that every look at rows needs, and this one.
fn with(needed: &str) -> [&str; OF_ROWS.len()] {
    let always = ["seq", "ts", "kind", "count", "offset"];
    OF_ROWS.map(|it| if it == needed || always.contains(&it) { it } else { "NULL" })
}

/// Takes a row, and where its line begins.
type Take<'t> = dyn FnMut(&Row<'_>, u64) -> Result<ControlFlow<()>, String> + 't;

fn rows(
    index: &Connection,
    columns: &[&str],
    query: &Query,
    lines: u64,
    take: &mut Take<'_>,
) -> Result<(), String> {
    let say = |error: rusqlite::Error| error.to_string();
    let start_ns = stored::start_ns(index).map_err(say)?;
    let (text, values) = statement(index, columns, query, start_ns).map_err(say)?;
    let mut statement = index.prepare(&text).map_err(say)?;
    let parameters = rusqlite::params_from_iter(values.into_iter().map(ToSqlOutput::Owned));
    let mut rows = statement.query(parameters).map_err(say)?;
    let mut names = Names::new(index, start_ns);
    let (mut last, mut count) = (0, 0);
    while let Some(row) = rows.next().map_err(say)? {
        let numbers = read(row).map_err(say)?;
        count += 1;
        // A damaged tree can lead in circles.
        if numbers.seq <= last || count > lines {
            return Err(format!("event {} stands where it cannot", numbers.seq));
        }
        last = numbers.seq;
        let row = names.row(&numbers).map_err(say)?;
        if take(&row, numbers.offset)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Whether events of the types and operations that are asked for are so few that they are looked up.
pub(super) fn is_rare(index: &Connection, query: &Query) -> bool {
    matches!(conditions::kinds(index, query), Ok(Some((_, true))))
}

/// The statement that gives `columns` of the rows that are asked for.
pub(super) fn statement(
    index: &Connection,
    columns: &[&str],
    query: &Query,
    start_ns: i64,
) -> rusqlite::Result<(String, Vec<Value>)> {
    let conditions = Conditions::of(index, query, start_ns)?;
    let (columns, text) = (columns.join(", "), conditions.text());
    let text = format!("SELECT {columns} FROM {ROWS_WITH_MORE} WHERE {text} ORDER BY seq");
    Ok((text, conditions.values))
}

/// Gives one column of each row, and how often it happened: nothing else of the row is looked up.
pub(super) fn values(
    index: &Connection,
    query: &Query,
    column: &str,
    lines: u64,
    take: &mut dyn FnMut(Cell<'_>, u64),
) -> Result<(), String> {
    let needed = match column {
        "pid" | "ppid" | "uid" | "exe" => "actor",
        "proto" | "host" | "ip" | "port" => "peer",
        other => other,
    };
    rows(index, &with(needed), query, lines, &mut |row, offset| {
        let cell = match column {
            "offset" => Cell::Number(offset),
            _ => cell(row, column),
        };
        take(cell, row.count);
        Ok(ControlFlow::Continue(()))
    })
}

fn cell<'r>(row: &Row<'r>, column: &str) -> Cell<'r> {
    let text = |text: Option<&'r str>| text.map_or(Cell::Absent, |it| Cell::Bytes(it.as_bytes()));
    let bytes = |bytes: Option<&'r [u8]>| bytes.map_or(Cell::Absent, Cell::Bytes);
    let number = |number: Option<u64>| number.map_or(Cell::Absent, Cell::Number);
    match column {
        "seq" => Cell::Number(row.seq),
        "ts" => number(u64::try_from(row.ts_ns).ok()),
        "type" => text(Some(row.kind)),
        "op" => text(row.op),
        "pid" => number(row.pid.map(u64::from)),
        "ppid" => number(row.ppid.map(u64::from)),
        "uid" => number(row.uid.map(u64::from)),
        "exe" => bytes(row.exe),
        "path" => bytes(row.path),
        "path2" => bytes(row.path2),
        "proto" => text(row.proto),
        "host" => text(row.host),
        "ip" => text(row.ip),
        "port" => number(row.port.map(u64::from)),
        "sent" => number(row.sent),
        "received" => number(row.received),
        "count" => Cell::Number(row.count),
        "also" => bytes(row.also),
        _ => Cell::Absent,
    }
}
