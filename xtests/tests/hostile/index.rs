//! An index that somebody hostile made, with a `meta.json` that vouches for it: every page that could read
//! it ends by itself, in bounded memory, and shows what the lines say or a reason.

use std::{fs, path::Path};

use rusqlite::{Connection, params};
use xtests::{Lab, Recorded};

use crate::{EVIL, assert_sane, bounded, spoiled};

/// How an index is spoiled.
type Spoil = fn(&Path);

/// Opens the index with every guard off.
fn open(path: &Path) -> Connection {
    let index = Connection::open(path).expect("it opens");
    index.execute_batch("PRAGMA writable_schema = ON").expect("it is off");
    index
}

fn sql(path: &Path, text: &str) {
    open(path).execute_batch(text).expect("it runs");
}

fn put_summary(path: &Path, text: &[u8]) {
    let packed = zstd::encode_all(text, 1).expect("memory takes it");
    let set = "UPDATE summary SET packed = ?1";
    open(path).execute(set, params![packed]).expect("it runs");
}

/// Puts these bytes on each page from the second on.
fn on_pages(path: &Path, page: impl Fn(usize) -> Vec<u8>) {
    let mut bytes = fs::read(path).expect("it is there");
    let size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    for (number, place) in bytes.chunks_mut(size).enumerate().skip(1) {
        let spoiled = page(number);
        place[..spoiled.len()].copy_from_slice(&spoiled);
    }
    fs::write(path, bytes).expect("room");
}

/// Another view in the place of ours, without an end.
const ENDLESS: &str = "DROP VIEW events; CREATE VIEW events AS \
    WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) \
    SELECT x AS seq, x AS ts, 'file' AS type, 'read' AS op, 1 AS pid, 1 AS ppid, 0 AS uid, '' AS exe, \
    hex(zeroblob(1000000)) AS path, '' AS path2, '' AS proto, '' AS host, '' AS ip, 1 AS port, \
    0 AS sent, 0 AS received, 1 AS count, 0 AS offset, '' AS also FROM n";

const SPOILS: [(&str, Spoil); 16] = [
    ("an endless view for the table", |path| sql(path, ENDLESS)),
    ("text for a terminal", |path| {
        let index = open(path);
        for set in [
            "UPDATE words SET value = ?1",
            "UPDATE dirs SET value = ?1",
            "INSERT INTO more(seq, also) SELECT seq, ?1 FROM rows WHERE seq < 9",
        ] {
            index.execute(set, params![EVIL]).expect("it runs");
        }
        let evil = String::from_utf8_lossy(EVIL);
        let summary = serde_json::json!({ "evil": evil, "read": [[[evil, 1, 1]], 1] });
        put_summary(path, summary.to_string().as_bytes());
    }),
    ("pages that lead to each other", |path| {
        // An inner page of a table without cells, whose only way on is to itself.
        on_pages(path, |number| {
            let next = u32::try_from(number + 1).expect("few").to_be_bytes();
            [&[5, 0, 0, 0, 0, 0, 0, 0][..], &next].concat()
        });
    }),
    ("values of many megabytes", |path| {
        sql(
            path,
            "UPDATE words SET value = zeroblob(32 << 20) WHERE id < 3; \
             INSERT INTO more(seq, also) VALUES(1, zeroblob(32 << 20))",
        );
    }),
    ("a long directory that each of many words is in", |path| {
        sql(
            path,
            "UPDATE dirs SET value = zeroblob(8 << 20); \
             WITH RECURSIVE n(x) AS (SELECT 1000000 UNION ALL SELECT x + 1 FROM n LIMIT 500000) \
             INSERT INTO words SELECT x, 1, 'a', 1, 0 FROM n",
        );
    }),
    ("a deep summary", |path| {
        put_summary(path, &[b'['; 800_000]);
    }),
    ("a summary that is a quarter of a gigabyte, unpacked", |path| {
        put_summary(path, &vec![b' '; 1 << 28]);
    }),
    ("a summary that is not packed", |path| {
        sql(path, "UPDATE summary SET packed = x'5b5b5b'");
    }),
    ("triggers", |path| {
        sql(
            path,
            "CREATE TRIGGER t AFTER INSERT ON rows BEGIN DELETE FROM rows; END; \
                   CREATE TEMP TRIGGER u AFTER UPDATE ON rows BEGIN SELECT load_extension('x'); END",
        );
    }),
    ("functions in an index", |path| {
        sql(path, "CREATE INDEX evil ON rows(hex(zeroblob(1000000)))");
    }),
    ("a table that a module makes", |path| {
        sql(
            path,
            "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) VALUES \
                   ('table', 'files', 'files', 0, 'CREATE VIRTUAL TABLE files USING fsdir(''/etc'')')",
        );
    }),
    ("another version", |path| sql(path, "PRAGMA user_version = 99")),
    ("one root for all", |path| sql(path, "UPDATE sqlite_schema SET rootpage = 2")),
    ("pages of ones", |path| on_pages(path, |_| vec![0xff; 512])),
    ("numbers of nothing", |path| {
        sql(path, "UPDATE rows SET actor = 1 << 60, path = -1, kind = 1 << 40");
    }),
    ("rows of nowhere", |path| {
        sql(path, "UPDATE rows SET offset = 1 << 60, seq = seq + (1 << 60)");
    }),
];

/// Has `meta.json` say that this index is the one that was made with it.
fn vouch(run: &Recorded) {
    let path = run.dir.join("meta.json");
    let mut meta: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("it is there")).expect("JSON");
    let index = fs::read(run.dir.join("index.sqlite")).expect("it is there");
    let hash = blake3::hash(&index).to_hex().to_string();
    meta["index"] = serde_json::json!({ "len": index.len(), "blake3": hash });
    fs::write(&path, meta.to_string()).expect("room");
}

#[test]
fn an_index_made_by_an_attacker_neither_runs_nor_hangs_nor_speaks_to_the_terminal_on_any_page() {
    let lab = Lab::new();
    let run = spoiled(&lab);
    let [meta, index] = ["meta.json", "index.sqlite"].map(|name| {
        let path = run.dir.join(name);
        (path.clone(), fs::read(path).expect("it is there"))
    });
    let id = run.id();
    let event = format!("{id}:3");
    let pages: [&[&str]; 15] = [
        &["runs"],
        &["view", id],
        &["view", id, "--tree"],
        &["query", id, "--all"],
        &["query", id, "--path", "*"],
        &["query", id, "--sql", "SELECT * FROM events"],
        &["query", id, "--sql", "SELECT * FROM events, events, events", "--format", "jsonl"],
        &["explain", &event],
        &["explain", id, "--path", "/"],
        &["diff", id, id],
        &["report", id],
        &["report", id, "--format", "html"],
        &["tail", id],
        &["monitor", id, "--once", "--json"],
        &["verify", id],
    ];
    let few = if xtests::long() { SPOILS.len() } else { 4 };
    for (what, spoil) in &SPOILS[..few] {
        spoil(&index.0);
        vouch(&run);
        let told = bounded(&lab, &pages);
        assert_sane(what, &told);
        let verdict = told.last().and_then(|(_, output)| output.status.code());
        assert_ne!(verdict, Some(0), "{what}: it is not called verified");
        for (path, bytes) in [&meta, &index] {
            fs::write(path, bytes).expect("room");
        }
    }
}
