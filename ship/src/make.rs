//! Making the parts of a run: `audit export` does it, at our low priority, and nobody waits for it.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{parts::Part, runs::Sealed, say, settings::Settings, spool::Spool};

/// Makes `part` of `run` in the spool, where it is not there yet.
pub(crate) fn make(
    settings: &Settings,
    spool: &Spool,
    run: &Sealed,
    part: Part,
) -> Result<(), String> {
    let Some(format) = part.format() else { return Ok(()) };
    if spool.path(&run.id, part).exists() {
        return Ok(());
    }
    let scratch = spool.scratch(&run.id, part);
    let attempt = format!("cannot make the {} of {}", part.word(), run.id);
    let made = Command::new(&settings.audit)
        .args(["export", "--quiet", "--format", format, "--output"])
        .arg(&scratch)
        .arg(&run.path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|why| format!("{attempt}: cannot start {}: {why}", settings.audit.display()))?;
    if !made.status.success() {
        // What is there of it is of no use.
        let _ = fs::remove_file(&scratch);
        let said = String::from_utf8_lossy(&made.stderr);
        let said = said.trim().trim_start_matches("audit: ");
        return Err(format!("{attempt}: {}", say::brief(said)));
    }
    let kept = spool.note(run).and_then(|()| spool.keep(&run.id, part));
    kept.map_err(|why| format!("{attempt}: {why}"))
}
