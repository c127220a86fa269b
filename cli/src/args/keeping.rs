//! Flags of the commands about the installation and the store.

use std::time::Duration;

use clap::Args;

use super::values::duration;

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
}

/// Remove runs: those named, or those that are too many or too old.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "A run that is being recorded stays. From inside a recorded run nothing is removed."
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
    /// Of the runs with this name only
    #[arg(long, conflicts_with = "runs")]
    pub name: Option<String>,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}
