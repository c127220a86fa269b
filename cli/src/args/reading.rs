//! Flags of the commands that read.

use clap::{Args, ValueEnum};

use super::values::Moment;

/// Kinds of events, as in the `type` of a JSON line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EventType {
    /// The start of the recording
    Start,
    /// Forks, exits, leaving the run's cgroup
    Process,
    /// Programs executed
    Exec,
    /// Files read, written, created, deleted, renamed
    File,
    /// Connections, sends, flows
    Net,
    /// What is known to be missing
    Lost,
    /// What the sources said of themselves
    Source,
    /// The end of the recording
    End,
}

impl EventType {
    /// The word in the record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventType::Start => "start",
            EventType::Process => "process",
            EventType::Exec => "exec",
            EventType::File => "file",
            EventType::Net => "net",
            EventType::Lost => "lost",
            EventType::Source => "source",
            EventType::End => "end",
        }
    }
}

/// List the recorded runs, the latest first.
#[derive(Debug, Clone, Args)]
pub struct RunsArgs {
    /// Show at most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Show all
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Only runs with this name
    #[arg(long)]
    pub name: Option<String>,
}

/// Show one run on one page: what it ran, changed, read and talked to.
#[derive(Debug, Clone, Args)]
pub struct ViewArgs {
    /// Run: id, unique prefix, suffix, last, last~1, @name
    #[arg(default_value = "last")]
    pub run: String,
    /// Show the processes as a tree
    #[arg(long, group = "what")]
    pub tree: bool,
    /// Show every event, in order
    #[arg(long, group = "what")]
    pub timeline: bool,
    /// How many entries each list shows
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
}

/// Find events of a run. Exits with 1 when nothing matches.
#[derive(Debug, Clone, Args)]
pub struct QueryArgs {
    /// Run: id, unique prefix, suffix, last, last~1, @name
    #[arg(default_value = "last")]
    pub run: String,
    /// What an event must be.
    #[command(flatten)]
    pub filters: Filters,
    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Show all
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

/// What an event must be to be shown; all that is given must hold.
#[derive(Debug, Clone, Default, Args)]
pub struct Filters {
    /// Only events of these types
    #[arg(long = "type", value_name = "TYPE", value_enum, value_delimiter = ',')]
    pub types: Vec<EventType>,
    /// Only these operations: read, write, exec, create, delete, rename, connect, ...
    #[arg(long, value_delimiter = ',')]
    pub op: Vec<String>,
    /// Only files whose path matches: a glob, or a part of it
    #[arg(long, value_name = "GLOB")]
    pub path: Option<String>,
    /// Only peers: HOST, HOST:PORT, :PORT or a network like 10.0.0.0/8
    #[arg(long, value_name = "HOST[:PORT]")]
    pub dest: Option<String>,
    /// Only events of programs whose path matches
    #[arg(long, value_name = "GLOB")]
    pub exe: Option<String>,
    /// Only events of this process
    #[arg(long)]
    pub pid: Option<u32>,
    /// Only events that hold this text anywhere
    #[arg(long, value_name = "TEXT")]
    pub contains: Option<String>,
    /// Only from then on: +12s after the start, 10m ago, or a time in UTC
    #[arg(short = 'S', long, value_name = "WHEN")]
    pub since: Option<Moment>,
    /// Only until then
    #[arg(short = 'U', long, value_name = "WHEN")]
    pub until: Option<Moment>,
}
