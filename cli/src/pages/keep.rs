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
    let ids = super::ids(&store, &args.runs)?;
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
