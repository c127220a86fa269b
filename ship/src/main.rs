//! `audit-ship`: sends sealed runs to directories, S3-compatible stores and HTTP servers, and findings to NATS
//! JetStream while they happen.
//!
//! `audit ship` starts it with its settings as one JSON document, which holds no secret; those come from
//! the environment alone. It may be killed at any moment: what is sent is known by marks that are
//! written after, and sending twice is found to be that. A run is never touched, and never waited for.
#![forbid(unsafe_code)]

mod backoff;
mod digest;
#[cfg(feature = "nats")]
mod findings;
#[cfg(not(feature = "nats"))]
#[path = "findings/without.rs"]
mod findings;
mod lane;
mod make;
mod marks;
mod parts;
mod runs;
mod say;
mod settings;
mod spool;
mod status;
mod target;

use std::process::ExitCode;

use settings::{Act, Settings};

/// How it ended, for the caller.
enum Ended {
    /// Everything is sent.
    Done,
    /// Something is not, and it was said what.
    Left,
}

fn main() -> ExitCode {
    match ship() {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Left) => ExitCode::from(1),
        Err(why) => {
            say::error(&why);
            ExitCode::from(2)
        }
    }
}

fn ship() -> Result<Ended, String> {
    let text = std::env::args().nth(1).unwrap_or_default();
    let settings: Settings = serde_json::from_str(&text).map_err(|why| {
        format!("audit-ship is started by `audit ship`, which tells it what to do ({why})")
    })?;
    match settings.act {
        Act::Status => status::status(&settings),
        Act::DryRun => status::dry_run(&settings),
        Act::Once | Act::Watch => lane::all(&settings),
    }
}
