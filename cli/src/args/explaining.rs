//! Flags of `audit explain`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::values::at_least_one;
use crate::complete;

/// Explain a run's findings, an event, or who had to do with a file, a host or a process.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Run, or one event of it: RUN:SEQ
    #[arg(value_name = "RUN|EVENT", default_value = "last", add = ArgValueCompleter::new(complete::run))]
    pub subject: String,
    /// Who had to do with this file
    #[arg(long, value_name = "PATH", group = "about")]
    pub path: Option<String>,
    /// With --path: not by other names of the file (`also`)
    #[arg(long, requires = "path")]
    pub exact_name: bool,
    /// Who had to do with this host, by name or address
    #[arg(long, value_name = "HOST[:PORT]", group = "about")]
    pub host: Option<String>,
    /// Where this process came from and what it did
    #[arg(long, group = "about")]
    pub pid: Option<u32>,
    /// Only findings of this rule
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Show the events that each finding is about
    #[arg(long)]
    pub show_related: bool,
    /// Explain this event of the run, with all its fields
    #[arg(long, value_name = "SEQ", group = "about")]
    pub drill: Option<u64>,
    /// Print the lines of the record
    #[arg(long)]
    pub raw: bool,
    /// Show at most this many of each
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    pub limit: usize,
    /// Show all
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}
