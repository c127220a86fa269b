//! Flags of the commands that read.

use std::path::PathBuf;

use clap::{Args, ValueHint, builder::PossibleValuesParser};
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
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
    #[arg(default_value = "last", add = ArgValueCompleter::new(complete::run))]
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
    /// Show the processes that ended with another status than 0, or by a signal
    #[arg(long, group = "what")]
    pub failed: bool,
    /// Show the processes that went on when the recording ended; of a live run, that go on
    #[arg(long, group = "what")]
    pub running: bool,
    /// Show what the record can and cannot say: sources, numbers, gaps
    #[arg(long, group = "what")]
    pub coverage: bool,
    /// How many entries each list shows [default: 5], or how many events --timeline and processes or files
    /// the other pages [default: all]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// Tell whether runs are what was recorded: frames, chain, signatures, seal, and what is derived.
///
/// Reads and writes nothing else. A run passes when every byte of its record is covered by a seal that
/// a key signed which is known here: one of this machine, or one that is named.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exits with 0: verified, 1: altered, or signed by nobody known here, 2: no end \
                  (still recorded, or the recorder died), 3: cannot be read; of several runs the worst: \
                  1, then 3, then 2.\nWithout this program: see docs/verify.md, which takes ssh-keygen, \
                  sha256sum and jq."
)]
pub struct VerifyArgs {
    /// Runs: id, unique prefix, suffix, last, last~1, @name, or a directory [default: last, or all
    /// that an anchor names]
    #[arg(value_name = "RUN", add = ArgValueCompleter::new(complete::run))]
    pub runs: Vec<String>,
    /// Trust this host key alone, and those that come from it: a public key file of OpenSSH
    #[arg(long = "key", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub keys: Vec<PathBuf>,
    /// Trust the hosts in this file alone, in the form of ssh-keygen
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub allowed_signers: Option<PathBuf>,
    /// Hold runs against what was said elsewhere: a seal's SHA-256, or a FILE with lines of `audit run
    /// --anchor`; runs that it names and that are gone are named
    #[arg(long = "anchor", value_name = "HASH|FILE", value_hint = ValueHint::FilePath)]
    pub anchors: Vec<String>,
    /// Do not compare what is derived: events, index, page
    #[arg(long)]
    pub record_only: bool,
}

/// Print the public keys of this machine's recorders, for those who verify its runs elsewhere.
///
/// Without options it is the first key, from which all others come: a file for `audit verify --key`.
#[derive(Debug, Clone, Args)]
pub struct KeysArgs {
    /// Print the key of each run as a file of allowed signers of ssh-keygen
    #[arg(long)]
    pub allowed_signers: bool,
}

/// Find events of runs. Exits with 1 when nothing matches.
#[derive(Debug, Clone, Args)]
pub struct QueryArgs {
    /// Runs: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(value_name = "RUN", default_value = "last", add = ArgValueCompleter::new(complete::run))]
    pub runs: Vec<String>,
    /// What an event must be.
    #[command(flatten)]
    pub filters: Filters,
    /// Judge the run again by these rules, and show what they find; the record stays as it is
    #[arg(short, long = "rules", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub rules: Vec<std::path::PathBuf>,
    /// The same by the Sigma rules below this directory
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub sigma: Vec<std::path::PathBuf>,
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
    /// Only files of which a name matches: a glob, or a part of it
    #[arg(long, value_name = "GLOB")]
    pub path: Option<String>,
    /// With --path: not by other names of the file (`also`)
    #[arg(long)]
    pub exact_name: bool,
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
