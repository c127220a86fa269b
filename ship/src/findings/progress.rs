//! How far the findings of each run are: one small file for each target and run.

use std::{fs, io, path::Path, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::marks::{Marks, replace};

/// How far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Number of the last event that is over; those before it are too.
    pub(super) seq: u64,
    /// Findings that the stream has.
    pub(super) sent: u64,
    /// Findings that it will never take; each was told.
    pub(super) refused: u64,
    /// The run is sealed, and nothing of it is left.
    pub(super) over: bool,
}

/// The files of one target.
#[derive(Debug)]
pub(super) struct Book(PathBuf);

impl Book {
    /// Of the target that is called `to`; its folder is that of its marks.
    pub(super) fn of(state: &Path, to: &str) -> Book {
        Book(Marks::of(state, to).folder().to_owned())
    }

    /// What is known of a run; where nothing is, it begins, and the server drops what it has.
    pub(super) fn read(&self, run: &str) -> Progress {
        let text = fs::read(self.0.join(name(run))).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn write(&self, run: &str, progress: &Progress) -> io::Result<()> {
        replace(&self.0, &name(run), &serde_json::to_vec(progress)?)
    }
}

fn name(run: &str) -> String {
    format!("{run}.findings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_kept_for_each_target_and_what_is_no_progress_begins() {
        let temp = tempfile::tempdir().expect("a directory");
        let [a, b] = ["nats://localhost/a", "nats://localhost/b"].map(|to| {
            Marks::of(temp.path(), to).make(to).expect("room");
            Book::of(temp.path(), to)
        });
        let far = Progress { seq: 9, sent: 3, refused: 0, over: true };
        a.write("r", &far).expect("room");
        assert_eq!((a.read("r"), b.read("r")), (far, Progress::default()));
        fs::write(a.0.join("r.findings"), "{").expect("room");
        assert_eq!(a.read("r"), Progress::default());
    }
}
