//! Queries by index. Its numbers are checked against the events before they are believed.

use std::{fs::File, ops::ControlFlow};

use rusqlite::{
    Connection,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::{Match, OfColumn as Cell, Query, collect::Collector, lines::Lines};
use crate::{Row, schema::COLUMNS};

/// The types with few events: worth their index even when the result must be sorted.
const RARE: &[&str] = &["start", "exec", "lost", "source", "finding", "heartbeat", "end"];

/// Looks up what `query` asks for, reading lines from `file`. The error says what is wrong with the
/// index.
pub(super) fn query(
    index: &Connection,
    query: &Query,
    lines: u64,
    file: &File,
    collector: &mut Collector<'_>,
) -> Result<(), String> {
    let (text, values) = statement(query);
    let mut file = Lines::new(file);
    rows(index, &text, values, lines, &mut |row, offset, len| {
        if !collector.wants(row) {
            return Ok(ControlFlow::Continue(()));
        }
        let line = file.get(offset, len).map_err(|error| error.to_string())?;
        let line = line.ok_or_else(|| format!("event {} has no line where it says", row.seq))?;
        if !query.has_word(line) {
            return Ok(ControlFlow::Continue(()));
        }
        Ok(collector.take(&Row { line, ..*row }))
    })
}

/// Takes a row, and where its line is.
type Take<'t> = dyn FnMut(&Row<'_>, u64, usize) -> Result<ControlFlow<()>, String> + 't;

fn rows(
    index: &Connection,
    text: &str,
    values: Vec<Value>,
    lines: u64,
    take: &mut Take<'_>,
) -> Result<(), String> {
    let say = |error: rusqlite::Error| error.to_string();
    let mut statement = index.prepare(text).map_err(say)?;
    let parameters = rusqlite::params_from_iter(values.into_iter().map(ToSqlOutput::Owned));
    let mut rows = statement.query(parameters).map_err(say)?;
    let (mut last, mut count) = (0, 0);
    while let Some(row) = rows.next().map_err(say)? {
        let (row, offset, len) = read(row).map_err(say)?.ok_or("a row that is none of ours")?;
        count += 1;
        // A damaged tree can lead in circles.
        if row.seq <= last || count > lines {
            return Err(format!("event {} stands where it cannot", row.seq));
        }
        last = row.seq;
        if take(&row, offset, len)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Reads a row as [`COLUMNS`] has it; `None` when a value is of the wrong kind.
fn read<'r>(row: &'r rusqlite::Row<'_>) -> rusqlite::Result<Option<(Row<'r>, u64, usize)>> {
    let bytes = |at: usize| -> rusqlite::Result<Option<&'r [u8]>> {
        Ok(match row.get_ref(at)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
            _ => None,
        })
    };
    let text = |at: usize| -> rusqlite::Result<Option<&'r str>> {
        Ok(bytes(at)?.and_then(|bytes| std::str::from_utf8(bytes).ok()))
    };
    let number = |at: usize| -> rusqlite::Result<Option<u64>> {
        Ok(row.get_ref(at)?.as_i64_or_null().ok().flatten().and_then(|n| u64::try_from(n).ok()))
    };
    let small = |at: usize| -> rusqlite::Result<Option<u32>> {
        Ok(number(at)?.and_then(|number| u32::try_from(number).ok()))
    };
    let (Some(seq), Ok(ts_ns), Some(kind)) = (number(0)?, row.get_ref(1)?.as_i64(), text(2)?)
    else {
        return Ok(None);
    };
    let (Some(offset), Some(len)) = (number(17)?, number(18)?) else { return Ok(None) };
    let found = Row {
        seq,
        ts_ns,
        kind,
        op: text(3)?,
        pid: small(4)?,
        ppid: small(5)?,
        uid: small(6)?,
        exe: bytes(7)?,
        path: bytes(8)?,
        path2: bytes(9)?,
        proto: text(10)?,
        host: text(11)?,
        ip: text(12)?,
        port: number(13)?.and_then(|port| u16::try_from(port).ok()),
        sent: number(14)?,
        received: number(15)?,
        count: number(16)?.unwrap_or(1),
        // Each name stands between two NULs.
        also: bytes(19)?.and_then(|also| also.strip_prefix(b"\0")),
        line: &[],
    };
    Ok(Some((found, offset, usize::try_from(len).unwrap_or(usize::MAX))))
}

/// Conditions joined by AND, and the values of their parameters.
#[derive(Debug, Default)]
struct Conditions {
    text: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a value and returns its parameter.
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    fn compare(&mut self, left: &str, value: Option<impl Into<i64>>) {
        if let Some(value) = value {
            let parameter = self.value(Value::Integer(value.into()));
            self.text.push(format!("{left} {parameter}"));
        }
    }

    /// `plus` hides the column from the choice of an index.
    fn one_of(&mut self, plus: &str, column: &str, list: &[String]) {
        if list.is_empty() {
            return;
        }
        let parameters: Vec<String> =
            list.iter().map(|item| self.value(Value::Text(item.clone()))).collect();
        self.text.push(format!("{plus}{column} IN ({})", parameters.join(",")));
    }

