//! Flags of the commands about the installation and the store.

use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::values::{duration, size};
use crate::complete;

/// Install the recorder for ordinary users; once, as root.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Makes the user _audit, the group audit, the store, and installs audit-supervisor \
                        for the group's members.\nRunning it again changes nothing, or installs a newer one."
)]
pub struct SetupArgs {
    /// Who may record, by joining the group audit; may be given several times [default: who called
    /// sudo]
    #[arg(long, value_name = "NAME")]
    pub user: Vec<String>,
    /// Show what it would do, as commands, and do nothing
    #[arg(long)]
    pub print: bool,
    /// Take everything back but the recorded runs
    #[arg(long)]
    pub undo: bool,
    /// Print the drop-in with which systemd starts the service NAME recorded, and do nothing
    #[arg(long, value_name = "NAME", conflicts_with_all = ["user", "print", "undo"])]
    pub unit: Option<String>,
}

/// Remove runs: those named, or those that are too many or too old.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "A run that is being recorded stays, and so does one that was pinned (audit keep). From inside a \
                  recorded run nothing is removed."
)]
pub struct PruneArgs {
    /// Runs to remove, as for view
    pub runs: Vec<String>,
    /// Remove all but the newest N
    #[arg(long, value_name = "N", conflicts_with = "runs")]
    pub keep: Option<usize>,
    /// Remove what began longer ago
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "runs")]
    pub older: Option<Duration>,
    /// Remove the oldest until the others take no more than this
    #[arg(long, value_name = "SIZE", value_parser = size, conflicts_with = "runs")]
    pub max_size: Option<u64>,
    /// Of the runs with this name only
    #[arg(long, conflicts_with = "runs")]
    pub name: Option<String>,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Pin runs, so that nothing removes them.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Neither `audit prune` nor what is removed when runs are many or old.")]
pub struct KeepArgs {
    /// Runs to pin, as for view
    #[arg(required = true, add = ArgValueCompleter::new(complete::run))]
    pub runs: Vec<String>,
    /// Let them go
    #[arg(long)]
    pub undo: bool,
}

/// What to do with settings.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigAct {
    /// Show what is set, as flags by their long names
    #[command(
        after_help = "Settings are read from /etc/audit-run/config.toml and ~/.config/audit/config.toml \
(tables [run], [store], [output]), then from variables like AUDIT_LINGER; flags come last. \
.audit.toml of a project adds rules = [FILE, ...] and ignore = [GLOB, ...] for diff."
    )]
    Show {
        /// Say where each comes from
        #[arg(long)]
        origin: bool,
    },
}
