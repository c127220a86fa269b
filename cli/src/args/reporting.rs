//! Flags of `audit report`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::ArgValueCompleter;

use crate::complete;

/// Write a run down for others: one HTML file, or what a pull request, code scanning or CI server reads.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Run: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(default_value = "last", add = ArgValueCompleter::new(complete::run))]
    pub run: String,
    /// Write to this file, which is replaced; its ending chooses the form: .html, .md, .sarif, .xml, .json
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}
