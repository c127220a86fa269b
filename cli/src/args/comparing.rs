//! Flags of the commands that compare runs.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, builder::PossibleValuesParser};
use clap_complete::ArgValueCompleter;

use super::values::{Moment, duration, run_name};
use crate::{complete, diff::normal::Rule};

/// What is compared, and what is not.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Do not tell of names that match: a glob, or a part of them
    #[arg(long, value_name = "GLOB")]
    pub ignore: Vec<String>,
    /// What to call alike because it differs by nature: these, `all`, or `none`
    #[arg(
        long,
        value_name = "WHAT,...",
        value_delimiter = ',',
        default_value = "all",
        value_parser = PossibleValuesParser::new(
            Rule::ALL.iter().map(|rule| rule.name()).chain(["all", "none"])
        )
    )]
    pub normalize: Vec<String>,
    /// Show what was called alike
    #[arg(long, visible_alias = "show-normalized")]
    pub show_normalised: bool,
    /// A run may take this much longer, or twice as long, without being another
    #[arg(long, value_name = "DUR", default_value = "2s", value_parser = duration)]
    pub slack: Duration,
}

impl Default for CompareArgs {
    /// As without any flag.
    fn default() -> Self {
        let slack = Duration::from_secs(2);
        CompareArgs {
            ignore: Vec::new(),
            normalize: vec!["all".to_owned()],
            show_normalised: false,
            slack,
        }
    }
}

/// Compare two runs: what is new, gone, changed and the same.
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// The run before: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(add = ArgValueCompleter::new(complete::run))]
    pub a: String,
    /// The run after
    #[arg(add = ArgValueCompleter::new(complete::run))]
    pub b: String,
    /// What is compared.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// Exit with 1 when the runs differ
    #[arg(long)]
    pub exit_code: bool,
}

/// What can be new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum News {
    /// Hosts that were talked to, or that came in
    Hosts,
    /// Programs that were executed
    Programs,
}

impl News {
    /// One of it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            News::Hosts => "host",
            News::Programs => "program",
        }
    }

    /// Its name in JSON.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            News::Hosts => "hosts",
            News::Programs => "programs",
        }
    }
}

/// List hosts and programs that no run before a day had to do with.
///
/// Runs that began since then are compared with all that the store has from before. A host is known by
/// its name, or by its address where it has none. Exits with 1 when nothing is new.
#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// What to look for [default: both]
    #[arg(value_enum)]
    pub what: Option<News>,
    /// Runs from then on are compared with those before: 7d (ago), or a time in UTC
    #[arg(short = 'S', long, value_name = "WHEN", default_value = "7d")]
    pub since: Moment,
    /// Only runs with this name
    #[arg(long)]
    pub name: Option<String>,
}

/// What to do with a baseline.
#[derive(Debug, Clone, Subcommand)]
pub enum BaselineAct {
    /// Learn from these runs what the job always and sometimes does
    Save {
        /// Name of the baseline
        #[arg(value_parser = run_name)]
        name: String,
        /// Runs to learn from
        #[arg(required = true, add = ArgValueCompleter::new(complete::run))]
        runs: Vec<String>,
        /// What to call alike: see `audit diff`
        #[arg(
            long,
            value_name = "WHAT,...",
            value_delimiter = ',',
            default_value = "all",
            value_parser = PossibleValuesParser::new(
                Rule::ALL.iter().map(|rule| rule.name()).chain(["all", "none"])
            )
        )]
        normalize: Vec<String>,
    },
    /// Show what a baseline knows; without a name, list the baselines
    Show {
        /// Name of the baseline
        name: Option<String>,
    },
    /// Tell what a run does that the baseline's never did, and what it lacks; exit with 1 if so
    Check {
        /// Name of the baseline
        #[arg(value_parser = run_name)]
        name: String,
        /// The run
        #[arg(default_value = "last", add = ArgValueCompleter::new(complete::run))]
        run: String,
        /// Do not tell of names that match: a glob, or a part of them
        #[arg(long, value_name = "GLOB")]
        ignore: Vec<String>,
        /// It may take this much longer, or twice as long
        #[arg(long, value_name = "DUR", default_value = "2s", value_parser = duration)]
        slack: Duration,
    },
}
