//! `audit keep`: pins runs.

use std::io::Write;

use crate::{
    args::{Globals, KeepArgs},
    dispatch::Answer,
    failure::Failure,
    text::Out,
};

/// Pins the runs, or lets them go.
pub(crate) fn keep(args: &KeepArgs, globals: &Globals) -> Result<Answer, Failure> {
    let (store, beside) = (globals.store()?, globals.beside()?);
    let found = args.runs.iter().map(|word| store.select(word).map(|run| run.id().clone()));
    let ids: Vec<_> = found.collect::<Result<_, _>>().map_err(|why| Failure::of(&why))?;
    let mut out = Out::open(globals);
    for id in &ids {
        let said = if args.undo {
            let was = beside.let_go(id).map_err(|why| Failure::of(&why))?;
            if was { "may be removed again" } else { "was not pinned" }
        } else {
            beside.keep(id).map_err(|why| Failure::of(&why))?;
            "is kept until: audit keep --undo"
        };
        writeln!(out, "{}  {said}", id.suffix())?;
    }
    out.close()?;
    Ok(Answer::Yes)
}
