//! Flags of `audit export`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::ArgValueCandidates;

use crate::complete;

/// Write runs in a format of others: --format FORMAT, jsonl without it.
#[derive(Debug, Clone, Args)]
#[command(after_help = formats())]
pub struct ExportArgs {
    /// Runs: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(value_name = "RUN", default_value = "last", add = ArgValueCandidates::new(complete::runs))]
    pub runs: Vec<String>,
    /// Write to this file, which is replaced once all is written [default: standard output]; Parquet into a
    /// directory: a file for each run, by day and host
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// The formats there are.
fn formats() -> String {
    let mut text = String::from("Formats (docs/export.md):\n");
    for format in export::FORMATS {
        text.push_str(&format!("  {:<11} {}\n", format.name, format.says));
    }
    text
}
