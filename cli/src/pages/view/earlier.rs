//! What a run did that the runs before it did not.

use std::collections::BTreeSet;

use storage::{Events, Freshness, RunId};

use crate::{args::Globals, derive::Opened, failure::Failure, pipeline::DERIVATION};

/// How many runs before are looked at.
const RUNS: usize = 5;

/// Programs that a run used and none of those before it, and how many these are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pages) struct NewHere {
    /// Their paths.
    pub(in crate::pages) programs: Vec<Vec<u8>>,
    /// Runs before of the same name, or of the same program where they have none.
    pub(in crate::pages) runs: usize,
}

/// Compares the run with those of its store that are labelled as it is and whose events are derived:
/// reading a page derives no other run.
pub(super) fn new_here(opened: &Opened, globals: &Globals) -> Result<Option<NewHere>, Failure> {
    let store = globals.store()?;
    let id = opened.run.id();
    let mut ids = store.ids().unwrap_or_default();
    if !ids.contains(id) {
        // A bundle of somewhere else.
        return Ok(None);
    }
    ids.retain(|other| other.label() == id.label() && before(other, id));
    ids.sort_by(|a, b| b.as_str().cmp(a.as_str()));
    let mut known: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut runs = 0;
    for other in ids.iter().take(RUNS) {
        let Ok(run) = store.run(other) else { continue };
        let Ok(Freshness::Fresh(meta)) = run.freshness(DERIVATION) else { continue };
        let Ok(events) = Events::open(&run, Some(&meta)) else { continue };
        known.extend(events.programs().map_err(|error| Failure::of(&error))?);
        runs += 1;
    }
    let Some(events) = opened.events()?.filter(|_| runs > 0) else { return Ok(None) };
    let mut programs = events.programs().map_err(|error| Failure::of(&error))?;
    programs.retain(|program| !known.contains(program));
    Ok(Some(NewHere { programs, runs }))
}

/// Ids begin with the time; of one second, the later one is not known.
fn before(one: &RunId, other: &RunId) -> bool {
    let time = |id: &RunId| id.as_str().get(..15).unwrap_or_default().to_owned();
    time(one) < time(other)
}
