//! What can go wrong with a store, as attempts.
//!
//! Messages may hold names from a hostile directory: whoever prints them escapes them.

use std::{io, path::PathBuf};

/// An attempt that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory could not be used.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// What was tried: `open`, `read`, …
        verb: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// SQLite could not do something.
    #[error("cannot {verb} {}", path.display())]
    Index {
        /// What was tried.
        verb: &'static str,
        /// The index.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// Neither AUDIT_HOME nor anything else says where runs are kept.
    #[error("cannot tell where runs are kept: none of AUDIT_HOME, XDG_STATE_HOME and HOME is set")]
    NoHome,
    /// Somebody else could change what is written there.
    #[error("cannot keep runs in {}: {why}", path.display())]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Who could.
        why: String,
    },
    /// The directory is not one of a run.
    #[error("cannot open {} as a run: {why}", path.display())]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// A file is no bundle, or not one to be read.
    #[error("cannot open {} as a bundle: {why}", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A run cannot be one file.
    #[error("cannot pack {run}: {why}")]
    Pack {
        /// The run.
        run: crate::RunId,
        /// Why not.
        why: String,
    },
    /// Two runs have one id.
    #[error("cannot import {run}: the store has another run of this id")]
    Import {
        /// The run.
        run: crate::RunId,
    },
    /// Nothing says where bundles may be unpacked.
    #[error("cannot unpack {}: neither XDG_CACHE_HOME nor HOME says where", path.display())]
    NoCache {
        /// The bundle.
        path: PathBuf,
    },
    /// No run, or more than one, is meant.
    #[error(transparent)]
    Select(#[from] crate::SelectError),
    /// A row or line that cannot be stored.
    #[error("cannot write event {seq}: {why}")]
    Row {
        /// Its sequence number.
        seq: u64,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Error {
    /// Wraps the system's answer to `verb` on `path`.
    pub(crate) fn file(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::File { verb, path, source }
    }

    /// Wraps SQLite's answer to `verb` on `path`.
    pub(crate) fn index(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(rusqlite::Error) -> Error {
        let path = path.into();
        move |source| Error::Index { verb, path, source }
    }
}
