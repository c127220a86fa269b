//! What `audit verify` prints.

use std::io::{self, Write};

use serde_json::{Value, json};
use storage::{Finding, Known, Verification, Weight};

use super::{Report, status};
use crate::text::{self, BAD, CAUTION, FAINT, GOOD, Safe, painted, plural};

/// Findings about one run that are printed; a record that is damaged all over says the same again.
const SHOWN: usize = 20;

pub(super) fn text(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let (style, word) = match report.weight() {
        Weight::Note => (GOOD, "verified"),
        Weight::Unclean => (CAUTION, "no end"),
        Weight::Unreadable => (BAD, "unreadable"),
        Weight::Altered => (BAD, "altered"),
    };
    writeln!(out, "{}  {}", Safe::new(&report.name), painted(style, word))?;
    for finding in report.findings.iter().take(SHOWN) {
        let what = Safe::new(&finding.to_string()).to_string();
        let style = if finding.weight == Weight::Note { FAINT } else { style };
        writeln!(out, "  {}", painted(style, &what))?;
    }
    let more = report.findings.len().saturating_sub(SHOWN);
    if more > 0 {
        writeln!(out, "  and {more} more (--json has all)")?;
    }
    let Some(verification) = &report.verification else { return Ok(()) };
    for line in facts(verification, report.derived) {
        writeln!(out, "  {}", Safe::new(&line))?;
    }
    Ok(())
}

/// What the record is, in the order in which it is asked.
fn facts(verification: &Verification, derived: bool) -> Vec<String> {
    let consumed = &verification.consumed;
    let said = &consumed.said;
    let frames = text::count(consumed.frames);
    let segments = plural(consumed.segments.len() as u64, "segment");
    let chain = if consumed.damage.is_empty() { "unbroken" } else { "broken" };
    let mut facts = vec![format!("{frames} frames in {segments}, chain {chain}")];
    if let Some(signed) = &said.signed {
        let by = match &verification.known {
            Some(Known::Host(place)) => format!("this host ({})", place.display()),
            Some(Known::Key) => "a key that was named".to_owned(),
            Some(Known::Signer) => "an allowed signer".to_owned(),
            None => "a host that is not known here".to_owned(),
        };
        let (certificate, checkpoints) = (&signed.certificate, signed.checkpoints);
        let epoch = certificate.epoch;
        facts.push(format!("signed by {by}, epoch {epoch}, {}", certificate.host));
        let signatures = plural(checkpoints, "signature");
        facts.push(format!("{signatures} on the way, the last at frame {}", signed.frame));
    }
    if let Some(begun) = &said.begun {
        let host = String::from_utf8_lossy(&begun.host);
        facts.push(format!("recorded {} on {host}", trust(begun.start.trust)));
    }
    if let (Some(seal), Some(sha256)) = (&said.seal, &verification.seal_sha256) {
        let holds = if verification.seal_holds { "sealed" } else { "its seal is of" };
        facts.push(format!("{holds} {}", text::rfc3339(seal.real_ns)));
        facts.push(format!("seal sha256:{}", event::digest::hex(sha256)));
    }
    if derived {
        facts.push("events, index and page are what the record tells".to_owned());
    }
    facts
}

/// What the level promises, in a few words.
fn trust(level: u32) -> String {
    match level {
        1 => "sealed: out of its user's reach".to_owned(),
        2 => "direct: by root".to_owned(),
        3 => "local: its own user could have altered it before it was sealed".to_owned(),
        level => format!("at trust level {level}, which is not known here"),
    }
}

pub(super) fn object(reports: &[Report]) -> Value {
    let worst = reports.iter().map(Report::weight).max().unwrap_or(Weight::Note);
    let runs: Vec<Value> = reports.iter().map(run).collect();
    json!({ "schema": "audit.verify", "version": 1, "status": status(worst), "runs": runs })
}

fn run(report: &Report) -> Value {
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    let mut object = json!({
        "run": report.name,
        "status": status(report.weight()),
        "result": word(report.weight()),
        "derived": report.derived,
        "findings": findings,
    });
    if let (Some(verification), Some(object)) = (&report.verification, object.as_object_mut()) {
        let consumed = &verification.consumed;
        let said = &consumed.said;
        object.insert("live".to_owned(), verification.live.into());
        object.insert("frames".to_owned(), consumed.frames.into());
        object.insert("sealed".to_owned(), verification.seal_holds.into());
        let sha256 = verification.seal_sha256.as_ref().map(event::digest::hex);
        object.insert("seal_sha256".to_owned(), sha256.into());
        let trust = said.begun.as_ref().map(|begun| begun.start.trust);
        object.insert("trust".to_owned(), trust.into());
        let host = said.begun.as_ref().map(|it| String::from_utf8_lossy(&it.host).into_owned());
        object.insert("host".to_owned(), host.into());
        object.insert("signed".to_owned(), signed(verification));
    }
    object
}

fn signed(verification: &Verification) -> Value {
    let Some(signed) = &verification.consumed.said.signed else { return Value::Null };
    let known = match &verification.known {
        Some(Known::Host(_)) => Some("host"),
        Some(Known::Key) => Some("key"),
        Some(Known::Signer) => Some("signer"),
        None => None,
    };
    json!({
        "known": known,
        "epoch": signed.certificate.epoch,
        "key": signed.certificate.host.to_string(),
        "checkpoints": signed.checkpoints,
        "last_frame": signed.frame,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "weight": if finding.weight == Weight::Note { "note" } else { word(finding.weight) },
        "file": finding.file,
        "offset": finding.offset,
        "what": finding.what,
    })
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::Note => "verified",
        Weight::Unclean => "no_end",
        Weight::Unreadable => "unreadable",
        Weight::Altered => "altered",
    }
}
