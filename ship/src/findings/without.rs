//! A build without NATS says so.

use crate::settings::Settings;

/// What a target has: nothing, here.
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) refused: u64,
    pub(crate) waiting: u64,
}

/// One target: none, here.
pub(crate) enum Feed {}

impl Feed {
    pub(crate) fn new(_: &Settings, word: &str) -> Result<Feed, String> {
        Err(missing(word))
    }

    pub(crate) fn go(self) -> bool {
        match self {}
    }
}

pub(crate) fn counts(_: &Settings, word: &str) -> Result<Counts, String> {
    Err(missing(word))
}

fn missing(word: &str) -> String {
    format!(
        "cannot send findings to {word}: this build has no NATS\n\
         packages have it; a build with it: cargo build --release -p ship --features nats"
    )
}
