//! `--diff-last`: what is different since the last run of the same name.

use std::{fmt::Write, io::Write as _};

use storage::{RunDir, State, Store};

use super::deriving::Derived;
use crate::{
    args::{CompareArgs, Globals, RunArgs},
    derive::{Opened, ensure_derived},
    diff::{Difference, Kind},
    failure::Failure,
    pages,
    text::{self, Safe},
};

/// Differences that are listed; `audit diff` has them all.
const SHOWN: usize = 10;

/// What came of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing is new, or there is nothing to compare with.
    None,
    /// Something is.
    Some,
    /// It could not be compared.
    Unknown,
}

/// The run before, or why it cannot be found.
pub(super) struct Last {
    run: Result<Option<RunDir>, Failure>,
}

impl Last {
    /// Finds the newest run of this name that is over. To be asked before the new one begins; `None`
    /// when nobody wants to know.
    pub(super) fn find(args: &RunArgs, globals: &Globals) -> Option<Last> {
        let name = args.name.as_deref().filter(|_| args.diff_last.is_some())?;
        Some(Last { run: globals.store().and_then(|store| newest(&store, name)) })
    }

    /// Compares, and says what differs unless `quiet`, and what keeps it from being compared.
    pub(super) fn compare(self, run: &RunDir, derived: &Derived, quiet: bool) -> News {
        let compared =
            self.run.and_then(|last| last.map(|last| differences(last, run, derived)).transpose());
        let (suffix, difference) = match compared {
            Ok(Some(difference)) => difference,
            Ok(None) => return News::None,
            Err(failure) => {
                failure.print();
                return News::Unknown;
            }
        };
        if !difference.changes.is_empty() && !quiet {
            // Nobody is left to hear that standard error is closed.
            let page = page(&suffix, run.id().suffix(), &difference);
            let _ = anstream::stderr().write_all(page.as_bytes());
        }
        match difference.changes.iter().any(|change| change.kind == Kind::New) {
            true => News::Some,
            false => News::None,
        }
    }
}

fn newest(store: &Store, name: &str) -> Result<Option<RunDir>, Failure> {
    let ids = store.ids().map_err(|why| Failure::because("cannot find the last run", &why))?;
    Ok(ids.iter().rev().filter_map(|id| store.run(id).ok()).find(|run| {
        let listed = run.listed();
        listed.name.as_deref() == Some(name)
            && matches!(listed.state, State::Sealed | State::Truncated)
    }))
}

fn differences(
    last: RunDir,
    run: &RunDir,
    derived: &Derived,
) -> Result<(String, Difference), Failure> {
    let Derived::Done(meta, ..) = derived else {
        return Err(Failure::new("cannot compare with the last run: this one is not derived yet"));
    };
    let again = run.again().map_err(|why| Failure::because("cannot compare", &why))?;
    let now = Opened::new(again, (**meta).clone(), false);
    let last = ensure_derived(last)?;
    let (difference, _) = pages::compared([&last, &now], &CompareArgs::default())?;
    Ok((last.run.id().suffix().to_owned(), difference))
}

fn page(last: &str, now: &str, difference: &Difference) -> String {
    let of = |kind| difference.changes.iter().filter(move |change| change.kind == kind);
    let parts: Vec<String> = [(Kind::New, "new"), (Kind::Gone, "gone"), (Kind::Changed, "changed")]
        .into_iter()
        .map(|(kind, word)| (of(kind).count(), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", text::count(number as u64)))
        .collect();
    let mut page = format!("audit {now}  since {last}: {}\n", parts.join(", "));
    // What is new first: that is what the question was about.
    let ordered = of(Kind::New).chain(of(Kind::Changed)).chain(of(Kind::Gone));
    for change in ordered.take(SHOWN) {
        // Writing to a string does not fail.
        let _ = writeln!(page, "  {}", Safe::new(&pages::brief(change)).plain());
    }
    let _ = writeln!(page, "  next      audit diff {last} {now}");
    page
}
