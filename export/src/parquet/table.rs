//! The one table of columns: the writer follows it, `docs/parquet.md` is held to it.

/// Version of the columns: goes up when one changes its meaning, goes away, or gets another type. New
/// columns alone do not change it; readers pick columns by name.
pub const VERSION: u32 = 1;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8, dictionary-encoded.
    Text,
    /// A list of texts.
    Texts,
    /// A signed number of 64 bits: unsigned ones are foreign to Spark and Trino.
    Int,
    /// True or false.
    Bool,
    /// A day, UTC.
    Day,
    /// Nanoseconds since 1970, UTC.
    Time,
}

impl Kind {
    /// Its word in the documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Texts => "list of text",
            Kind::Int => "int64",
            Kind::Bool => "bool",
            Kind::Day => "date",
            Kind::Time => "timestamp ns UTC",
        }
    }
}

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The run as a whole: the same in each row.
    Run,
    /// Fields of the event: `field`, or `type.field` for one type alone. The first word wins where an
    /// event has several of them.
    Fields(&'static [&'static str]),
    /// A half of `peer`.
    Peer,
    /// Every field that no other column holds, as one JSON object; null where there is none.
    Rest,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Where from.
    pub from: From,
    /// Each row has a value.
    pub required: bool,
}

const fn run(name: &'static str, kind: Kind, required: bool) -> Column {
    Column { name, kind, from: From::Run, required }
}

const fn always(name: &'static str, kind: Kind, fields: &'static [&'static str]) -> Column {
    Column { name, kind, from: From::Fields(fields), required: true }
}

const fn some(name: &'static str, kind: Kind, fields: &'static [&'static str]) -> Column {
    Column { name, kind, from: From::Fields(fields), required: false }
}

const fn peer(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, from: From::Peer, required: false }
}

/// Every column, in the order of the file.
pub const COLUMNS: &[Column] = &[
    run("run", Kind::Text, true),
    run("host", Kind::Text, false),
    run("name", Kind::Text, false),
    run("user", Kind::Text, false),
    run("date", Kind::Day, true),
    always("seq", Kind::Int, &["seq"]),
    always("ts", Kind::Time, &["ts"]),
    always("type", Kind::Text, &["type"]),
    some("op", Kind::Text, &["op"]),
    some("severity", Kind::Text, &["severity"]),
    some("pid", Kind::Int, &["pid"]),
    some("start_ns", Kind::Int, &["start_ns"]),
    some("ppid", Kind::Int, &["ppid"]),
    some("uid", Kind::Int, &["uid"]),
    some("euid", Kind::Int, &["euid"]),
    some("exe", Kind::Text, &["exe"]),
    some("argv", Kind::Texts, &["argv", "start.command"]),
    some("cwd", Kind::Text, &["cwd"]),
    some("secure", Kind::Bool, &["secure"]),
    some("child_pid", Kind::Int, &["child_pid"]),
    some("code", Kind::Int, &["code"]),
    some("signal", Kind::Int, &["signal"]),
    some("path", Kind::Text, &["path"]),
    some("path2", Kind::Text, &["path2"]),
    some("bytes", Kind::Int, &["bytes"]),
    some("size_before", Kind::Int, &["size_before"]),
    some("size_after", Kind::Int, &["size_after"]),
    some("size", Kind::Int, &["hash.size"]),
    some("hash", Kind::Text, &["hash.blake3"]),
    some("proto", Kind::Text, &["proto"]),
    some("dest_host", Kind::Text, &["host"]),
    peer("dest_ip", Kind::Text),
    peer("dest_port", Kind::Int),
    some("sent_bytes", Kind::Int, &["sent_bytes"]),
    some("received_bytes", Kind::Int, &["received_bytes"]),
    some("count", Kind::Int, &["count"]),
    some("result", Kind::Text, &["result"]),
    some("errno", Kind::Text, &["errno"]),
    some("call", Kind::Text, &["call.name"]),
    some("rule", Kind::Text, &["rule"]),
    some("title", Kind::Text, &["title"]),
    some("cause", Kind::Int, &["finding.cause"]),
    some("source", Kind::Text, &["source"]),
    some("lost", Kind::Int, &["lost"]),
    some("trust", Kind::Text, &["trust"]),
    some("verdict", Kind::Text, &["verdict"]),
    some("reasons", Kind::Texts, &["reasons"]),
    Column { name: "more", kind: Kind::Text, from: From::Rest, required: false },
];

/// Returns where the column of this name stands.
pub(super) fn position(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name == name)
}
