//! Flags of `audit ship`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::values::{duration, size};

/// What of a run is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The seal and its signature, at once
    Seal,
    /// The whole run in one file
    Bundle,
    /// Its events as columns
    Parquet,
}

/// What to do instead of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShipAct {
    /// Say what was sent and what waits
    Status,
}

/// Send sealed runs elsewhere: the seal first and at once, then the run.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Targets: /DIR   s3://BUCKET/PREFIX   https://HOST/PREFIX (HTTP PUT). Nothing there is ever replaced.
Secrets come from the environment alone: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_REGION for s3://; AUDIT_SHIP_TOKEN (a bearer token) for https://; AUDIT_SHIP_NATS_USER and AUDIT_SHIP_NATS_PASSWORD,
or AUDIT_SHIP_NATS_TOKEN, for nats://. See docs/fleet.md.

Exit status: 0 everything is sent, 1 something is not (it is said what), 2 wrong usage or trouble."
)]
pub struct ShipArgs {
    /// status: say what was sent and what waits, and send nothing
    #[arg(value_name = "ACT", hide_possible_values = true)]
    pub act: Option<ShipAct>,
    /// Where to send to; may be given several times
    #[arg(long, value_name = "TARGET")]
    pub to: Vec<String>,
    /// Where findings go while they happen, each once: nats://HOST:PORT/SUBJECT of a JetStream stream
    #[arg(long, value_name = "TARGET")]
    pub findings: Vec<String>,
    /// Send what there is, then end: this is what it does without --watch
    #[arg(long, conflicts_with_all = ["watch", "dry_run"])]
    pub once: bool,
    /// Go on for ever: send what there is and what comes
    #[arg(long, conflicts_with = "dry_run")]
    pub watch: bool,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What of each run: seal, bundle, parquet, with commas [default: all that this build can make]
    #[arg(long, value_name = "PARTS", value_delimiter = ',', hide_possible_values = true)]
    pub parts: Vec<Part>,
    /// Where it is kept what was sent, and what waits [default: ~/.local/state/audit-ship, for root /var/lib/audit-ship]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state: Option<PathBuf>,
    /// The server of s3:// that is not Amazon's; also AWS_ENDPOINT_URL_S3
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Trust the certificates in this PEM file, and no others
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
    /// Send over http:// and nats:// to other machines too, where everybody on the way reads it
    #[arg(long)]
    pub insecure_http: bool,
    /// How much may wait in the spool; beyond that, runs wait in the store
    #[arg(long, value_name = "SIZE", default_value = "4GB", value_parser = size)]
    pub spool_max: u64,
    /// How often a target that does not answer is tried before it is given up, without --watch
    #[arg(long, value_name = "N", default_value = "8")]
    pub tries: u32,
    /// Pause after the first failure; each further one is twice as long, up to 5m
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = duration)]
    pub pause: Duration,
    /// How often the store is looked at for new runs, with --watch
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub interval: Duration,
}
