//! Flags of the commands that read.

use clap::{Args, builder::PossibleValuesParser};
use clap_complete::ArgValueCandidates;
use event::model::table;

use super::values::{Moment, at_least_one};
use crate::complete;

/// How much a finding weighs, the least first.
pub(crate) const SEVERITIES: [&str; 5] = ["info", "low", "medium", "high", "critical"];

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
    #[arg(default_value = "last", add = ArgValueCandidates::new(complete::runs))]
    pub run: String,
    /// Show the processes as a tree
    #[arg(long, group = "what")]
    pub tree: bool,
    /// Show every event, in order
    #[arg(long, group = "what")]
    pub timeline: bool,
    /// Show every file and what was done to it
    #[arg(long, group = "what")]
    pub files: bool,
    /// Show every peer, with names, bytes and programs
    #[arg(long, group = "what")]
    pub net: bool,
    /// Show what the record can and cannot say: sources, numbers, gaps
    #[arg(long, group = "what")]
    pub coverage: bool,
    /// How many entries each list shows [default: 5], or how many events --timeline [default: all]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// Find events of runs. Exits with 1 when nothing matches.
#[derive(Debug, Clone, Args)]
pub struct QueryArgs {
    /// Runs: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(value_name = "RUN", default_value = "last", add = ArgValueCandidates::new(complete::runs))]
    pub runs: Vec<String>,
    /// What an event must be.
    #[command(flatten)]
    pub filters: Filters,
    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    pub limit: usize,
    /// Show all
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Show these fields, in this order; without a value, list the fields there are
    #[arg(
        long,
        value_name = "FIELD,...",
        num_args = 0..=1,
        default_missing_value = "",
        group = "shape",
        add = ArgValueCandidates::new(complete::fields)
    )]
    pub fields: Option<String>,
    /// Count the events by a field's values: --count by exe
    #[arg(
        long,
        num_args = 2,
        value_names = ["by", "FIELD"],
        group = "shape",
        add = ArgValueCandidates::new(complete::fields)
    )]
    pub count: Vec<String>,
    /// Ask the index of one run in SQL: table events, see docs/storage.md; only reading is let through
    #[arg(
        long,
        value_name = "SELECT ...",
        group = "shape",
        conflicts_with_all = ["types", "op", "path", "dest", "host", "exe", "pid", "contains", "since", "until", "severity", "related"]
    )]
    pub sql: Option<String>,
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
        value_parser = PossibleValuesParser::new(table::ops())
    )]
    pub op: Vec<String>,
    /// Only files whose path matches: a glob, or a part of it
    #[arg(long, value_name = "GLOB")]
    pub path: Option<String>,
    /// Only peers: HOST, HOST:PORT, :PORT or a network like 10.0.0.0/8
    #[arg(long, value_name = "HOST[:PORT]")]
    pub dest: Option<String>,
    /// Only peers with this name: a glob, or a part of it
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Only events of programs whose path matches
    #[arg(long, value_name = "GLOB")]
    pub exe: Option<String>,
    /// Only events of this process
    #[arg(long)]
    pub pid: Option<u32>,
    /// Only events that hold this text anywhere
    #[arg(long, value_name = "TEXT")]
    pub contains: Option<String>,
    /// Only findings of these severities; with --related, events that led to them
    #[arg(
        long,
        value_name = "SEVERITY",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(SEVERITIES)
    )]
    pub severity: Vec<String>,
    /// Only events that findings are about
    #[arg(long = "related-to-findings", visible_alias = "related-to-detections")]
    pub related: bool,
    /// Only from then on: +12s after the start, 10m ago, or a time in UTC
    #[arg(short = 'S', long, value_name = "WHEN")]
    pub since: Option<Moment>,
    /// Only until then
    #[arg(short = 'U', long, value_name = "WHEN")]
    pub until: Option<Moment>,
}
