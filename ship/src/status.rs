//! What was sent, what waits, what cannot be sent: from the marks alone.

use std::io::Write;

use serde_json::json;

use crate::{
    Ended,
    findings::{self, Counts},
    marks::{Marks, Stage},
    runs, say,
    settings::Settings,
    spool,
};

/// Counts of one target.
#[derive(Debug, Default)]
struct Parts {
    sent: u64,
    waiting: u64,
    conflicts: Vec<String>,
}

fn count(settings: &Settings, to: &str, runs: &[runs::Sealed]) -> Parts {
    let marks = Marks::of(&settings.state, to);
    let mut counts = Parts::default();
    for run in runs {
        for part in &settings.parts {
            match marks.read(&run.id, *part).map(|mark| (mark.stage, mark.note)) {
                Some((Stage::Sent, _)) => counts.sent += 1,
                Some((Stage::Conflict, why)) => {
                    counts.conflicts.push(format!("{} of {}: {why}", part.word(), run.id));
                }
                Some((Stage::Trying, _)) | None => counts.waiting += 1,
            }
        }
    }
    counts
}

/// `audit ship status`: exit status 1 while something waits or cannot be sent.
pub(crate) fn status(settings: &Settings) -> Result<Ended, String> {
    let runs = runs::sealed(&settings.home)?;
    let spooled = spool::waiting(&settings.state);
    let mut over = true;
    let mut targets = Vec::new();
    let noun = if runs.len() == 1 { "run" } else { "runs" };
    let mut page = format!("{} sealed {noun}, {spooled} bytes in the spool\n", runs.len());
    for to in &settings.to {
        let counts = count(settings, to, &runs);
        over &= counts.waiting == 0 && counts.conflicts.is_empty();
        page.push_str(&format!("{to}\n  parts sent {}, waiting {}", counts.sent, counts.waiting));
        page.push_str(&format!(", refused {}\n", counts.conflicts.len()));
        for line in &counts.conflicts {
            page.push_str(&format!("  {line}\n"));
        }
        targets.push(json!({
            "to": to, "sent": counts.sent, "waiting": counts.waiting, "refused": counts.conflicts,
        }));
    }
    let mut findings = Vec::new();
    for to in &settings.findings {
        let Counts { sent, refused, waiting } = findings::counts(settings, to)?;
        over &= waiting == 0 && refused == 0;
        page.push_str(&format!(
            "{to}\n  findings sent {sent}, refused {refused}; runs with more {waiting}\n"
        ));
        findings.push(json!({
            "to": to, "sent": sent, "refused": refused, "runs_waiting": waiting,
        }));
    }
    if settings.json {
        let all = json!({
            "runs": runs.len(), "spool_bytes": spooled, "targets": targets, "findings": findings,
        });
        print(&format!("{all}\n"))?;
    } else {
        print(&page)?;
    }
    Ok(if over { Ended::Done } else { Ended::Left })
}

/// `audit ship --dry-run`: one line for each part that would be sent.
pub(crate) fn dry_run(settings: &Settings) -> Result<Ended, String> {
    for to in &settings.findings {
        let waiting = findings::counts(settings, to)?.waiting;
        print(&format!("{to}: findings of {waiting} runs\n"))?;
    }
    for to in &settings.to {
        crate::target::Target::parse(to, settings)?;
        let marks = Marks::of(&settings.state, to);
        for run in runs::sealed(&settings.home)? {
            for part in settings.parts.iter().filter(|part| !marks.is_over(&run.id, **part)) {
                print(&format!("{}/{}\n", to.trim_end_matches('/'), part.key(&run)))?;
            }
        }
    }
    Ok(Ended::Done)
}

fn print(text: &str) -> Result<(), String> {
    let shown: Vec<String> = text.lines().map(say::safe).collect();
    let written = writeln!(std::io::stdout(), "{}", shown.join("\n"));
    match written {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {why}"))
        }
        _ => Ok(()),
    }
}
