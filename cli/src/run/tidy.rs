//! Retention: what is too much goes at the end of a run, and before one where the disk is nearly full.
//!
//! Never the reason that a command fails: what cannot be removed stays, and is tried again.

use std::{
    io::Write,
    path::Path,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use storage::{Beside, RunDir, RunId, Store};

use super::summary;
use crate::{
    args::{Globals, RunArgs},
    retention::{self, Entry, Limits, Remover},
    text,
};

/// How often the store is tidied, unless much is over the limits.
const PACE: Duration = Duration::from_hours(24);

/// Makes room before a run where less is free than should be: the oldest go first. What is still
/// missing then the recorder meets, and says.
pub(super) fn before(args: &RunArgs, globals: &Globals) {
    let Ok(home) = globals.store_dir() else { return };
    let short = || free(&home).map_or(0, |free| args.retain.min_free.saturating_sub(free));
    if short() == 0 {
        return;
    }
    let Some((store, beside)) = place(globals) else { return };
    let Ok(entries) = retention::entries(&store, &beside) else { return };
    let gone = remove(&store, &oldest(&entries, short()));
    if gone > 0 && summary::is_watched(args.summary_when(globals)) {
        say(gone, "the disk is nearly full");
    }
}

/// Tidies at the end of `run`, which stays.
pub(super) fn after(args: &RunArgs, globals: &Globals, run: &RunDir) {
    let Some((store, beside)) = place(globals) else { return };
    let Ok(ids) = store.ids() else { return };
    let retain = &args.retain;
    let limits =
        Limits { runs: retain.retain_runs, bytes: retain.retain_size, age: retain.retain_age };
    let since = beside.tidied().and_then(|then| SystemTime::now().duration_since(then).ok());
    // Sizes are asked of every run's files: once a day, or when this run alone could matter.
    let many = limits.runs != 0 && ids.len() > limits.runs + limits.runs / 2;
    let large = limits.bytes != 0 && run.listed().bytes > limits.bytes / 100;
    if since.is_some_and(|since| since < PACE) && !many && !large {
        return;
    }
    let Ok(entries) = retention::entries(&store, &beside) else { return };
    let bytes = entries.iter().map(|run| run.bytes).fold(0, u64::saturating_add);
    let over = limits.bytes != 0 && bytes > limits.bytes + limits.bytes / 2;
    if since.is_none_or(|since| since >= PACE) || many || over {
        let now = i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        let mut gone = retention::surplus(&entries, limits, now);
        gone.retain(|id| id != run.id());
        let gone = remove(&store, &gone);
        // Without the mark it is tried again at the end of the next run.
        let _ = beside.mark_tidied();
        if gone > 0 && summary::is_watched(args.summary_when(globals)) {
            say(gone, "more or older than are kept; audit keep RUN pins one");
        }
    }
}

fn place(globals: &Globals) -> Option<(Store, Beside)> {
    Some((globals.store().ok()?, globals.beside().ok()?))
}

/// Bytes that this user can still write below `home`, or where it will be made.
fn free(home: &Path) -> Option<u64> {
    let room = home.ancestors().find_map(|dir| rustix::fs::statvfs(dir).ok())?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

/// The oldest that together have `bytes`, or all.
fn oldest(entries: &[Entry], mut bytes: u64) -> Vec<RunId> {
    let mut gone = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.pinned) {
        if bytes == 0 {
            break;
        }
        bytes = bytes.saturating_sub(entry.bytes);
        gone.push(entry.id.clone());
    }
    gone
}

/// Returns how many are gone. From inside a recorded run none are.
fn remove(store: &Store, ids: &[RunId]) -> usize {
    if ids.is_empty() {
        return 0;
    }
    let removed = Remover::of(store).remove(ids, |_, _| {});
    removed.map_or(0, |gone| gone.len())
}

fn say(gone: usize, why: &str) {
    let runs = text::plural(gone as u64, "run");
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(anstream::stderr(), "audit: {runs} removed: {why}");
}
