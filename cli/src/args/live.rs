//! Flags of the commands that follow a run.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueHint};
use clap_complete::ArgValueCompleter;

use super::{reading::Filters, values::duration};
use crate::complete;

/// Print events as JSON lines: of a stored or running run, or of a file.
#[derive(Debug, Clone, Args)]
pub struct TailArgs {
    /// Run: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(default_value = "last", env = "AUDIT_RUN_ID", hide_env = true, add = ArgValueCompleter::new(complete::run))]
    pub run: String,
    /// Go on while the run is recorded: events as they come, heartbeats, and notices when they stop
    #[arg(short, long)]
    pub follow: bool,
    /// Read this file of events instead; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "run", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Begin with the last N events
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<usize>,
    /// What an event must be.
    #[command(flatten)]
    pub filters: Filters,
    /// How long without a sign of life until the recorder is called stale [default: 3 heartbeats and 5s]; at least 6s,
    /// but where heartbeats are told at other times than each 5s, 10s, …
    #[arg(long, value_name = "DUR", value_parser = duration, env = "AUDIT_STALE_AFTER", hide_env = true)]
    pub stale_after: Option<Duration>,
}

/// Show what a run is doing on one screen: processes, findings, files, connections, what is recorded.
#[derive(Debug, Clone, Args)]
pub struct MonitorArgs {
    /// Run: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(default_value = "last", env = "AUDIT_RUN_ID", hide_env = true, add = ArgValueCompleter::new(complete::run))]
    pub run: String,
    /// Print it once and end; with --json for scripts. --json alone goes on while the run is recorded
    #[arg(long)]
    pub once: bool,
    /// How often it is drawn or printed again
    #[arg(long, visible_alias = "watch", value_name = "DUR", value_parser = duration, default_value = "1s")]
    pub every: Duration,
}