    /// The condition that `column` has the wanted bytes, as the index over it can answer it.
    fn bytes(&mut self, column: &str, wanted: &Match) -> String {
        let left = format!("{column} IS NOT NULL AND CAST({column} AS BLOB)");
        match wanted {
            Match::Exact(bytes) => format!("({left} = {})", self.value(Value::Blob(bytes.clone()))),
            Match::OneOf(list) => {
                let list: Vec<String> =
                    list.iter().map(|bytes| self.value(Value::Blob(bytes.clone()))).collect();
                format!("({left} IN ({}))", list.join(","))
            }
            Match::Prefix(bytes) => {
                let from = self.value(Value::Blob(bytes.clone()));
                match after_prefix(bytes) {
                    None => format!("({left} >= {from})"),
                    Some(end) => {
                        let to = self.value(Value::Blob(end));
                        format!("({left} >= {from} AND CAST({column} AS BLOB) < {to})")
                    }
                }
            }
        }
    }
}

impl Conditions {
    /// The condition that one of the other names is so. Few events have any, each begins with a NUL: the
    /// index over them is small, and a range of both ends makes SQLite use it.
    fn name(&mut self, wanted: &Match) -> String {
        const HAS_ANY: &str = "also IS NOT NULL AND also >= x'00' AND also < x'01'";
        let (bytes, end): (&[u8], &[u8]) = match wanted {
            Match::Exact(bytes) => (bytes, b"\0"),
            Match::Prefix(bytes) => (bytes, b""),
            Match::OneOf(_) => return format!("({HAS_ANY})"),
        };
        let part = self.value(Value::Blob([b"\0", bytes, end].concat()));
        format!("({HAS_ANY} AND instr(also, {part}) > 0)")
    }
}

/// The first bytes that are larger than all that begin with `prefix`, if there are any.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    Some(end)
}

/// Whether the types and operations that are asked for are best looked up.
pub(super) fn is_rare(query: &Query) -> bool {
    let rare = !query.types.is_empty() && query.types.iter().all(|t| RARE.contains(&t.as_str()));
    rare || (query.types.len() == 1 && query.ops.len() == 1)
}

pub(super) fn statement(query: &Query) -> (String, Vec<Value>) {
    let (conditions, values) = conditions(query);
    (format!("SELECT {COLUMNS} FROM events WHERE {conditions} ORDER BY seq"), values)
}

/// Gives one column of each row, and how often it happened: nothing else of the row is taken apart.
pub(super) fn values(
    index: &Connection,
    query: &Query,
    column: &str,
    lines: u64,
    take: &mut dyn FnMut(Cell<'_>, u64),
) -> Result<(), String> {
    let say = |error: rusqlite::Error| error.to_string();
    let (conditions, values) = conditions(query);
    let text = format!("SELECT {column}, count FROM events WHERE {conditions}");
    let mut statement = index.prepare(&text).map_err(say)?;
    let parameters = rusqlite::params_from_iter(values.into_iter().map(ToSqlOutput::Owned));
    let mut rows = statement.query(parameters).map_err(say)?;
    let mut left = lines;
    while let Some(row) = rows.next().map_err(say)? {
        // A damaged tree can lead in circles.
        left = left.checked_sub(1).ok_or("it has more rows than there are events")?;
        let times = row.get_ref(1).map_err(say)?.as_i64().ok().and_then(|n| u64::try_from(n).ok());
        let value = match row.get_ref(0).map_err(say)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Bytes(bytes),
            ValueRef::Integer(number) => u64::try_from(number).map_or(Cell::Absent, Cell::Number),
            _ => Cell::Absent,
        };
        take(value, times.unwrap_or(1));
    }
    Ok(())
}

fn conditions(query: &Query) -> (String, Vec<Value>) {
    let mut all = Conditions::default();
    let plus = if !query.is_narrow() && is_rare(query) { "" } else { "+" };
    all.one_of(plus, "type", &query.types);
    all.one_of(plus, "op", &query.ops);
    all.compare("pid =", query.pid);
    all.compare("ts >=", query.since_ns);
    all.compare("ts <=", query.until_ns);
    all.compare("port =", query.port);
    if let Some(list) = &query.among {
        let number = |seq: &u64| Value::Integer(i64::try_from(*seq).unwrap_or(i64::MAX));
        let list: Vec<String> = list.iter().map(|seq| all.value(number(seq))).collect();
        all.text.push(format!("seq IN ({})", list.join(",")));
    }
    all.compare("seq >", query.after_seq.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)));
    if let Some(path) = &query.path {
        let mut either = vec![all.bytes("path", path), all.bytes("path2", path)];
        if query.other_names {
            either.push(all.name(path));
        }
        all.text.push(format!("({})", either.join(" OR ")));
    }
    for (column, wanted) in [("exe", &query.exe), ("ip", &query.ip), ("host", &query.host)] {
        if let Some(wanted) = wanted {
            let condition = all.bytes(column, wanted);
            all.text.push(condition);
        }
    }
    let conditions = if all.text.is_empty() { "1".to_owned() } else { all.text.join(" AND ") };
    (conditions, all.values)
}
