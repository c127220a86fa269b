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
    /// in-toto: sign with this key, a private key file of OpenSSH (Ed25519, no passphrase), in a DSSE envelope
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sign_key: Option<PathBuf>,
}

/// The formats there are.
fn formats() -> String {
    let mut text = String::from("Formats (docs/export.md):\n");
    for format in export::FORMATS {
        text.push_str(&format!("  {:<11} {}\n", format.name, format.says));
    }
    text
}

/// Put bundles into the store, as runs of their own. Each is verified first.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "A bundle that is in the store already stays as it is; another run of the same id is refused. \
                  Exits with 1 when one is not taken because it is not what was recorded, or signed by \
                  nobody known here."
)]
pub struct ImportArgs {
    /// Bundles: files that `audit export --format bundle` wrote
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Trust this host key alone, and those that come from it: a public key file of OpenSSH
    #[arg(long = "key", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub keys: Vec<PathBuf>,
    /// Trust the hosts in this file alone, in the form of ssh-keygen
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub allowed_signers: Option<PathBuf>,
    /// Take a whole record although nobody known here signed it; it is said of the run
    #[arg(long)]
    pub unknown_key: bool,
}
