//! Claims about queries: the index and the lines agree, and a hostile index changes nothing.

use proptest::prelude::*;

use super::*;
use crate::{How, testing::Bench};

mod lines;
mod sql;
mod summary;

/// An event that owns its text.
#[derive(Debug, Clone)]
struct Owned {
    kind: &'static str,
    op: Option<&'static str>,
    ts_ns: i64,
    pid: Option<u32>,
    path: Option<Vec<u8>>,
    path2: Option<Vec<u8>>,
    peer: Option<(&'static str, u16)>,
    count: u64,
}

impl Owned {
    fn row(&self, seq: u64) -> Row<'_> {
        Row {
            seq,
            ts_ns: self.ts_ns,
            kind: self.kind,
            op: self.op,
            pid: self.pid,
            exe: self.path2.as_deref(),
            path: self.path.as_deref(),
            path2: self.path2.as_deref(),
            ip: self.peer.map(|(ip, _)| ip),
            port: self.peer.map(|(_, port)| port),
            proto: self.peer.map(|_| "tcp"),
            sent: self.peer.map(|_| self.count),
            count: self.count,
            ..Row::default()
        }
    }
}

fn path() -> impl Strategy<Value = Option<Vec<u8>>> {
    let parts = prop::sample::select(vec![
        &b"/"[..],
        b"/a",
        b"/a/\xff",
        b"/a/\xc3\xa9",
        b"/b\n",
        b"\xff\xff",
    ]);
    prop::option::of(
        (parts, prop::collection::vec(any::<u8>(), 0..3)).prop_map(|(a, b)| [a, &b].concat()),
    )
}

fn owned() -> impl Strategy<Value = Owned> {
    (
        prop::sample::select(vec!["file", "exec", "net", "process", "lost"]),
        prop::option::of(prop::sample::select(vec!["read", "write", "flow", "connect"])),
        0i64..4,
        prop::option::of(0u32..3),
        (path(), path()),
        prop::option::of((prop::sample::select(vec!["10.0.0.1", "fe80::1"]), 1u16..3)),
        1u64..5,
    )
        .prop_map(|(kind, op, ts_ns, pid, (path, path2), peer, count)| {
            // Only net events have a peer, see `Row`.
            Owned { kind, op, ts_ns, pid, path, path2, peer: peer.filter(|_| kind == "net"), count }
        })
}

fn a_match() -> impl Strategy<Value = Option<Match>> {
    (path(), path(), 0..3).prop_map(|(path, other, way)| {
        path.map(|path| match way {
            0 => Match::Exact(path),
            1 => Match::Prefix(path),
            _ => Match::OneOf([path].into_iter().chain(other).collect()),
        })
    })
}

fn query() -> impl Strategy<Value = Query> {
    let words = |list: Vec<&'static str>| {
        prop::collection::vec(prop::sample::select(list).prop_map(str::to_owned), 0..3)
    };
    (
        (words(vec!["file", "exec", "net", "none"]), words(vec!["read", "write", "flow"])),
        prop::option::of(0u32..3),
        (prop::option::of(0i64..4), prop::option::of(0i64..4)),
        (a_match(), a_match()),
        (
            prop::option::of(Just(Match::Exact(b"fe80::1".to_vec()))),
            prop::option::of(prop::sample::select(vec![&b""[..], b"read", b"/a", b"pid\":1"])),
        ),
        (prop::option::of(1u16..3), prop::option::of(0u64..9), prop::option::of(0usize..6)),
    )
        .prop_map(
            |(
                (types, ops),
                pid,
                (since_ns, until_ns),
                (path, exe),
                (ip, word),
                (port, after_seq, limit),
            )| {
                let (host, contains) = (None, word.map(<[u8]>::to_vec));
                let among = None;
                Query {
                    types,
                    ops,
                    pid,
                    since_ns,
                    until_ns,
                    path,
                    other_names: true,
                    exe,
                    ip,
                    host,
                    port,
                    contains,
                    among,
                    after_seq,
                    limit,
                    only_lines: false,
                }
            },
        )
}

