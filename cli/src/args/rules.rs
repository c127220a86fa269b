//! Flags about rules, and the commands of `audit rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use event::model;

/// Which rules judge.
#[derive(Debug, Clone, Default, Args)]
pub struct RuleArgs {
    /// Judge by the rules in this file too; may be given several times
    #[arg(short, long = "rules", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub rules: Vec<PathBuf>,
    /// Judge by the Sigma rules below this directory too; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub sigma: Vec<PathBuf>,
    /// Use no rules but those given: neither the built-in ones nor those of the machine and the user
    #[arg(long, env = "AUDIT_NO_BUILTIN", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub no_builtin: bool,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Severity {
    /// Good to know
    Info,
    /// Seldom of interest
    Low,
    /// To be looked at
    Medium,
    /// To be looked at soon
    High,
    /// To be looked at now
    Critical,
}

impl From<Severity> for model::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => model::Severity::Info,
            Severity::Low => model::Severity::Low,
            Severity::Medium => model::Severity::Medium,
            Severity::High => model::Severity::High,
            Severity::Critical => model::Severity::Critical,
        }
    }
}

/// Look at rules, test them, make exceptions.
#[derive(Debug, Clone, Args)]
#[command(subcommand_required = true)]
pub struct RulesArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: RulesCommand,
}

/// The commands of `audit rules`.
#[derive(Debug, Clone, Subcommand)]
pub enum RulesCommand {
    /// List the rules that are in force
    List {
        /// Which rules.
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Show a rule: what it finds, why, what to do
    Show {
        /// Id of the rule
        id: String,
        /// Which rules.
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Read files of rules and say what is wrong; exits with 1 when something is
    Check {
        /// Files, or directories of them
        #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
        files: Vec<PathBuf>,
    },
    /// Hold the rules of files against their examples and near misses; exits with 1 when one fails
    Test {
        /// Files, or directories of them; without any, the built-in rules
        #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
        files: Vec<PathBuf>,
    },
    /// Add an exception to your own rules: what it is about is not found any more
    Allow(AllowArgs),
}

/// An exception to a rule.
#[derive(Debug, Clone, Args)]
pub struct AllowArgs {
    /// Id of the rule
    pub id: String,
    /// Only for this program: its path, a glob, or its name
    #[arg(long, value_name = "GLOB")]
    pub exe: Option<String>,
    /// Only for this file: its path, a glob, ~/ for homes, a last / for all below
    #[arg(long, value_name = "GLOB")]
    pub path: Option<String>,
    /// Only for this peer: HOST, HOST:PORT, :PORT or a network
    #[arg(long, value_name = "HOST[:PORT]")]
    pub dest: Option<String>,
    /// Until the end of this day, as 2026-12-31
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}
