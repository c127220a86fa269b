//! How long runs are kept: which are too many, too old or too large, and removing them.

mod choose;
mod remove;

pub(crate) use choose::{Entry, Limits, surplus};
pub(crate) use remove::Remover;

use storage::{Beside, State, Store};

use crate::failure::Failure;

/// What is in the store, the oldest first.
pub(crate) fn entries(store: &Store, beside: &Beside) -> Result<Vec<Entry>, Failure> {
    let ids = store.ids().map_err(|why| Failure::of(&why))?;
    let listed = ids.iter().filter_map(|id| store.run(id).ok()).map(|run| run.listed());
    let entry = |run: storage::Listed| Entry {
        pinned: run.state == State::Running || beside.is_kept(&run.id),
        id: run.id,
        name: run.name,
        started_ns: run.started_ns,
        bytes: run.bytes,
    };
    Ok(listed.map(entry).collect())
}
