//! Flags of `audit export`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::ArgValueCompleter;
use export::redact::What;

use crate::complete;

/// Write runs in a format of others: --format FORMAT, jsonl without it.
#[derive(Debug, Clone, Args)]
#[command(after_help = formats())]
pub struct ExportArgs {
    /// Runs: id, unique prefix, suffix, last, last~1, @name, or a path
    #[arg(value_name = "RUN", default_value = "last", add = ArgValueCompleter::new(complete::run))]
    pub runs: Vec<String>,
    /// Write to this file, which is replaced once all is written [default: standard output]; Parquet into a
    /// directory: a file for each run, by day and host
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// in-toto: sign with this key, a private key file of OpenSSH (Ed25519, no passphrase), in a DSSE envelope
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sign_key: Option<PathBuf>,
    /// Hide what is nobody's business: secrets, env (values of variables), users, hosts, addresses, paths (names of
    /// files that are not the system's), all; with commas [without WHAT: secrets,env]. A mark stands for each,
    /// the same for the same
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "secrets,env",
        value_delimiter = ',',
        value_parser = Hidden::from_word
    )]
    pub redact: Option<Vec<Hidden>>,
    /// Make the marks by this key, a file of 32 random bytes, and not by the store's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "redact")]
    pub redact_key: Option<PathBuf>,
}

/// What a word of `--redact` hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden(pub Vec<What>);

impl Hidden {
    fn from_word(word: &str) -> Result<Hidden, String> {
        if word == "all" {
            return Ok(Hidden(What::ALL.to_vec()));
        }
        let known = What::ALL.into_iter().find(|what| what.word() == word);
        known.map(|what| Hidden(vec![what])).ok_or_else(|| {
            let words: Vec<&str> = What::ALL.iter().map(|what| what.word()).collect();
            format!("it is none of {}, all", words.join(", "))
        })
    }
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