/// Numbers and lines of the events found, and what was said of them.
fn ask(events: &Events<'_>, query: &Query) -> (Vec<(u64, Vec<u8>)>, Found) {
    let mut rows = Vec::new();
    let found = events.query(query, &mut |row| row.count != 4, &mut |row| {
        rows.push((row.seq, row.line.to_vec()));
        ControlFlow::Continue(())
    });
    (rows, found.expect("it reads"))
}

fn lens() -> Lens {
    Lens { project: Vec::new(), is_secret: |_| false }
}

fn derived(events: &[Owned]) -> (Bench, Meta) {
    let bench = Bench::recorded(1);
    let rows: Vec<Row<'_>> = events.iter().zip(1..).map(|(event, seq)| event.row(seq)).collect();
    let meta = bench.derive(How::Again(&[]), &rows);
    (bench, meta)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn index_and_lines_give_the_same_answers(
        events in prop::collection::vec(owned(), 0..40),
        queries in prop::collection::vec(query(), 20),
    ) {
        let (bench, meta) = derived(&events);
        let (indexed, scanned) = (bench.events(Some(&meta)), bench.events(None));
        prop_assert_eq!(indexed.why_scan(), None);
        let lines = Query { only_lines: true, ..Query::default() };
        prop_assert_eq!(ask(&indexed, &lines), ask(&scanned, &Query::default()));
        let all = bench.lines();
        let lines: Vec<&[u8]> = all.split(|byte| *byte == b'\n').collect();
        for query in &queries {
            let (rows, found) = ask(&indexed, query);
            prop_assert_eq!(&(rows.clone(), found), &ask(&scanned, query), "{:?}", query);
            let expected = events.iter().zip(1..).zip(&lines);
            let expected = expected.map(|((event, seq), line)| Row { line, ..event.row(seq) });
            let expected = expected.filter(|row| query.matches(row) && row.count != 4);
            let limit = query.limit.unwrap_or(usize::MAX);
            let seqs: Vec<u64> = expected.map(|row| row.seq).take(limit).collect();
            prop_assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), seqs, "{:?}", query);
            let whole = Query { limit: None, contains: None, ..query.clone() };
            let mut by_column = Vec::new();
            let said = indexed.values(&whole, "exe", &mut |value, times| {
                let bytes = if let OfColumn::Bytes(bytes) = value { bytes } else { b"none" };
                by_column.push((bytes.to_vec(), times));
            });
            prop_assert!(said);
            let mut by_row = Vec::new();
            let take = &mut |row: &Row<'_>| by_row.push((row.exe.unwrap_or(b"none").to_vec(), row.count));
            scanned.each_row(&whole, take).expect("it reads");
            by_column.sort();
            by_row.sort();
            prop_assert_eq!(by_column, by_row, "{:?}", whole);
        }
        let all = Query::default();
        let (no_index, no_column) =
            (scanned.values(&all, "exe", &mut |_, _| ()), indexed.values(&all, "1; --", &mut |_, _| ()));
        prop_assert!(!no_index && !no_column);
        prop_assert_eq!(indexed.programs().expect("it reads"), scanned.programs().expect("it reads"));
        let contacts = |events: &Events<'_>| {
            let mut all = events.contacts().expect("it reads");
            all.sort_by_key(|to| to.first_seq);
            all
        };
        prop_assert_eq!(contacts(&indexed), contacts(&scanned));
        prop_assert_eq!(indexed.summary(5, &lens()).expect("it counts"), scanned.summary(5, &lens()).expect("it counts"));
    }

    #[test]
    fn a_changed_index_gives_no_wrong_event(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        query in query(),
    ) {
        let events: Vec<Owned> = (0..40).map(some_event).collect();
        let (bench, meta) = derived(&events);
        let mut bytes = bench.read("index.sqlite");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bench.write("index.sqlite", &bytes);
        // Not as a caller does it: freshness would refuse this index by its hash.
        let lines = bench.lines();
        let (rows, _) = ask(&bench.events(Some(&meta)), &query);
        for (_, line) in rows {
            prop_assert!(lines.split(|byte| *byte == b'\n').any(|known| known == line));
        }
        bench.events(Some(&meta)).summary(3, &lens()).expect("it counts");
    }
}

