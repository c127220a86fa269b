//! Other shapes of an answer: chosen fields, rows of SQL.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use storage::{Cell, Found};

use super::{
    line::Line,
    query::{Asked, each},
};
use crate::{
    args::{Format, Globals},
    complete::field_names,
    derive::Opened,
    dispatch::Answer,
    failure::Failure,
    text::{self, Align, HEADING, Out, Safe, Screen, Table},
};

/// Rows that are set together.
const BLOCK: usize = 1000;

/// Prints the names of all fields.
pub(super) fn list_fields(globals: &Globals) -> Result<Answer, Failure> {
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => field_names().iter().try_for_each(|name| writeln!(out, "{name}"))?,
        form => text::write_json(&mut out, &field_names(), form)?,
    }
    out.close()?;
    Ok(Answer::Yes)
}

/// Reads a list of fields.
pub(super) fn fields(text: &str) -> Result<Vec<&str>, Failure> {
    text.split(',').map(str::trim).map(known).collect()
}

/// A field that events have.
pub(super) fn known(name: &str) -> Result<&str, Failure> {
    let exact = name.strip_suffix("_b64").unwrap_or(name);
    match field_names().contains(&exact) {
        true => Ok(name),
        false => Err(Failure::new(format!("cannot find a field '{name}' of events"))
            .hint("audit query --fields")),
    }
}

/// Writes the chosen fields of each event.
pub(super) fn chosen(
    opened: &Opened,
    asked: &Asked<'_>,
    fields: &[&str],
    globals: &Globals,
    screen: Screen,
    out: &mut impl Write,
) -> Result<Found, Failure> {
    if globals.form() != Format::Text {
        return each(opened, asked, &mut |row| {
            let line = Line::parse(row.line);
            let mut object = InOrder::default();
            for name in fields {
                for name in [(*name).to_owned(), format!("{name}_b64")] {
                    object.0.extend(line.value(&name).map(|value| (name, value.clone())));
                }
            }
            text::write_json(out, &object, Format::Jsonl)
        });
    }
    let mut rows = Rows::new(fields.iter().map(|name| (*name).to_owned()).collect(), screen);
    let found = each(opened, asked, &mut |row| {
        let line = Line::parse(row.line);
        rows.add(fields.iter().map(|name| shown(&line, name)).collect(), out)
    })?;
    rows.finish(out)?;
    Ok(found)
}

/// An object whose fields stand as they were asked for.
#[derive(Default)]
struct InOrder(Vec<(String, Value)>);

impl Serialize for InOrder {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A field's value for people.
pub(super) fn shown(line: &Line, name: &str) -> String {
    match line.value(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => match line.bytes(name) {
            Some(bytes) => Safe::bytes(&bytes).to_string(),
            None => Safe::new(text).to_string(),
        },
        Some(Value::Array(_)) => text::command_line(line.list(name)),
        Some(other) => Safe::new(&other.to_string()).to_string(),
    }
}

/// A table that grows by blocks: columns are as wide as the block needs.
struct Rows {
    heads: Vec<String>,
    table: Table,
    rows: usize,
    screen: Screen,
}

impl Rows {
    fn new(heads: Vec<String>, screen: Screen) -> Rows {
        let mut table = Table::new(&vec![Align::CutMiddle; heads.len()]);
        table.styled(heads.iter().map(|head| (head.to_uppercase(), HEADING)));
        Rows { heads, table, rows: 0, screen }
    }

    fn add(&mut self, cells: Vec<String>, out: &mut impl Write) -> io::Result<()> {
        self.table.row(cells);
        self.rows += 1;
        if self.rows.is_multiple_of(BLOCK) {
            out.write_all(self.table.render(self.screen.room).as_bytes())?;
            self.table = Table::new(&vec![Align::CutMiddle; self.heads.len()]);
        }
        Ok(())
    }

    fn finish(self, out: &mut impl Write) -> io::Result<()> {
        if self.rows > 0 {
            out.write_all(self.table.render(self.screen.room).as_bytes())?;
        }
        Ok(())
    }
}

/// Prints what the index answers.
pub(super) fn sql(opened: &[Opened], sql: &str, globals: &Globals) -> Result<Answer, Failure> {
    let [opened] = opened else {
        return Err(Failure::new("cannot ask several runs in SQL: each has an index of its own"));
    };
    let nothing = || Failure::new("cannot ask in SQL: the run has no events yet");
    let events = opened.events()?.ok_or_else(nothing)?;
    let mut out = Out::open(globals);
    let mut rows: Option<Rows> = None;
    let (mut failed, mut any) = (None, false);
    let screen = Screen::of_stdout();
    let asked = events.sql(sql, &mut |names, cells| {
        any = true;
        let written = if globals.form() == Format::Text {
            let names = || names.iter().map(|name| Safe::new(name).to_string()).collect();
            let rows = rows.get_or_insert_with(|| Rows::new(names(), screen));
            rows.add(cells.iter().map(cell_text).collect(), &mut out)
        } else {
            let object = InOrder(names.iter().cloned().zip(cells.iter().map(cell_json)).collect());
            text::write_json(&mut out, &object, Format::Jsonl)
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    asked.map_err(|why| {
        Failure::new(format!("cannot ask in SQL: {why}"))
            .hint("table events(seq, ts, type, op, pid, ppid, uid, exe, path, path2, proto, host, ip, port, sent, received, count)")
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if let Some(rows) = rows {
        rows.finish(&mut out)?;
    }
    out.close()?;
    Ok(if any { Answer::Yes } else { Answer::No })
}

fn cell_text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Bytes(bytes) => Safe::bytes(bytes).to_string(),
    }
}

fn cell_json(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Real(number) => json!(number),
        Cell::Bytes(bytes) => json!(String::from_utf8_lossy(bytes)),
    }
}
