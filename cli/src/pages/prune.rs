//! `audit prune`: removes runs, those of the installed recorder through it.

use std::{fs, io, io::Write, path::Path};

use jiff::Timestamp;
use storage::{Listed, RunId, State, Store};

use crate::{
    args::{Globals, PruneArgs},
    dispatch::Answer,
    failure::Failure,
    installed, run,
    text::{Out, plural},
};

/// Removes what `args` means; the answer is whether all of that is gone.
pub(crate) fn prune(args: &PruneArgs, globals: &Globals) -> Result<Answer, Failure> {
    let store = globals.store()?;
    let chosen = chosen(&store, args)?;
    let mut out = Out::open(globals);
    if args.dry_run {
        for id in &chosen {
            writeln!(out, "{id}")?;
        }
        out.close()?;
        return Ok(Answer::Yes);
    }
    let mut gone = Vec::new();
    let mut tell = |id: &RunId, done: Result<(), Failure>| match done {
        Ok(()) => gone.push(id.clone()),
        Err(failure) => failure.hint(format!("it is {id}, and stays")).print(),
    };
    let uid = rustix::process::geteuid();
    if store.path() == installed::home_of(uid.as_raw()).join("runs") && !uid.is_root() {
        run::remove_sealed(&chosen, &mut tell)?;
    } else {
        refuse_if_recorded(&store)?;
        for id in &chosen {
            tell(id, remove(&store, id));
        }
    }
    for cache in gone.iter().filter_map(|id| store.cache_of(id)) {
        // Of most runs there is none.
        let _ = fs::remove_dir_all(cache);
    }
    writeln!(out, "Removed: {}", plural(gone.len() as u64, "run"))?;
    out.close()?;
    Ok(if gone.len() == chosen.len() { Answer::Yes } else { Answer::No })
}

/// Which runs are meant, the oldest first; never one that is being recorded.
fn chosen(store: &Store, args: &PruneArgs) -> Result<Vec<RunId>, Failure> {
    if !args.runs.is_empty() {
        let found = args.runs.iter().map(|word| store.select(word).map(|run| run.id().clone()));
        return found.collect::<Result<_, _>>().map_err(|why| Failure::of(&why));
    }
    if args.keep.is_none() && args.older.is_none() && args.name.is_none() {
        return Err(Failure::new("cannot tell which runs to remove")
            .hint("audit prune RUN...")
            .hint("audit prune --keep 100, or --older 720h; with --dry-run to see which"));
    }
    let ids = store.ids().map_err(|why| Failure::of(&why))?;
    let listed = ids.iter().filter_map(|id| store.run(id).ok()).map(|run| run.listed());
    let named = |run: &Listed| args.name.is_none() || run.name == args.name;
    let mut runs: Vec<Listed> = listed.filter(named).collect();
    runs.truncate(runs.len().saturating_sub(args.keep.unwrap_or(0)));
    let now = Timestamp::now().as_nanosecond();
    let is_old = |run: &Listed| match (args.older, run.started_ns) {
        (None, _) => true,
        (Some(age), Some(began)) => now - i128::from(began) > age.as_nanos().cast_signed(),
        // Without a first frame it was never recorded.
        (Some(_), None) => true,
    };
    runs.retain(|run| run.state != State::Running && is_old(run));
    Ok(runs.into_iter().map(|run| run.id).collect())
}

/// Whoever is recorded shall not remove records. Told by the cgroup that the kernel says we are in: one
/// of them is the leaf of a run of this store that still goes on.
fn refuse_if_recorded(store: &Store) -> Result<(), Failure> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let leaf = own.lines().filter_map(|line| line.strip_prefix("0::")).flat_map(|p| p.split('/'));
    let runs = leaf.filter_map(|name| RunId::parse(name.strip_prefix("audit-")?));
    for id in runs {
        if store.run(&id).is_ok_and(|run| run.is_live().unwrap_or(true)) {
            return Err(Failure::new("cannot remove runs from inside a recorded run"));
        }
    }
    Ok(())
}

/// Removes a run of ours: its files and its two directories, nothing else and through no link.
fn remove(store: &Store, id: &RunId) -> Result<(), Failure> {
    let run = store.run(id).map_err(|why| Failure::of(&why))?;
    if run.is_live().unwrap_or(true) {
        return Err(Failure::new("cannot remove the run: it is being recorded"));
    }
    let failed = |why: io::Error| Failure::because("cannot remove the run", &why);
    let segments = run.path().join("segments");
    empty(&segments).and_then(|()| fs::remove_dir(&segments)).map_err(failed)?;
    empty(run.path()).and_then(|()| fs::remove_dir(run.path())).map_err(failed)
}

fn empty(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
