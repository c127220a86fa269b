//! What is asked of events, as SQL over the tables of an index.

use rusqlite::{Connection, types::Value};

use super::{Field, Match, Query};
use crate::schema::{WITH_ROLES, WORD};

/// The table of what few rows have.
const MORE: &str = "more";

/// Conditions joined by AND, and the values of their parameters.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    text: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    /// The conditions of `query` on the table of rows, whose times begin at `start_ns`.
    pub(super) fn of(index: &Connection, query: &Query, start_ns: i64) -> rusqlite::Result<Self> {
        let mut all = Conditions::default();
        all.kinds(index, query)?;
        let since = |ns: i64| ns.saturating_sub(start_ns);
        all.compare("ts >=", query.since_ns.map(since));
        all.compare("ts <=", query.until_ns.map(since));
        let number = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        all.compare("seq >", query.after_seq.map(number));
        if let Some(list) = &query.among {
            let list: Vec<String> =
                list.iter().map(|seq| all.value(Value::Integer(number(*seq)))).collect();
            all.text.push(format!("seq IN ({})", list.join(",")));
        }
        all.actors(query);
        all.peers(query);
        all.paths(query);
        Ok(all)
    }

    pub(super) fn text(&self) -> String {
        if self.text.is_empty() { "1".to_owned() } else { self.text.join(" AND ") }
    }

    /// Adds a value and returns its parameter.
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    fn compare(&mut self, left: &str, value: Option<i64>) {
        if let Some(value) = value {
            let parameter = self.value(Value::Integer(value));
            self.text.push(format!("{left} {parameter}"));
        }
    }

    /// What is rare is looked up; else all rows are read in order, or those that another condition means.
    fn kinds(&mut self, index: &Connection, query: &Query) -> rusqlite::Result<()> {
        let Some((ids, rare)) = kinds(index, query)? else { return Ok(()) };
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        let ids = ids.join(",");
        self.text.push(if rare && !query.is_narrow() {
            among_rows(&format!("SELECT seq FROM rare WHERE kind IN ({ids})"))
        } else {
            format!("kind IN ({ids})")
        });
        Ok(())
    }

    fn actors(&mut self, query: &Query) {
        let mut is = Vec::new();
        if let Some(pid) = query.pid {
            is.push(format!("pid = {}", self.value(Value::Integer(pid.into()))));
        }
        if let Some(exe) = &query.exe {
            is.push(format!("exe IN ({})", self.words(Field::Exe, exe)));
        }
        self.meant(("rows", "actor"), "actors", &is);
    }

    fn peers(&mut self, query: &Query) {
        let mut is = Vec::new();
        let both = [("ip", Field::Ip, &query.ip), ("host", Field::Host, &query.host)];
        for (column, field, wanted) in both {
            if let Some(wanted) = wanted {
                is.push(format!("{column} IN ({})", self.words(field, wanted)));
            }
        }
        if let Some(port) = query.port {
            is.push(format!("port = {}", self.value(Value::Integer(port.into()))));
        }
        self.meant((MORE, "peer"), "peers", &is);
    }

    /// The rows of whose column in `of` one of `table` is meant that `is` so.
    fn meant(&mut self, (of, column): (&str, &str), table: &str, is: &[String]) {
        if !is.is_empty() {
            let ids = format!("SELECT id FROM {table} WHERE {}", is.join(" AND "));
            self.text.push(among_rows(&of_rows(of, column, &ids)));
        }
    }

    fn paths(&mut self, query: &Query) {
        let Some(path) = &query.path else { return };
        let ids = self.words(Field::Path, path);
        let mut either = vec![of_rows("rows", "path", &ids), of_rows(MORE, "path2", &ids)];
        if query.other_names {
            either.push(self.names(path));
        }
        self.text.push(among_rows(&either.join(" UNION ALL ")));
    }

    /// The words that events have so.
    fn words(&mut self, field: Field, wanted: &Match) -> String {
        let value = format!("CAST({WORD} AS BLOB)");
        let is = match wanted {
            Match::Exact(bytes) => format!("{value} = {}", self.value(Value::Blob(bytes.clone()))),
            Match::OneOf(list) => {
                let list: Vec<String> =
                    list.iter().map(|bytes| self.value(Value::Blob(bytes.clone()))).collect();
                format!("{value} IN ({})", list.join(","))
            }
            Match::Prefix(bytes) => {
                let from = self.value(Value::Blob(bytes.clone()));
                match after_prefix(bytes) {
                    None => format!("{value} >= {from}"),
                    Some(end) => {
                        let to = self.value(Value::Blob(end));
                        format!("{value} >= {from} AND {value} < {to}")
                    }
                }
            }
        };
        let (tables, events) = (field.tables(), field.events());
        format!("SELECT words.id FROM {tables} WHERE {events} > 0 AND {is}")
    }

    /// The rows of which one of the other names is so.
    fn names(&mut self, wanted: &Match) -> String {
        let (bytes, end): (&[u8], &[u8]) = match wanted {
            Match::Exact(bytes) => (bytes, b"\0"),
            Match::Prefix(bytes) => (bytes, b""),
            Match::OneOf(_) => return of_rows(MORE, "also", "SELECT id FROM roles WHERE also > 0"),
        };
        let part = self.value(Value::Blob([b"\0", bytes, end].concat()));
        let ids = format!(
            "SELECT words.id FROM {WITH_ROLES} WHERE also > 0 AND instr(CAST({WORD} AS BLOB), {part}) > 0"
        );
        of_rows(MORE, "also", &ids)
    }
}

/// The kinds of the types and operations that are asked for, and whether all of them are rare; `None`
/// where any will do.
pub(super) fn kinds(
    index: &Connection,
    query: &Query,
) -> rusqlite::Result<Option<(Vec<i64>, bool)>> {
    if query.types.is_empty() && query.ops.is_empty() {
        return Ok(None);
    }
    let mut statement = index.prepare("SELECT id, type, op, rare FROM kinds")?;
    let mut rows = statement.query([])?;
    let (mut ids, mut all_rare) = (Vec::new(), true);
    let is = |list: &[String], text: &str| list.is_empty() || list.iter().any(|one| one == text);
    while let Some(row) = rows.next()? {
        let (kind, op) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str_or_null()?);
        if is(&query.types, kind) && op.map_or(query.ops.is_empty(), |op| is(&query.ops, op)) {
            ids.push(row.get(0)?);
            all_rare &= row.get::<_, bool>(3)?;
        }
    }
    Ok(Some((ids, all_rare)))
}

/// The rows that mean one of `ids` in a column of `table`, out of the index over that column.
fn of_rows(table: &str, column: &str, ids: &str) -> String {
    format!("SELECT seq FROM {table} WHERE {column} IS NOT NULL AND {column} IN ({ids})")
}

/// Numbers are collected before rows are read: so these come in their order, without being sorted.
fn among_rows(numbers: &str) -> String {
    format!("seq IN ({numbers})")
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
