//! What is sent of a run, and under which names.

use serde::{Deserialize, Serialize};

use crate::runs::Sealed;

/// A part of a run: one object at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// The seal's text: what was recorded, by its hashes.
    Seal,
    /// The signature over it.
    SealSig,
    /// The whole run in one file.
    Bundle,
    /// Its events as columns.
    Parquet,
}

impl Part {
    /// Whether it is small and goes at once, past whatever waits.
    pub(crate) fn is_urgent(self) -> bool {
        matches!(self, Part::Seal | Part::SealSig)
    }

    /// Its word in names of marks and in pages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Part::Seal => "seal",
            Part::SealSig => "seal.sig",
            Part::Bundle => "bundle",
            Part::Parquet => "parquet",
        }
    }

    /// What `audit export --format` calls it; none of what is there as it is.
    pub(crate) fn format(self) -> Option<&'static str> {
        match self {
            Part::Seal | Part::SealSig => None,
            Part::Bundle => Some("bundle"),
            Part::Parquet => Some("parquet"),
        }
    }

    /// Its name below the target: by kind, day and machine.
    pub(crate) fn key(self, run: &Sealed) -> String {
        let (folder, end) = match self {
            Part::Seal => ("seals", "seal"),
            Part::SealSig => ("seals", "seal.sig"),
            Part::Bundle => ("bundles", "audit"),
            Part::Parquet => ("events", "parquet"),
        };
        format!("{folder}/{}/{}.{end}", run.partition, run.id)
    }
}
