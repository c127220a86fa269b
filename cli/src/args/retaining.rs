//! Flags about how long runs are kept.

use std::time::Duration;

use clap::Args;

use super::values::{duration, size};

/// How many runs stay. Never removed: runs that go on, and those pinned by `audit keep`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Retention (0 is no limit)")]
pub struct RetainArgs {
    /// Keep the newest N runs; tidied once a day, at the end of a run, at once when half over it
    #[arg(long, value_name = "N", default_value = "100")]
    pub retain_runs: usize,
    /// Keep the newest runs of together so many bytes
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = size)]
    pub retain_size: u64,
    /// Keep runs for so long
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = duration)]
    pub retain_age: Duration,
    /// Remove the oldest runs first where less than this is free on the disk
    #[arg(long, value_name = "SIZE", default_value = "256MB", value_parser = size)]
    pub min_free: u64,
}
