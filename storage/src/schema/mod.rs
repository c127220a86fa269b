//! The index's schema, written once: for making an index and for refusing another one.

mod tables;

use std::{path::Path, sync::atomic::AtomicU64};

use rusqlite::{
    Connection, OpenFlags,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};

pub(crate) use tables::{
    COLUMNS, LONGEST_DIR, OF_ROWS, ROWS_WITH_MORE, WHOLE_WORDS, WITH_ROLES, WORD, insert,
};
use tables::{FILL_RARE, INDEXES, OF_DIRS, TABLES, Thing};

/// `PRAGMA application_id`: "AUDI".
const APPLICATION: i32 = 0x4155_4449;

/// `PRAGMA user_version`: changes with the schema.
pub(crate) const VERSION: i32 = 9;

/// Steps of SQLite's machine between two looks at what is left of the budget.
const STEPS: i32 = 1_000;

/// Steps that a statement may take for each event of the run: reading, comparing and sorting one
/// takes some hundred.
const STEPS_PER_EVENT: u64 = 2_000;

/// Makes an index in the empty file `path`. Nothing of it is safe until it is whole: a crash leaves a
/// file that no `meta.json` names.
pub(crate) fn create(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let index = Connection::open_with_flags(path, flags)?;
    index.execute_batch(&format!(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; \
         PRAGMA page_size=4096; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY; \
         PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION}; BEGIN"
    ))?;
    for (_, _, text) in TABLES {
        index.execute_batch(text)?;
    }
    Ok(index)
}

/// Rows up to which a run has no indexes over rows: a question that would use one reads them all, in ten to
/// thirty milliseconds, while making them takes a sixth of the time of deriving (docs/benchmarks.md).
pub(crate) const FEW: u64 = 262_144;

/// Makes the indexes over all `rows` and fills the table of rare kinds, where they are more than [`FEW`], and closes the
/// file. `rare` has the kinds that few events are of as bits, as far as there are bits.
pub(crate) fn complete(index: Connection, rows: u64, rare: i64) -> rusqlite::Result<()> {
    if rows > FEW {
        index.execute(FILL_RARE, [rare])?;
        for (_, _, text) in INDEXES {
            index.execute_batch(text)?;
        }
    }
    index.execute_batch("COMMIT")?;
    index.close().map_err(|(_, error)| error)
}

/// Opens the index for statements of the reader's own: more of SQL is let through, nothing that
/// writes, opens files or asks how SQLite is set up. Of views there is just ours: its text was compared.
pub(crate) fn open_for_sql(path: &Path, events: u64) -> rusqlite::Result<Connection> {
    let mut index = open(path, events)?;
    for (limit, value) in SQL_LIMITS {
        index.set_limit(*limit, *value)?;
    }
    index.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, true)?;
    index.authorizer(Some(authorize_sql))?;
    Ok(index)
}

/// Opens the index in `path`, which somebody else may have made, for reading.
///
/// Only our own schema is accepted, nothing in it is trusted, and a statement ends after a number of
/// steps that `events` rows justify (SQLite, "Defense Against The Dark Arts").
pub(crate) fn open(path: &Path, events: u64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let mut index = Connection::open_with_flags(uri(path), flags)?;
    for (limit, value) in LIMITS {
        index.set_limit(*limit, *value)?;
    }
    index.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    index.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    for off in [DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW] {
        index.set_db_config(off, false)?;
    }
    index
        .execute_batch("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY")?;
    budget(&mut index, events)?;
    index.authorizer(Some(authorize))?;
    check_schema(&index)?;
    let longest: Option<i64> = index.query_row(OF_DIRS, [], |row| row.get(0))?;
    if longest.is_some_and(|longest| longest > LONGEST_DIR as i64) {
        return Err(foreign("it has a longer directory than there are"));
    }
    Ok(index)
}

/// Values that one condition of a query names at most.
pub(crate) const MOST_VALUES: i32 = 500;

/// What a statement of ours never needs.
const LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, 1 << 24),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 16 * 1024),
    (Limit::SQLITE_LIMIT_COLUMN, 32),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 4),
    (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 16),
    // Two columns of paths, with as many values as a query may name; and the rest.
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 4 * MOST_VALUES + 256),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 0),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// What a person's statement may need more of.
const SQL_LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1024),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 16),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
];

/// `immutable`: no locks, and no journal or write-ahead log that lies beside it is looked at.
fn uri(path: &Path) -> String {
    use std::{fmt::Write, os::unix::ffi::OsStrExt};
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        // Writing to a string does not fail.
        let _ = match byte {
            b'/' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                write!(uri, "{}", char::from(*byte))
            }
            _ => write!(uri, "%{byte:02x}"),
        };
    }
    uri + "?mode=ro&immutable=1"
}

fn budget(index: &mut Connection, events: u64) -> rusqlite::Result<()> {
    let each = u64::from(STEPS.unsigned_abs());
    let calls = events.saturating_add(1_000).saturating_mul(STEPS_PER_EVENT) / each;
    let left = AtomicU64::new(calls);
    let over = move || {
        use std::sync::atomic::Ordering::Relaxed;
        left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err()
    };
    index.progress_handler(STEPS, Some(over))
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } => Authorization::Allow,
        AuthAction::Pragma { pragma_name, pragma_value: None }
            if ["application_id", "user_version"].contains(&pragma_name) =>
        {
            Authorization::Allow
        }
        AuthAction::Function {
            function_name: "count" | "instr" | "octet_length" | "sum" | "min" | "max",
        } => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

fn authorize_sql(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        // None that is built in writes anything; `load_extension` is off, and named all the same.
        AuthAction::Function { function_name } if function_name != "load_extension" => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

/// Compares the schema with our own, text by text: with the indexes that a large run has, or without them.
fn check_schema(index: &Connection) -> rusqlite::Result<()> {
    let number = |pragma: &str| index.query_row(pragma, [], |row| row.get::<_, i32>(0));
    let ours = number("PRAGMA application_id")? == APPLICATION
        && number("PRAGMA user_version")? == VERSION;
    let mut statement = index.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut forms = [INDEXES, &[]].map(|indexes| {
        let mut expected: Vec<&Thing> = TABLES.iter().chain(indexes).collect();
        expected.sort_by_key(|(_, name, _)| *name);
        (expected.into_iter(), ours)
    });
    while let Some(row) = rows.next()? {
        let is = |at: usize, text: &str| {
            row.get_ref(at).is_ok_and(|value| value.as_str().is_ok_and(|value| value == text))
        };
        for (expected, same) in &mut forms {
            let (kind, name, text) = expected.next().copied().unwrap_or_default();
            *same &= is(0, kind) && is(1, name) && is(2, text);
        }
    }
    if forms.iter_mut().any(|(expected, same)| *same && expected.next().is_none()) {
        return Ok(());
    }
    Err(foreign("it does not have the schema of an index"))
}

/// Why an index is none of ours.
fn foreign(why: &str) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_SCHEMA);
    rusqlite::Error::SqliteFailure(code, Some(why.to_owned()))
}
