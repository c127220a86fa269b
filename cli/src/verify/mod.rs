//! `audit verify`: whether runs are what was recorded.

mod derived;
mod page;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use storage::{Anchors, Finding, HostLog, RunDir, Signer, Trusted, Verification, Weight};

use crate::{
    args::{Format, Globals, VerifyArgs},
    exit,
    failure::{Failure, system_text},
    text::{self, Out},
};

/// Longest file of keys that is read.
const MAX_KEYS: u64 = 16 << 20;

/// What came of one run.
pub(crate) struct Report {
    /// What it was called by: the run's id where that is known.
    name: String,
    /// What was found; `None` when the run cannot be opened.
    verification: Option<Verification>,
    /// All that is to be said.
    findings: Vec<Finding>,
    /// What is derived was compared, and is what the segments tell.
    derived: bool,
}

impl Report {
    /// The worst that is to be said.
    fn weight(&self) -> Weight {
        self.findings.iter().map(|finding| finding.weight).max().unwrap_or(Weight::Note)
    }
}

/// Prints the page; returns the exit status.
pub(crate) fn verify(args: &VerifyArgs, globals: &Globals) -> ExitCode {
    match reports(args, globals) {
        Ok(reports) => {
            let worst = reports.iter().map(Report::weight).max().unwrap_or(Weight::Note);
            match print(&reports, globals) {
                Err(failure) if !failure.is_closed_pipe() => {
                    failure.print();
                    ExitCode::from(exit::UNREADABLE)
                }
                _ => ExitCode::from(status(worst)),
            }
        }
        Err(failure) => {
            failure.print();
            ExitCode::from(exit::UNREADABLE)
        }
    }
}

fn status(weight: Weight) -> u8 {
    match weight {
        Weight::Note => exit::YES,
        Weight::Altered => exit::ALTERED,
        Weight::Unclean => exit::UNCLEAN,
        Weight::Unreadable => exit::UNREADABLE,
    }
}

fn print(reports: &[Report], globals: &Globals) -> Result<(), Failure> {
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => reports.iter().try_for_each(|report| page::text(report, &mut out))?,
        form => text::write_json(&mut out, &page::object(reports), form)?,
    }
    out.close()?;
    Ok(())
}

fn reports(args: &VerifyArgs, globals: &Globals) -> Result<Vec<Report>, Failure> {
    let home = globals.store_dir()?;
    let trusted = trusted(&args.keys, args.allowed_signers.as_deref(), &home)?;
    let store = globals.record_store()?;
    let anchors = anchors(args)?;
    let wanted = match args.runs.as_slice() {
        [] if anchors.runs().next().is_none() => vec!["last".to_owned()],
        runs => runs.to_vec(),
    };
    let mut reports: Vec<Report> = Vec::new();
    for wanted in &wanted {
        reports.push(match store.select_checked(wanted) {
            Ok(run) => of_run(&run, (&trusted, &anchors), args),
            Err(why) => unreadable(wanted.clone(), &why),
        });
    }
    for run in anchors.runs() {
        let asked = args.runs.is_empty() && !reports.iter().any(|report| report.name == run);
        match store.select(run) {
            Ok(run) if asked => reports.push(of_run(&run, (&trusted, &anchors), args)),
            Ok(_) => {}
            Err(_) => reports.push(missing(run)),
        }
    }
    Ok(reports)
}

/// What an anchor names and the store does not have.
fn missing(run: &str) -> Report {
    let what = "it was recorded and is not here: deleted, moved, or kept in another store";
    let findings = vec![Finding::new(Weight::Altered, what)];
    Report { name: run.to_owned(), verification: None, findings, derived: false }
}

/// What was said elsewhere: hashes, or files of lines.
fn anchors(args: &VerifyArgs) -> Result<Anchors, Failure> {
    let mut anchors = Anchors::default();
    for anchor in &args.anchors {
        if !anchors.add_hash(anchor) && anchors.add_log(&read(Path::new(anchor))?) == 0 {
            let message = format!("cannot use {anchor}: it has no line of an anchor");
            return Err(Failure::new(message).hint("audit run --anchor FILE writes such lines"));
        }
    }
    Ok(anchors)
}

/// Verifies one run.
fn of_run(run: &RunDir, (trusted, anchors): (&Trusted, &Anchors), args: &VerifyArgs) -> Report {
    let name = run.id().to_string();
    let mut verification = match storage::verify(run, trusted) {
        Ok(verification) => verification,
        Err(why) => return unreadable(name, &why),
    };
    let mut findings = std::mem::take(&mut verification.findings);
    if !args.anchors.is_empty() {
        findings.extend(anchors.check(&name, &verification));
    }
    let mut same = false;
    if !args.record_only && !verification.live {
        match derived::compare(run, &verification.consumed) {
            Ok(derived) => {
                same = derived.compared && derived.findings.is_empty();
                findings.extend(derived.findings);
            }
            Err(failure) => findings.push(Finding::new(Weight::Unreadable, failure.message())),
        }
    }
    Report { name, verification: Some(verification), findings, derived: same }
}

fn unreadable(name: String, why: &storage::Error) -> Report {
    let finding = Finding::new(Weight::Unreadable, Failure::of(why).message());
    Report { name, verification: None, findings: vec![finding], derived: false }
}

/// Who is trusted: this machine's recorders, and who is named.
pub(crate) fn trusted(
    keys: &[PathBuf],
    allowed_signers: Option<&Path>,
    home: &Path,
) -> Result<Trusted, Failure> {
    let hosts = HostLog::of_this_machine(home).map_err(|why| Failure::of(&why))?;
    let mut trusted = Trusted { hosts, ..Trusted::default() };
    for path in keys {
        let text = read(path)?;
        let before = trusted.keys.len();
        trusted.keys.extend(text.lines().filter_map(event::sign::Public::from_line));
        if trusted.keys.len() == before {
            let message = format!("cannot use {}: it has no ssh-ed25519 key", path.display());
            return Err(Failure::new(message).hint("audit keys prints those of this machine"));
        }
    }
    if let Some(path) = allowed_signers {
        let signers = Signer::parse(&read(path)?);
        trusted.signers = signers
            .map_err(|why| Failure::because(format!("cannot use {}", path.display()), &why))?;
        if trusted.signers.is_empty() {
            let message = format!("cannot use {}: no line allows a recorder", path.display());
            return Err(
                Failure::new(message).hint("audit keys --allowed-signers prints such lines")
            );
        }
    }
    Ok(trusted)
}

fn read(path: &Path) -> Result<String, Failure> {
    let read = std::fs::File::open(path).and_then(|file| {
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(file, MAX_KEYS), &mut text)?;
        Ok(text)
    });
    read.map_err(|why| {
        Failure::new(format!("cannot read {}: {}", path.display(), system_text(&why)))
    })
}
