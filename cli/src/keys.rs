//! `audit keys`: which keys this machine's recorders sign with, for those who verify elsewhere.

use std::io::Write;

use event::sign::Certificate;
use serde_json::json;
use storage::{HostLog, Signer};

use crate::{
    args::{Format, Globals, KeysArgs},
    dispatch::Answer,
    failure::Failure,
    text::{self, Out, Safe},
};

/// Prints the page.
pub(crate) fn keys(args: &KeysArgs, globals: &Globals) -> Result<Answer, Failure> {
    let logs = HostLog::of_this_machine(&globals.store_dir()?).map_err(|why| Failure::of(&why))?;
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text if args.allowed_signers => {
            for line in logs.iter().flat_map(signers) {
                out.write_all(line.as_bytes())?;
            }
        }
        Format::Text => {
            for (log, first) in logs.iter().filter_map(|log| Some((log, log.certificate(0)?))) {
                let place = Safe::path(log.place()).to_string();
                writeln!(out, "{} audit-run first key of {place}", first.host.line())?;
            }
        }
        form => {
            let logs: Vec<_> = logs.iter().map(object).collect();
            let page = json!({ "schema": "audit.keys", "version": 1, "logs": logs });
            text::write_json(&mut out, &page, form)?;
        }
    }
    out.close()?;
    Ok(if logs.is_empty() { Answer::No } else { Answer::Yes })
}

/// A line for the key of each run: valid from the run's start to that of the next run.
fn signers(log: &HostLog) -> impl Iterator<Item = String> {
    (0..log.len()).filter_map(|epoch| {
        let certificate = log.certificate(epoch)?;
        // ssh-keygen wants the end behind the beginning.
        let next = log.certificate(epoch + 1).map(|next| next.made_s.max(certificate.made_s + 1));
        Some(Signer::line(&certificate, next))
    })
}

fn object(log: &HostLog) -> serde_json::Value {
    let key = |certificate: Option<Certificate>| certificate.map(|it| it.host.line());
    let last = log.len().checked_sub(1).and_then(|last| log.certificate(last));
    json!({
        "place": log.place().to_string_lossy(),
        "runs": log.len(),
        "first": key(log.certificate(0)),
        "next": last.map(|it| it.next_host.line()),
    })
}
