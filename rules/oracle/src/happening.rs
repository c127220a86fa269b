//! Something that happened, before it is told to either engine.

use std::collections::BTreeMap;

/// When the first thing happened, seconds since 1970.
pub(crate) const BEGIN: i64 = 1_795_305_600;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A program began: `Image`, `CommandLine`, `ParentImage`, `ParentCommandLine`, `CurrentDirectory`,
    /// `User`, `ProcessId`.
    Exec,
    /// A file was made, read or removed: `TargetFilename`, `Image`, `User`, `ProcessId`.
    File(FileDeed),
    /// A peer was contacted: `DestinationIp`, `DestinationPort`, `DestinationHostname`, `Image`, …
    Connect,
    /// A name was asked for: `QueryName`, `record_type`, `Image`, …
    Ask,
}

/// What was done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileDeed {
    /// It is new.
    Create,
    /// It was read.
    Read,
    /// It is gone.
    Delete,
}

/// One thing that happened, with its fields by their Sigma names; a command line is its words,
/// separated by single spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// What it was.
    pub kind: Kind,
    /// Seconds after the first.
    pub at: i64,
    /// Its fields.
    pub fields: BTreeMap<&'static str, String>,
}

impl Happening {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}
