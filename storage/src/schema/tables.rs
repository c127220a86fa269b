//! What is in an index, text by text as SQLite keeps it.
//!
//! A text, a program's process, a kind of event and a peer are written once and meant by a number from
//! then on, in the order in which they were seen first: a row is small integers, and so are the indexes
//! over rows. The view `events` puts them together again, for people.

/// A thing of the schema: its type, its name and its text.
pub(super) type Thing = (&'static str, &'static str, &'static str);

/// The events by number.
const ROWS: &str = "CREATE TABLE rows(\
     seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind INTEGER NOT NULL, actor INTEGER, \
     path INTEGER, path2 INTEGER, peer INTEGER, sent INTEGER, received INTEGER, \
     count INTEGER NOT NULL, offset INTEGER NOT NULL, len INTEGER NOT NULL, also INTEGER)";

/// Each different text, TEXT where it is UTF-8, else BLOB, and how many events have it as their path and
/// second path: a pattern is asked of these, and only what it means is looked for among the events. The other
/// names of a file are one text, a NUL before the first and behind each.
const WORDS: &str = "CREATE TABLE words(\
     id INTEGER PRIMARY KEY, value BLOB NOT NULL, path INTEGER NOT NULL, path2 INTEGER NOT NULL)";

/// Likewise how many events have a word as something else, of the few words of which there are some.
const ROLES: &str = "CREATE TABLE roles(\
     id INTEGER PRIMARY KEY, exe INTEGER NOT NULL, host INTEGER NOT NULL, ip INTEGER NOT NULL, \
     also INTEGER NOT NULL)";

/// Each process with each program that it ran and each user that it was.
const ACTORS: &str = "CREATE TABLE actors(\
     id INTEGER PRIMARY KEY, pid INTEGER, ppid INTEGER, uid INTEGER, exe INTEGER)";

/// Each type with each operation, how many events are so, and whether [`RARE`] has them.
const KINDS: &str = "CREATE TABLE kinds(\
     id INTEGER PRIMARY KEY, type TEXT NOT NULL, op TEXT, events INTEGER NOT NULL, \
     rare INTEGER NOT NULL)";

/// Each peer.
const PEERS: &str = "CREATE TABLE peers(\
     id INTEGER PRIMARY KEY, proto INTEGER, host INTEGER, ip INTEGER, port INTEGER)";

/// Where the events of the kinds are that few events are of: an index over the kinds of all would cost
/// ten bytes an event, and lead to nothing faster than reading all in order.
const RARE: &str =
    "CREATE TABLE rare(kind INTEGER, seq INTEGER, PRIMARY KEY(kind, seq)) WITHOUT ROWID";

/// The run counted once over, as JSON in one row, packed: the same paths stand in many of its lists; and when the
/// times of the rows begin.
const SUMMARY: &str =
    "CREATE TABLE summary(id INTEGER PRIMARY KEY, packed BLOB NOT NULL, ts INTEGER NOT NULL)";

/// The events as people ask for them.
const EVENTS: &str = "CREATE VIEW events AS SELECT \
     rows.seq AS seq, (SELECT ts FROM summary) + rows.ts AS ts, kinds.type AS type, kinds.op AS op, \
     actors.pid AS pid, actors.ppid AS ppid, actors.uid AS uid, exes.value AS exe, \
     paths.value AS path, paths2.value AS path2, protos.value AS proto, hosts.value AS host, \
     ips.value AS ip, peers.port AS port, rows.sent AS sent, rows.received AS received, \
     rows.count AS count, rows.offset AS offset, rows.len AS len, others.value AS also \
     FROM rows CROSS JOIN kinds ON kinds.id = rows.kind \
     LEFT JOIN actors ON actors.id = rows.actor \
     LEFT JOIN words AS exes ON exes.id = actors.exe \
     LEFT JOIN words AS paths ON paths.id = rows.path \
     LEFT JOIN words AS paths2 ON paths2.id = rows.path2 \
     LEFT JOIN words AS others ON others.id = rows.also \
     LEFT JOIN peers ON peers.id = rows.peer \
     LEFT JOIN words AS protos ON protos.id = peers.proto \
     LEFT JOIN words AS hosts ON hosts.id = peers.host \
     LEFT JOIN words AS ips ON ips.id = peers.ip";

/// What an empty index has, in the order of names.
pub(super) const TABLES: &[Thing] = &[
    ("table", "actors", ACTORS),
    ("view", "events", EVENTS),
    ("table", "kinds", KINDS),
    ("table", "peers", PEERS),
    ("table", "rare", RARE),
    ("table", "roles", ROLES),
    ("table", "rows", ROWS),
    ("table", "summary", SUMMARY),
    ("table", "words", WORDS),
];

/// The indexes over rows, in the order of names, of a run that has more than [`super::FEW`] rows; made when all
/// rows are in: filled with the rows they would be a sixth larger, and cost more than being read for.
pub(super) const INDEXES: &[Thing] = &[
    ("index", "rows_by_actor", "CREATE INDEX rows_by_actor ON rows(actor) WHERE actor IS NOT NULL"),
    ("index", "rows_by_also", "CREATE INDEX rows_by_also ON rows(also) WHERE also IS NOT NULL"),
    ("index", "rows_by_path", "CREATE INDEX rows_by_path ON rows(path) WHERE path IS NOT NULL"),
    ("index", "rows_by_path2", "CREATE INDEX rows_by_path2 ON rows(path2) WHERE path2 IS NOT NULL"),
    ("index", "rows_by_peer", "CREATE INDEX rows_by_peer ON rows(peer) WHERE peer IS NOT NULL"),
];

/// Fills [`RARE`]; the parameter has the rare kinds as bits, as far as there are bits.
pub(super) const FILL_RARE: &str = "INSERT INTO rare SELECT kind, seq FROM rows \
     WHERE CASE WHEN kind < 63 THEN ?1 >> kind & 1 \
     ELSE kind IN (SELECT id FROM kinds WHERE rare) END ORDER BY kind, seq";

/// So many rows of a table of so many columns; parameters in the order of these, row by row.
pub(crate) fn insert(table: &str, columns: usize, count: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("INSERT INTO {table} VALUES{}", vec![row; count].join(","))
}

/// The same of the events.
pub(crate) fn insert_rows(count: usize) -> String {
    insert("rows", OF_ROWS.len(), count)
}

/// The columns of the view.
pub(crate) const COLUMNS: &str = "seq, ts, type, op, pid, ppid, uid, exe, path, path2, proto, host, \
                                  ip, port, sent, received, count, offset, len, also";

/// The columns of a row, in the order of the table.
pub(crate) const OF_ROWS: [&str; 13] = [
    "seq", "ts", "kind", "actor", "path", "path2", "peer", "sent", "received", "count", "offset",
    "len", "also",
];
