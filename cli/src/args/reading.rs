//! Flags of the commands that read.

use clap::{Args, builder::PossibleValuesParser};
use event::model::table;

use super::values::{Moment, at_least_one};

/// List the recorded runs, the latest first.
#[derive(Debug, Clone, Args)]
pub struct RunsArgs {
    /// Show at most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
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
    /// Show what the record can and cannot say: sources, numbers, gaps
    #[arg(long, group = "what")]
    pub coverage: bool,
    /// How many entries each list shows [default: 5], or how many events --timeline [default: all]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
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
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    pub limit: usize,
    /// Show all
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

/// What an event must be to be shown; all that is given must hold.
#[derive(Debug, Clone, Default, Args)]
pub struct Filters {
    /// Only events of these types
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(table::TYPES.iter().map(|kind| kind.name))
    )]
    pub types: Vec<String>,
    /// Only these operations
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(
            table::TYPES.iter().flat_map(|kind| kind.ops.iter().copied())
        )
    )]
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
