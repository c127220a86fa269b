//! What `audit ship` wants: its flags, checked there for form and here for sense.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::parts::Part;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Act {
    /// Send what there is, then end.
    Once,
    /// Send what there is and what comes, for ever.
    Watch,
    /// Say what would be sent.
    DryRun,
    /// Say what was sent and what waits.
    Status,
}

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What to do.
    pub(crate) act: Act,
    /// The store: `HOME/runs`, and `HOME/UID/runs` of the installed recorder.
    pub(crate) home: PathBuf,
    /// What is known of what was sent, and what waits.
    pub(crate) state: PathBuf,
    /// `audit`, which makes bundles and columns.
    pub(crate) audit: PathBuf,
    /// Where to.
    pub(crate) to: Vec<String>,
    /// Where findings go while they happen.
    pub(crate) findings: Vec<String>,
    /// What of each run.
    pub(crate) parts: Vec<Part>,
    /// S3: another server than Amazon's.
    pub(crate) endpoint: Option<String>,
    /// PEM file of certificates to trust instead of the built-in ones.
    pub(crate) ca: Option<PathBuf>,
    /// `http://` and `nats://` to other machines are meant.
    pub(crate) insecure_http: bool,
    /// How much may wait in the spool, bytes.
    pub(crate) spool_max: u64,
    /// How often a target that fails is tried before `--once` gives it up.
    pub(crate) tries: u32,
    /// First pause after a failure, milliseconds; each further one is twice as long.
    pub(crate) pause_ms: u64,
    /// How often the store is looked at, milliseconds.
    pub(crate) interval_ms: u64,
    /// One JSON document instead of lines: status.
    pub(crate) json: bool,
    /// Say nothing but errors.
    pub(crate) quiet: bool,
}

impl Settings {
    /// How often the store is looked at.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms.max(50))
    }

    /// First pause after a failure.
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms.max(1))
    }
}
