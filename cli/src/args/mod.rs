//! The command line as data: one tree that makes parsing, help, man page and completions.

mod comparing;
mod explaining;
mod exporting;
mod globals;
mod keeping;
mod live;
mod reading;
mod reporting;
mod retaining;
mod rules;
mod run;
mod shipping;
mod values;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

pub use comparing::{BaselineAct, CompareArgs, DiffArgs, NewArgs, News};
pub use explaining::ExplainArgs;
pub use exporting::{ExportArgs, ImportArgs};
pub use globals::{ColorWhen, Format, Globals, Times};
pub use keeping::{ConfigAct, KeepArgs, PruneArgs, SetupArgs};
pub use live::{MonitorArgs, TailArgs};
pub(crate) use reading::SEVERITIES;
pub use reading::{Filters, KeysArgs, QueryArgs, RunsArgs, VerifyArgs, ViewArgs};
pub use reporting::ReportArgs;
pub use retaining::RetainArgs;
pub use rules::{AllowArgs, RuleArgs, RulesArgs, RulesCommand, Severity};
pub use run::{DiffLast, FailedOpens, Locked, MountNs, OnError, RunArgs, SummaryWhen, Trust};
pub use shipping::{Part, ShipAct, ShipArgs};
pub use values::{Anchor, Moment, RingKib, Tag};

/// Flight recorder for commands: what they ran, read, wrote and talked to
#[derive(Debug, Parser)]
#[command(
    name = "audit",
    version,
    disable_help_subcommand = true,
    after_help = "Exit codes and other topics: audit help exit-codes",
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub globals: Globals,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Record a command and everything it starts
    Run(RunArgs),
    /// List the recorded runs
    Runs(RunsArgs),
    /// Show one run on one page
    View(ViewArgs),
    /// Find events of a run
    Query(QueryArgs),
    /// Explain findings, an event, or who had to do with a file, host or process
    Explain(ExplainArgs),
    /// Compare two runs: what is new, gone, changed and the same
    Diff(DiffArgs),
    /// List hosts and programs that are new since a day
    New(NewArgs),
    /// Know what a job always does, and tell when it does something else
    Baseline {
        /// What to do
        #[command(subcommand)]
        act: BaselineAct,
    },
    /// Write a run down: HTML, Markdown, SARIF, JUnit, GitHub
    Report(ReportArgs),
    /// Write runs in a format of others
    Export(ExportArgs),
    /// Send sealed runs to a directory, an S3-compatible store or an HTTP server; findings to NATS
    Ship(ShipArgs),
    /// Put bundles into the store, as runs of their own
    Import(ImportArgs),
    /// Print events as JSON lines: stored, running or exported
    Tail(TailArgs),
    /// Show what a run is doing, on one screen
    Monitor(MonitorArgs),
    /// Tell whether runs are what was recorded
    Verify(VerifyArgs),
    /// Print the public keys of this machine's recorders
    Keys(KeysArgs),
    /// Look at rules, test them, make exceptions
    Rules(RulesArgs),
    /// Show what is being recorded now and what the store uses
    Status,
    /// Tell, by trying, what this machine can record
    Doctor {
        /// Run the commands that mend what is wrong, where one command can; asks sudo for root's rights
        #[arg(long)]
        fix: bool,
        /// What the trial records
        #[arg(long, hide = true, value_name = "DIR")]
        act: Option<PathBuf>,
    },
    /// Remove runs
    Prune(PruneArgs),
    /// Pin runs, so that nothing removes them
    Keep(KeepArgs),
    /// Show the settings
    Config {
        /// What to do
        #[command(subcommand)]
        act: ConfigAct,
    },
    /// Install the recorder for ordinary users
    Setup(SetupArgs),
    /// Print the completion script of a shell
    Completions {
        /// Shell to write it for
        shell: clap_complete::Shell,
    },
    /// Explain a topic or a command: exit-codes, environment, run, view, ...
    Help {
        /// Topic or command
        topic: Option<String>,
    },
    /// Generate what packages ship
    #[command(hide = true)]
    Generate {
        /// What to generate
        #[command(subcommand)]
        what: Generate,
    },
}

/// What `audit generate` can write.
#[derive(Debug, Subcommand)]
pub enum Generate {
    /// Write the man pages and completions below a directory
    Share {
        /// As /usr/share
        dir: PathBuf,
    },
}

#[cfg(test)]
mod tests;
