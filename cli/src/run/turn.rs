//! `--lock`: of the runs with one name, one at a time.
//!
//! A lock that this process holds keeps out others that start now; a record that still grows keeps them
//! out where the front was killed and the command lives on.

use storage::{Lock, Store};

use super::Stopped;
use crate::{
    args::{Globals, Locked, RunArgs},
    exit,
    failure::Failure,
};

/// Takes the lock of the run's name, to be held while the run goes on.
pub(super) fn take(args: &RunArgs, globals: &Globals) -> Result<Option<Lock>, Stopped> {
    let (Some(otherwise), Some(name)) = (args.lock, args.name.as_deref()) else { return Ok(None) };
    // Twice at once is what must not be: without a lock it does not start, even with --on-error run.
    let refused = |why: Failure| Stopped::NotExecuted(why, exit::NOT_RECORDED);
    let beside = globals.beside().map_err(refused)?;
    let lock = beside.lock(name).map_err(|why| {
        refused(Failure::of(&why).hint("choose another place with --home DIR or AUDIT_HOME=DIR"))
    })?;
    let store = globals.store().map_err(refused)?;
    if lock.is_some() && !goes_on(&store, name).map_err(refused)? {
        return Ok(lock);
    }
    Err(Stopped::Busy {
        failure: Failure::new(format!("cannot start: the run {name} goes on")).hint("audit status"),
        status: match otherwise {
            Locked::Skip => exit::YES,
            Locked::Fail => exit::BUSY,
        },
    })
}

/// Whether a run of this name is still recorded.
fn goes_on(store: &Store, name: &str) -> Result<bool, Failure> {
    let ids = store.ids().map_err(|why| Failure::of(&why))?;
    let live =
        ids.iter().filter_map(|id| store.run(id).ok().filter(|run| run.is_live().unwrap_or(true)));
    Ok(live.map(|run| run.listed().name).any(|of| of.as_deref() == Some(name)))
}
