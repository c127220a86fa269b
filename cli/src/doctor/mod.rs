//! `audit doctor`: tells, by trying, what this machine can record, and what to do where it cannot.

mod machine;
mod mend;
mod page;
mod probe;
mod store;
mod trial;

use std::{io::Write, path::Path};

use event::install::SUPERVISOR;

use crate::{
    args::{Format, Globals},
    dispatch::Answer,
    failure::Failure,
    installed::{self, Installed},
    run,
    text::{Out, Screen},
};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It works.
    Ok,
    /// Recording works without it, in part.
    Warn,
    /// Recording does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Check {
    /// What.
    pub(crate) name: String,
    /// How it came out.
    pub(crate) state: State,
    /// What was found.
    pub(crate) detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
    /// What `--fix` can do about it.
    #[serde(skip)]
    mend: Option<mend::Mend>,
}

impl Check {
    fn new(name: &str, state: State, detail: impl Into<String>) -> Self {
        Check { name: name.to_owned(), state, detail: detail.into(), fix: None, mend: None }
    }

    fn fix(self, fix: impl Into<String>) -> Self {
        Check { fix: Some(fix.into()), ..self }
    }

    fn mended_by(self, mend: mend::Mend) -> Self {
        Check { mend: Some(mend), ..self }
    }
}

/// Tries everything and prints the page; the answer is whether this machine can record. With `fix` what a
/// command can mend is mended before.
pub(crate) fn doctor(globals: &Globals, fix: bool) -> Result<Answer, Failure> {
    let root = rustix::process::geteuid().is_root();
    if fix && !mend::mend(&machine::checks(), root)? {
        note("nothing that one command can mend");
    }
    let home = globals.store_dir();
    let sealed = installed::look() == Installed::Ready && !globals.is_store_chosen();
    let mut checks = machine::checks();
    let program = if sealed { Some(SUPERVISOR.into()) } else { run::find_supervisor() };
    checks.extend(probe::checks(program, root));
    checks.push(match &home {
        Ok(home) if sealed => {
            let detail = format!("{}, kept by the installed recorder", home.display());
            Check::new("store", State::Ok, detail)
        }
        Ok(home) => store::check(home),
        Err(failure) => Check::new("store", State::Fail, failure.message()).fix("set AUDIT_HOME"),
    });
    // Where something fails already, a trial would only fail once more.
    if root && is_ready(&checks) {
        checks.push(trial::check());
    }
    show(globals, &checks, home.ok().as_deref())
}

/// Does what a trial records, in `dir`.
pub(crate) fn act(dir: &Path) -> Result<(), Failure> {
    trial::act(dir).map_err(|why| Failure::because("cannot do what the trial records", &why))
}

fn show(globals: &Globals, checks: &[Check], home: Option<&Path>) -> Result<Answer, Failure> {
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => page::text(&mut out, checks, home, Screen::of_stdout())?,
        form => page::json(&mut out, checks, form)?,
    }
    out.close()?;
    Ok(if is_ready(checks) { Answer::Yes } else { Answer::No })
}

fn note(what: &str) {
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(anstream::stderr(), "audit: {what}");
}

fn is_ready(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.state != State::Fail)
}
