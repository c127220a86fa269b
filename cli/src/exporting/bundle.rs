//! `audit export --format bundle`: the record itself, as one file.

use std::io::Write;

use storage::{HostLog, RunDir};

use super::target::Target;
use crate::{
    args::{ExportArgs, Globals},
    failure::Failure,
    pages,
};

/// Packs the run.
pub(super) fn write(
    args: &ExportArgs,
    globals: &Globals,
    target: &Target<'_>,
) -> Result<(), Failure> {
    let [wanted] = args.runs.as_slice() else {
        return Err(Failure::new("cannot pack several runs: a bundle is one")
            .hint("export each to a file of its own"));
    };
    let run = pages::select(globals, wanted)?;
    // A log that others could have written is none to take keys from.
    let logs = HostLog::of_this_machine(&globals.store_dir()?).map_err(|why| Failure::of(&why))?;
    target.write(|out| {
        let packed = storage::pack(&run, &logs, out).map_err(|why| Failure::of(&why))?;
        tell(&run, packed, globals);
        Ok(())
    })
}

/// Says on standard error what whoever gets the bundle will miss.
fn tell(run: &RunDir, packed: storage::Packed, globals: &Globals) {
    if globals.quiet {
        return;
    }
    let id = run.id().suffix();
    let mut err = anstream::stderr().lock();
    // Nobody is left to hear that standard error is closed.
    if !packed.sealed {
        let _ = writeln!(err, "audit: {id}: it has no seal: the bundle is one of a truncated run");
    }
    if !packed.epochs {
        let words = "without the host's log of keys: it is checked by the key of its own epoch";
        let _ = writeln!(err, "audit: {id}: {words} (audit keys --allowed-signers)");
    }
}
