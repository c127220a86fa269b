//! Claims about questions in SQL.

use std::ops::ControlFlow;

use super::{Owned, derived, some_event};
use crate::query::{Cell, Events};

/// A row of an answer: the names of its columns, and their values.
type Row = (Vec<String>, Vec<Cell>);

/// An answer, row by row.
fn rows(events: &Events<'_>, text: &str) -> Result<Vec<Row>, String> {
    let mut found = Vec::new();
    let done = events.sql(text, &mut |names, cells| {
        found.push((names.to_vec(), cells.to_vec()));
        ControlFlow::Continue(())
    });
    done.map(|()| found)
}

#[test]
fn sql_reads_the_index_and_does_nothing_else() {
    let made: Vec<Owned> = (0..3)
        .map(|n| Owned {
            kind: "file",
            op: Some("read"),
            ts_ns: n,
            pid: Some(7),
            path: Some(b"/a/\xff".to_vec()),
            path2: None,
            peer: None,
            count: 2,
        })
        .collect();
    let (bench, meta) = derived(&made);
    let events = bench.events(Some(&meta));
    let ask = |text: &str| rows(&events, text);
    let found = ask("SELECT path AS p, sum(count), upper(type) FROM events GROUP BY path");
    let cells =
        vec![Cell::Bytes(b"/a/\xff".to_vec()), Cell::Integer(6), Cell::Bytes(b"FILE".to_vec())];
    let names = ["p", "sum(count)", "upper(type)"].map(str::to_owned).to_vec();
    assert_eq!(found, Ok(vec![(names, cells)]));
    for text in [
        "DELETE FROM events",
        "INSERT INTO events(seq) VALUES(9)",
        "DROP TABLE events",
        "ATTACH '/tmp/x.sqlite' AS x",
        "PRAGMA journal_mode=WAL",
        "PRAGMA hard_heap_limit=1",
        "SELECT load_extension('/tmp/x')",
        "CREATE TEMP TABLE t(x)",
        "VACUUM INTO '/tmp/x.sqlite'",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT count(*) FROM n",
        "nonsense",
    ] {
        assert!(ask(text).is_err(), "{text}");
    }
    assert!(bench.events(None).sql("SELECT 1", &mut |_, _| ControlFlow::Break(())).is_err());
}

#[test]
fn a_path_is_text_where_all_of_it_is_whatever_its_directory_and_name_are() {
    let long = |len| [&b"/".repeat(len)[..], b"name"].concat();
    let (longest, longer) = (long(4096), long(4097));
    let paths: [&[u8]; 10] = [
        &longest,
        &longer,
        b"/a/b/c",
        b"/a/b/",
        b"/a/b/\xc3\xa9",
        b"/a/\xff/c",
        b"/a/b/\xff",
        b"c",
        b"\xff",
        b"/a/\xc3/\xa9",
    ];
    let made: Vec<Owned> =
        paths.iter().map(|path| Owned { path: Some(path.to_vec()), ..some_event(1) }).collect();
    let (bench, meta) = derived(&made);
    let found =
        rows(&bench.events(Some(&meta)), "SELECT path, typeof(path) FROM events ORDER BY seq");
    for ((_, cells), path) in found.expect("an answer").iter().zip(paths) {
        let kind = if std::str::from_utf8(path).is_ok() { "text" } else { "blob" };
        let expected = [path, kind.as_bytes()].map(|bytes| Cell::Bytes(bytes.to_vec()));
        assert_eq!(*cells, expected, "{}", path.escape_ascii());
    }
}
