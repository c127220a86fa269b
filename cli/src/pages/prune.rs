//! `audit prune`: removes runs.

use std::io::Write;

use jiff::Timestamp;
use storage::{RunId, Store};

use crate::{
    args::{Globals, PruneArgs},
    dispatch::Answer,
    failure::Failure,
    retention::{self, Limits, Remover},
    text::{Out, plural},
};

/// Removes what `args` means; the answer is whether all of that is gone.
pub(crate) fn prune(args: &PruneArgs, globals: &Globals) -> Result<Answer, Failure> {
    let store = globals.store()?;
    let chosen = chosen(&store, args, globals)?;
    let mut out = Out::open(globals);
    if args.dry_run {
        for id in &chosen {
            writeln!(out, "{id}")?;
        }
        out.close()?;
        return Ok(Answer::Yes);
    }
    let stays = |id: &RunId, why: Failure| why.hint(format!("it is {id}, and stays")).print();
    let gone = Remover::of(&store).remove(&chosen, stays)?;
    writeln!(out, "Removed: {}", plural(gone.len() as u64, "run"))?;
    out.close()?;
    Ok(if gone.len() == chosen.len() { Answer::Yes } else { Answer::No })
}

/// Which runs are meant, the oldest first; never one that is pinned or goes on.
fn chosen(store: &Store, args: &PruneArgs, globals: &Globals) -> Result<Vec<RunId>, Failure> {
    let beside = globals.beside()?;
    if !args.runs.is_empty() {
        let found = super::ids(store, &args.runs)?;
        if let Some(kept) = found.iter().find(|id| beside.is_kept(id)) {
            return Err(Failure::new(format!("cannot remove {}: it is pinned", kept.suffix()))
                .hint(format!("audit keep --undo {}", kept.suffix())));
        }
        return Ok(found);
    }
    if args.keep.is_none() && args.older.is_none() && args.max_size.is_none() && args.name.is_none()
    {
        return Err(Failure::new("cannot tell which runs to remove")
            .hint("audit prune RUN...")
            .hint("audit prune --keep 100, --older 30d, or --max-size 1GB; with --dry-run to see which"));
    }
    let mut entries = retention::entries(store, &beside)?;
    entries.retain(|run| args.name.is_none() || run.name == args.name);
    let now = i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
    // What each flag lets go; of several, what all of them do.
    let let_go = |limits: Option<Limits>| match limits {
        None => None,
        // No limit for retention, but none shall stay here.
        Some(limits) if limits == Limits::default() => Some(None),
        Some(limits) => Some(Some(retention::surplus(&entries, limits, now))),
    };
    let flags = [
        args.keep.map(|runs| Limits { runs, ..Limits::default() }),
        args.max_size.map(|bytes| Limits { bytes, ..Limits::default() }),
        args.older.map(|age| Limits { age, ..Limits::default() }),
    ];
    let flags: Vec<Vec<RunId>> = flags.into_iter().filter_map(let_go).flatten().collect();
    let meant = |id: &RunId| flags.iter().all(|gone| gone.contains(id));
    let ids = entries.into_iter().filter(|run| !run.pinned).map(|run| run.id);
    Ok(ids.filter(meant).collect())
}