fn some_event(n: u32) -> Owned {
    Owned {
        kind: if n.is_multiple_of(3) { "exec" } else { "file" },
        op: Some("read"),
        ts_ns: n.into(),
        pid: Some(n % 4),
        path: Some(format!("/some/path/{n}").into_bytes()),
        path2: None,
        peer: None,
        count: 1,
    }
}

/// Prepares another index with `sql`, or bytes when it is none; all events must still be found.
fn check(change: impl Fn(&std::path::Path)) {
    let events: Vec<Owned> = (0..9).map(some_event).collect();
    let (bench, meta) = derived(&events);
    change(&bench.path("index.sqlite"));
    let opened = bench.events(Some(&meta));
    let (rows, found) = ask(&opened, &Query::default());
    assert_eq!(rows.len(), 9);
    assert!(opened.why_scan().is_some() || found.index_damage.is_some());
    assert_eq!(opened.summary(9, &lens()).expect("it counts").times("file", Some("read")), 6);
}

fn sql(text: &'static str) -> impl Fn(&std::path::Path) {
    move |path| Connection::open(path).expect("it opens").execute_batch(text).expect("it runs")
}

#[test]
fn a_hostile_index_is_not_used() {
    let write = |bytes: &'static [u8]| {
        move |path: &std::path::Path| std::fs::write(path, bytes).expect("it writes")
    };
    check(write(b""));
    check(write(b"garbage that is no database at all"));
    check(write(b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20"));
    check(|path| {
        std::fs::remove_file(path).expect("it goes");
        std::os::unix::fs::symlink("/etc/passwd", path).expect("a link");
    });
    check(sql("CREATE TABLE others(x)"));
    check(sql("DROP TABLE more"));
    check(sql("CREATE VIEW v AS SELECT 1"));
    check(sql("DROP TABLE peers"));
    check(sql("CREATE INDEX rows_by_actor ON rows(actor) WHERE actor IS NOT NULL"));
    check(sql("DROP VIEW events; CREATE VIEW events AS SELECT * FROM rows"));
    check(sql("PRAGMA user_version=1000"));
    check(sql("DROP VIEW events; CREATE TABLE events(seq INTEGER)"));
    check(sql("CREATE TRIGGER t AFTER INSERT ON rows BEGIN DELETE FROM rows; END"));
}

#[test]
fn a_huge_index_costs_no_more_than_its_rows() {
    let events: Vec<Owned> = (0..9).map(some_event).collect();
    let (bench, meta) = derived(&events);
    let file = std::fs::File::options().write(true).open(bench.path("index.sqlite"));
    file.expect("it opens").set_len(1 << 40).expect("it grows");
    assert_eq!(ask(&bench.events(Some(&meta)), &Query::default()).0.len(), 9);
}

#[test]
fn an_index_whose_rows_lie_is_left_for_the_lines() {
    check(sql("UPDATE rows SET offset = offset + 1 WHERE seq = 4"));
    check(sql("UPDATE rows SET offset = offset - 1 WHERE seq = 9"));
    check(sql("UPDATE rows SET offset = 9223372036854775807 WHERE seq = 3"));
    check(sql("UPDATE rows SET count = -1 WHERE seq = 3"));
    check(sql("UPDATE rows SET kind = 99 WHERE seq = 7"));
    check(sql("UPDATE rows SET path = -1 WHERE seq = 7"));
    check(sql("UPDATE rows SET actor = 1 << 40 WHERE seq = 7"));
    check(sql("INSERT INTO more(seq, peer) VALUES(7, x'ff')"));
    check(sql("INSERT INTO more(seq, path2) VALUES(7, 99)"));
    check(sql("INSERT INTO more(seq, sent) VALUES(7, -1)"));
    check(sql("UPDATE kinds SET type = x'ff'"));
    check(sql("UPDATE actors SET pid = 1 << 40"));
    check(sql("UPDATE words SET dir = 99"));
    check(sql("UPDATE dirs SET value = zeroblob(4097)"));
    check(sql("DELETE FROM words"));
    check(sql("DELETE FROM dirs"));
    check(sql(
        "UPDATE rows SET seq = 100 WHERE seq = 3; INSERT INTO rows SELECT 101, ts, kind, actor, path, \
               count, offset FROM rows WHERE seq = 100",
    ));
}

#[test]
fn conditions_use_the_index_that_is_there_for_them() {
    // A run of few rows has no indexes over all of them.
    let events: Vec<Owned> = (0..=u32::try_from(schema::FEW).expect("few"))
        .map(|n| Owned { kind: if n == 9 { "exec" } else { "file" }, ..some_event(n) })
        .collect();
    let (bench, meta) = derived(&events);
    assert!(bench.events(Some(&meta)).why_scan().is_none(), "the schema is known");
    let index = Connection::open(bench.path("index.sqlite")).expect("it opens");
    let rare: Vec<i64> = index
        .prepare("SELECT seq FROM rare")
        .and_then(|mut rare| rare.query_map([], |row| row.get(0))?.collect())
        .expect("what is rare");
    assert_eq!(rare, [10], "the one that is an exec");
    let plan = |query: &Query| -> String {
        let (text, values) =
            indexed::statement(&index, &schema::OF_ROWS, query, 0).expect("conditions");
        let mut statement =
            index.prepare(&format!("EXPLAIN QUERY PLAN {text}")).expect("it prepares");
        let values = rusqlite::params_from_iter(values);
        let rows = statement.query_map(values, |row| row.get::<_, String>(3)).expect("it explains");
        rows.map(|row| row.expect("a row")).collect::<Vec<_>>().join("; ")
    };
    let path = |m| Query { path: Some(m), types: vec!["file".into()], ..Query::default() };
    for query in [path(Match::Exact(b"/a".to_vec())), path(Match::Prefix(b"/a".to_vec()))] {
        let plan = plan(&query);
        assert!(plan.contains("rows_by_path ") && plan.contains("more_by_path2 "), "{plan}");
        assert!(plan.starts_with("SEARCH rows USING INTEGER PRIMARY KEY"), "{plan}");
    }
    let names = plan(&Query { other_names: true, ..path(Match::Exact(b"/a".to_vec())) });
    assert!(names.contains("rows_by_path ") && names.contains("more_by_also "), "{names}");
    let pid = plan(&Query { pid: Some(3), types: vec!["file".into()], ..Query::default() });
    assert!(pid.contains("rows_by_actor") && !pid.contains("TEMP B-TREE FOR"), "{pid}");
    let port = plan(&Query { port: Some(3), ..Query::default() });
    assert!(port.contains("more_by_peer"), "{port}");
    let all_files = plan(&Query { types: vec!["file".into()], ..Query::default() });
    assert!(
        all_files.starts_with("SCAN rows; SEARCH more USING INTEGER PRIMARY KEY"),
        "{all_files}"
    );
    let few = plan(&Query { types: vec!["exec".into()], ..Query::default() });
    assert!(few.contains("SEARCH rare USING PRIMARY KEY"), "{few}");
}

#[test]
fn a_pattern_is_asked_of_the_different_values_and_not_of_every_event() {
    let mut events: Vec<Owned> = (0..400).map(some_event).collect();
    events.iter_mut().skip(1).step_by(100).for_each(|it| it.path2 = Some(b"/rare/\xff".to_vec()));
    let (bench, meta) = derived(&events);
    let opened = bench.events(Some(&meta));
    let ask = |field, word: &'static [u8]| opened.words(field, &mut |value| value.ends_with(word));
    assert_eq!(ask(Field::Path, b"/7"), Some(vec![b"/some/path/7".to_vec()]));
    assert_eq!(ask(Field::Path, b"\xff"), Some(vec![b"/rare/\xff".to_vec()]));
    assert_eq!(ask(Field::Path, b"none"), Some(Vec::new()));
    // Every event has one: reading them in order finds the first as soon.
    assert_eq!(ask(Field::Path, b""), None);
    assert_eq!(ask(Field::Host, b""), Some(Vec::new()));
    assert_eq!(bench.events(None).words(Field::Path, &mut |_| true), None, "there is no index");
}
