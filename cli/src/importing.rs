//! `audit import`: bundles into the store, each verified first.

use std::{io::Write, path::Path};

use jiff::Timestamp;
use serde_json::json;
use storage::{Arrival, Imported, RunDir, Store, Trusted, Verification, Weight};

use crate::{
    args::{Format, Globals, ImportArgs},
    dispatch::Answer,
    failure::Failure,
    text::{self, Out, Safe},
    verify,
};

/// What became of one bundle.
struct Taken {
    run: String,
    arrival: Option<Arrival>,
    /// What stands against it.
    findings: Vec<String>,
}

/// Imports the bundles.
pub(crate) fn import(args: &ImportArgs, globals: &Globals) -> Result<Answer, Failure> {
    let home = globals.store_dir()?;
    let trusted = verify::trusted(&args.keys, args.allowed_signers.as_deref(), &home)?;
    let store = globals.store()?;
    let mut out = Out::open(globals);
    let mut answer = Answer::Yes;
    for path in &args.files {
        let taken = one(&store, path, &trusted, args)?;
        if taken.arrival.is_none() {
            answer = Answer::No;
        }
        print(&taken, globals, &mut out)?;
    }
    out.close()?;
    Ok(answer)
}

fn one(store: &Store, path: &Path, trusted: &Trusted, args: &ImportArgs) -> Result<Taken, Failure> {
    let run = store.bundle_checked(path).map_err(|why| Failure::of(&why))?;
    let verification = storage::verify(&run, trusted).map_err(|why| Failure::of(&why))?;
    let name = run.id().to_string();
    let findings = || verification.findings.iter().map(ToString::to_string).collect();
    let result = match verification.weight() {
        Weight::Note => "verified",
        Weight::Unclean => "no_end",
        _ if args.unknown_key && verification.lacks_a_key_alone() => "unknown_key",
        _ => return Ok(Taken { run: name, arrival: None, findings: findings() }),
    };
    let told = told(&run, &verification, result);
    let arrival = store.import(&run, &told).map_err(|why| {
        let failure = Failure::of(&why);
        match why {
            storage::Error::File { .. } => {
                failure.hint("into a store that you may write to: --home DIR")
            }
            _ => failure,
        }
    })?;
    let findings = if result == "verified" { Vec::new() } else { findings() };
    Ok(Taken { run: name, arrival: Some(arrival), findings })
}

/// Where it came from, for those who look at it later.
fn told(run: &RunDir, verification: &Verification, result: &str) -> Imported {
    let said = &verification.consumed.said;
    let host = said.begun.as_ref().map(|begun| String::from_utf8_lossy(&begun.host).into_owned());
    let (bundle, sha256) = run.bundle().unwrap_or((run.path(), ""));
    Imported {
        schema: "audit.imported".to_owned(),
        version: 1,
        bundle: bundle.to_string_lossy().into_owned(),
        sha256: sha256.to_owned(),
        at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        uid: rustix::process::getuid().as_raw(),
        host: host.unwrap_or_default(),
        key: said.signed.as_ref().map(|signed| signed.certificate.host.to_string()),
        result: result.to_owned(),
    }
}

fn print(taken: &Taken, globals: &Globals, out: &mut Out) -> Result<(), Failure> {
    let (word, style) = match taken.arrival {
        Some(Arrival::New) => ("imported", text::GOOD),
        Some(Arrival::Known) => ("is here already", text::GOOD),
        None => ("not taken", text::BAD),
    };
    if globals.form() != Format::Text {
        let object = json!({
            "run": taken.run,
            "taken": taken.arrival.is_some(),
            "new": taken.arrival == Some(Arrival::New),
            "findings": taken.findings,
        });
        return Ok(text::write_json(out, &object, Format::Jsonl)?);
    }
    writeln!(out, "{}  {}", Safe::new(&taken.run), text::painted(style, word))?;
    for finding in &taken.findings {
        writeln!(out, "  {}", Safe::new(finding))?;
    }
    Ok(())
}
