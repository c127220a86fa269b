//! `--redact`: runs without their secrets, people and machines, and what is said of that.

use std::{fs::File, io, io::Read, path::Path};

use event::redact::Key;
use export::{
    Event, Run, Writer,
    redact::{Learning, Policy, Redactor, What},
};

use crate::{
    args::{ExportArgs, Globals},
    derive::Opened,
    failure::Failure,
    pages,
};

/// The policy that was asked for.
pub(super) fn policy(args: &ExportArgs, globals: &Globals) -> Result<Option<Policy>, Failure> {
    let Some(asked) = &args.redact else { return Ok(None) };
    let key = match &args.redact_key {
        Some(path) => from_file(path)?,
        None => globals.key_store()?.redaction_key().map_err(|why| {
            Failure::of(&why).hint("give a key of your own: --redact-key FILE, 32 random bytes")
        })?,
    };
    let what: Vec<What> = asked.iter().flat_map(|asked| asked.0.iter().copied()).collect();
    Ok(Some(Policy::new(&what, Key::new(key))))
}

/// The bytes that a key has.
fn from_file(path: &Path) -> Result<[u8; storage::KEY_LEN], Failure> {
    let attempt = || format!("cannot redact with the key {}", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        // One more than it has: a longer file is no key.
        .and_then(|file| file.take(storage::KEY_LEN as u64 + 1).read_to_end(&mut bytes))
        .map_err(|why| Failure::because(attempt(), &why))?;
    bytes.try_into().map_err(|_| {
        Failure::new(format!("{}: it is not 32 bytes long", attempt()))
            .hint("make one: head -c 32 /dev/urandom >FILE; or copy redaction.key of a store")
    })
}

/// Says why a bundle cannot be redacted.
pub(super) fn refuse_bundle(args: &ExportArgs) -> Result<(), Failure> {
    if args.redact.is_none() {
        return Ok(());
    }
    Err(Failure::new(
        "cannot redact a bundle: its seal signs what was recorded, and would sign it no more",
    )
    .hint("for strangers: --format in-toto --redact names the seal that it is about; or jsonl"))
}

/// Gives the events of a run to `writer`, without what is hidden.
pub(super) fn events(
    writer: &mut dyn Writer,
    run: &Run,
    opened: &Opened,
    policy: &Policy,
    globals: &Globals,
) -> Result<(), Failure> {
    let mut redactor = learned(run, opened, policy)?;
    // Once for the numbers, which the first line has.
    pages::look_at_events(opened, &mut |line| whole(&mut redactor, line).map(drop))?;
    let told = redactor.begin();
    writer.run(&redactor.run(run))?;
    pages::each_event(opened, globals, &mut |line| {
        writer.event(&Event::parse(whole(&mut redactor, line)?))
    })?;
    if redactor.counts() == told {
        return Ok(());
    }
    let message = format!("cannot redact {}: its events became other ones meanwhile", run.id);
    Err(Failure::new(message).hint("it is being recorded: export it when it has ended"))
}

/// All lines are looked at before one is written: what is a secret in one may stand bare in another.
fn learned(run: &Run, opened: &Opened, policy: &Policy) -> Result<Redactor, Failure> {
    let mut learning = Learning::new(policy, run);
    pages::look_at_events(opened, &mut |line| {
        learning.line(line);
        Ok(())
    })?;
    let why = |why| Failure::because(format!("cannot redact {}", run.id), &io::Error::other(why));
    learning.settle().map_err(why)
}

/// The changed line. What is no event could hold anything.
fn whole<'r>(redactor: &'r mut Redactor, line: &[u8]) -> io::Result<&'r [u8]> {
    let no_event = || io::Error::new(io::ErrorKind::InvalidData, "a line is no event");
    redactor.line(line).ok_or_else(no_event)
}
