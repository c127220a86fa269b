//! Which run is meant: an id, the front or the end of one, `last`, `@name`, or a path.

use std::{fmt::Write, path::Path};

use crate::{Error, RunDir, RunId, Store};

/// Candidates that an error lists.
const SHOWN: usize = 5;

/// No run, or more than one, is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The store is empty.
    #[error("cannot find run {wanted}: no run is recorded yet")]
    Empty {
        /// What was asked for.
        wanted: String,
    },
    /// No run is called so.
    #[error("cannot find run {wanted}: no run of {runs} has this id, prefix, suffix or name")]
    None {
        /// What was asked for.
        wanted: String,
        /// How many runs there are.
        runs: usize,
    },
    /// There are not that many.
    #[error("cannot find run {wanted}: there are only {runs}")]
    TooFar {
        /// What was asked for.
        wanted: String,
        /// How many there are.
        runs: usize,
    },
    /// Several runs are called so.
    #[error("cannot tell which run {wanted} is: {}", listed(candidates, *more))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The newest of them.
        candidates: Vec<RunId>,
        /// How many more there are.
        more: usize,
    },
}

fn listed(candidates: &[RunId], more: usize) -> String {
    let mut text = candidates.iter().map(RunId::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, " and {more} more");
    }
    text
}

impl Store {
    /// Opens the run that `wanted` means.
    ///
    /// That is `last`, `last~N` (the Nth before it), `@name` or `@name~N` (the newest of that
    /// name), a path (anything with a `/`, or a file with a `.` in its name), a whole id, the beginning of just one id, or the last
    /// four characters of just one.
    ///
    /// # Errors
    /// [`Error::Select`] when it means none or several, else those of [`RunDir::open`].
    pub fn select(&self, wanted: &str) -> Result<RunDir, Error> {
        if wanted.contains('/') {
            return self.run_in(Path::new(wanted));
        }
        // A bundle by its mere name; ids have no dot in them.
        if wanted.contains('.') && !wanted.starts_with('@') && Path::new(wanted).is_file() {
            return self.run_in(Path::new(wanted));
        }
        let ids = self.ids()?;
        if ids.is_empty() {
            return Err(SelectError::Empty { wanted: wanted.to_owned() }.into());
        }
        let (word, back) = back_from(wanted);
        let id = if word == "last" {
            nth_newest(wanted, &ids, back)?
        } else if let Some(name) = word.strip_prefix('@') {
            let named: Vec<RunId> = ids
                .iter()
                .filter(|id| self.name_of(id).as_deref() == Some(name))
                .cloned()
                .collect();
            if named.is_empty() {
                return Err(none(wanted, ids.len()));
            }
            nth_newest(wanted, &named, back)?
        } else {
            only(wanted, &ids)?
        };
        self.run(&id)
    }

    fn name_of(&self, id: &RunId) -> Option<String> {
        self.run(id).ok()?.listed().name
    }
}

/// Splits `word~N`; without a number it is the newest.
fn back_from(wanted: &str) -> (&str, usize) {
    wanted
        .rsplit_once('~')
        .and_then(|(word, back)| Some((word, back.parse().ok()?)))
        .unwrap_or((wanted, 0))
}

fn none(wanted: &str, runs: usize) -> Error {
    SelectError::None { wanted: wanted.to_owned(), runs }.into()
}

fn nth_newest(wanted: &str, ids: &[RunId], back: usize) -> Result<RunId, Error> {
    let too_far = || SelectError::TooFar { wanted: wanted.to_owned(), runs: ids.len() };
    Ok(ids.iter().rev().nth(back).cloned().ok_or_else(too_far)?)
}

fn only(wanted: &str, ids: &[RunId]) -> Result<RunId, Error> {
    if let Some(id) = ids.iter().find(|id| id.as_str() == wanted) {
        return Ok(id.clone());
    }
    let meant = |id: &&RunId| id.suffix() == wanted || id.as_str().starts_with(wanted);
    let mut found: Vec<RunId> = ids.iter().rev().filter(meant).cloned().collect();
    match found.as_slice() {
        [] => Err(none(wanted, ids.len())),
        [id] => Ok(id.clone()),
        _ => {
            let more = found.len().saturating_sub(SHOWN);
            found.truncate(SHOWN);
            Err(SelectError::Ambiguous { wanted: wanted.to_owned(), candidates: found, more }
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id meant by `wanted` among four runs, or the error's text.
    fn check(wanted: &str, expected: &str) {
        let temp = tempfile::tempdir().expect("a directory");
        let store = Store::open(temp.path());
        for id in [
            "20261119-170200-ci-p0q7",
            "20261120-020000-backup-4b1c",
            "20261121-020000-backup-9x4d",
            "20261121-201530-claude-7k2m",
        ] {
            std::fs::create_dir_all(store.path().join(id).join("segments")).expect("a run");
        }
        let found = match store.select(wanted) {
            Ok(run) => run.id().to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{wanted}");
    }

    #[test]
    fn a_run_is_found_by_all_that_it_is_called() {
        check("last", "20261121-201530-claude-7k2m");
        check("last~0", "20261121-201530-claude-7k2m");
        check("last~3", "20261119-170200-ci-p0q7");
        check("7k2m", "20261121-201530-claude-7k2m");
        check("20261119", "20261119-170200-ci-p0q7");
        check("20261121-02", "20261121-020000-backup-9x4d");
        check("20261121-020000-backup-9x4d", "20261121-020000-backup-9x4d");
    }

    #[test]
    fn none_and_several_are_told_apart() {
        check("last~4", "cannot find run last~4: there are only 4");
        check("zzzz", "cannot find run zzzz: no run of 4 has this id, prefix, suffix or name");
        check("@ci", "cannot find run @ci: no run of 4 has this id, prefix, suffix or name");
        check(
            "20261121",
            "cannot tell which run 20261121 is: 20261121-201530-claude-7k2m, \
             20261121-020000-backup-9x4d",
        );
        check("..", "cannot find run ..: no run of 4 has this id, prefix, suffix or name");
    }

    #[test]
    fn an_empty_store_says_so() {
        let store = Store::open(Path::new("/nonexistent/audit"));
        let error = store.select("last").expect_err("there is none");
        assert_eq!(error.to_string(), "cannot find run last: no run is recorded yet");
    }
}
