//! Questions in SQL: by a reader to an index that somebody else may have made.

use std::{ops::ControlFlow, path::Path};

use rusqlite::types::ValueRef;

use crate::schema;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// None.
    Null,
    /// A number.
    Integer(i64),
    /// A broken number.
    Real(f64),
    /// Text, or bytes that are not UTF-8.
    Bytes(Vec<u8>),
}

/// Takes the names of the columns and a row.
pub type TakeRow<'t> = dyn FnMut(&[String], &[Cell]) -> ControlFlow<()> + 't;

/// Gives each row of the answer to `each`.
pub(super) fn ask(
    path: &Path,
    events: u64,
    text: &str,
    each: &mut TakeRow<'_>,
) -> Result<(), String> {
    let say = |error: rusqlite::Error| error.to_string();
    let index = schema::open_for_sql(path, events).map_err(say)?;
    let mut statement = index.prepare(text).map_err(say)?;
    if !statement.readonly() {
        return Err("the index is only read".to_owned());
    }
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(say)?;
    while let Some(row) = rows.next().map_err(say)? {
        let cells = (0..names.len()).map(|at| row.get_ref(at).map(cell));
        let cells: Vec<Cell> = cells.collect::<Result<_, _>>().map_err(say)?;
        if each(&names, &cells).is_break() {
            break;
        }
    }
    Ok(())
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}
