//! What is in an index, text by text as SQLite keeps it.
//!
//! A text, a program's process, a kind of event and a peer are written once and meant by a number from
//! then on, in the order in which they were seen first: a row is small integers, and so are the indexes
//! over rows. The view `events` puts them together again, for people.

/// A thing of the schema: its type, its name and its text.
pub(super) type Thing = (&'static str, &'static str, &'static str);

/// The events by number. Where a line ends its newline says.
const ROWS: &str = "CREATE TABLE rows(\
     seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind INTEGER NOT NULL, actor INTEGER, \
     path INTEGER, count INTEGER NOT NULL, offset INTEGER NOT NULL)";

/// What few events have: a column of its own in each row costs a byte of each where there is nothing.
const MORE: &str = "CREATE TABLE more(\
     seq INTEGER PRIMARY KEY, path2 INTEGER, peer INTEGER, sent INTEGER, received INTEGER, \
     also INTEGER)";

/// Each different text, and how many events have it as their path and second path: a pattern is asked of
/// these, and only what it means is looked for among the events. The other names of a file are one text, a
/// NUL before the first and behind each. What many have in common, all up to the last slash, is in
/// [`DIRS`]; the rest is TEXT where the whole is UTF-8, else BLOB.
const WORDS: &str = "CREATE TABLE words(\
     id INTEGER PRIMARY KEY, dir INTEGER NOT NULL, value BLOB NOT NULL, path INTEGER NOT NULL, \
     path2 INTEGER NOT NULL)";

/// What words begin with: all up to the last slash and with it, nothing where there is none.
const DIRS: &str = "CREATE TABLE dirs(id INTEGER PRIMARY KEY, value BLOB NOT NULL)";

/// Longest that one of these is (`PATH_MAX`): of a longer one, a small index that somebody made could have as many
/// copies put together as it has words.
pub(crate) const LONGEST_DIR: usize = 4096;

/// How long the longest of them is.
pub(super) const OF_DIRS: &str = "SELECT max(octet_length(value)) FROM dirs";

/// The words put together.
const TEXTS: &str = "CREATE VIEW texts AS SELECT words.id AS id, \
     CASE typeof(words.value) WHEN 'blob' THEN CAST(dirs.value || words.value AS BLOB) \
     ELSE dirs.value || words.value END AS value \
     FROM words CROSS JOIN dirs ON dirs.id = words.dir";

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
     actors.pid AS pid, actors.ppid AS ppid, actors.uid AS uid, \
     (SELECT value FROM texts WHERE id = actors.exe) AS exe, \
     (SELECT value FROM texts WHERE id = rows.path) AS path, \
     (SELECT value FROM texts WHERE id = more.path2) AS path2, \
     (SELECT value FROM texts WHERE id = peers.proto) AS proto, \
     (SELECT value FROM texts WHERE id = peers.host) AS host, \
     (SELECT value FROM texts WHERE id = peers.ip) AS ip, peers.port AS port, more.sent AS sent, \
     more.received AS received, rows.count AS count, rows.offset AS offset, \
     (SELECT value FROM texts WHERE id = more.also) AS also \
     FROM rows CROSS JOIN kinds ON kinds.id = rows.kind \
     LEFT JOIN more ON more.seq = rows.seq \
     LEFT JOIN actors ON actors.id = rows.actor \
     LEFT JOIN peers ON peers.id = more.peer";

/// What an empty index has, in the order of names.
pub(super) const TABLES: &[Thing] = &[
    ("table", "actors", ACTORS),
    ("table", "dirs", DIRS),
    ("view", "events", EVENTS),
    ("table", "kinds", KINDS),
    ("table", "more", MORE),
    ("table", "peers", PEERS),
    ("table", "rare", RARE),
    ("table", "roles", ROLES),
    ("table", "rows", ROWS),
    ("table", "summary", SUMMARY),
    ("view", "texts", TEXTS),
    ("table", "words", WORDS),
];

/// The indexes over rows, in the order of names, of a run that has more than [`super::FEW`] rows; made when all
/// rows are in: filled with the rows they would be a sixth larger, and cost more than being read for.
pub(super) const INDEXES: &[Thing] = &[
    ("index", "more_by_also", "CREATE INDEX more_by_also ON more(also) WHERE also IS NOT NULL"),
    ("index", "more_by_path2", "CREATE INDEX more_by_path2 ON more(path2) WHERE path2 IS NOT NULL"),
    ("index", "more_by_peer", "CREATE INDEX more_by_peer ON more(peer) WHERE peer IS NOT NULL"),
    ("index", "rows_by_actor", "CREATE INDEX rows_by_actor ON rows(actor) WHERE actor IS NOT NULL"),
    ("index", "rows_by_path", "CREATE INDEX rows_by_path ON rows(path) WHERE path IS NOT NULL"),
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

/// The columns of the view.
pub(crate) const COLUMNS: &str = "seq, ts, type, op, pid, ppid, uid, exe, path, path2, proto, host, \
                                  ip, port, sent, received, count, offset, also";

/// The rows with what few of them have besides.
pub(crate) const ROWS_WITH_MORE: &str = "rows LEFT JOIN more USING(seq)";

/// The columns of these, in the order of the two tables.
pub(crate) const OF_ROWS: [&str; 12] = [
    "seq", "ts", "kind", "actor", "path", "count", "offset", "path2", "peer", "sent", "received",
    "also",
];

/// Words with what they begin with.
pub(crate) const WHOLE_WORDS: &str = "words CROSS JOIN dirs ON dirs.id = words.dir";

/// These with what few of them are.
pub(crate) const WITH_ROLES: &str =
    "roles CROSS JOIN words USING(id) CROSS JOIN dirs ON dirs.id = words.dir";

/// A word of these as it was.
pub(crate) const WORD: &str = "dirs.value || words.value";
