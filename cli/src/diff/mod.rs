//! What two runs have in common and what not: a pure function over their events.
//!
//! A run becomes [`Facts`]: programs, shapes of arguments, files, peers, sockets, users, findings,
//! coverage. What differs by nature from run to run is named alike first, see [`normal`].

mod compare;
mod facts;
pub(crate) mod normal;
#[cfg(test)]
mod tests;

pub(crate) use compare::{Change, Difference, Kind, compare};
pub(crate) use facts::{Collector, Fact, Facts};

use serde::{Deserialize, Serialize};

/// What facts are about; pages have them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Section {
    /// Files that were executed.
    Programs,
    /// Command lines of programs, without what is different each time.
    Arguments,
    /// Files and what was done to them.
    Files,
    /// Peers, and names that were asked for.
    Network,
    /// Unix sockets, and those who work for others.
    Unix,
    /// As whom it ran.
    Users,
    /// What rules found.
    Findings,
    /// What was recorded, and what was not.
    Coverage,
    /// How it ended and how long it took.
    Outcome,
}

impl Section {
    /// Every one.
    pub(crate) const ALL: [Section; 9] = [
        Section::Programs,
        Section::Arguments,
        Section::Files,
        Section::Network,
        Section::Unix,
        Section::Users,
        Section::Findings,
        Section::Coverage,
        Section::Outcome,
    ];

    /// Its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Programs => "programs",
            Section::Arguments => "arguments",
            Section::Files => "files",
            Section::Network => "network",
            Section::Unix => "unix",
            Section::Users => "users",
            Section::Findings => "findings",
            Section::Coverage => "coverage",
            Section::Outcome => "outcome",
        }
    }
}
