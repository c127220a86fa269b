//! The end of a run in one line on standard error, more only when something is wrong.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use event::model::Severity;
use jiff::Timestamp;
use storage::{Meta, RunDir, Summary};

use super::{
    attend::{End, Recorder},
    deriving::Derived,
};
use crate::{
    args::SummaryWhen,
    pages::{Findings, effects_outside},
    text::{self, Safe},
};

/// Longest list of reasons before it is cut; `audit view` has them all.
const REASONS: usize = 5;

/// Findings that are listed; `audit query --type finding` has them all.
const FINDINGS: usize = 10;

/// Prints what `when` asks for.
pub(super) fn print(
    run: &RunDir,
    end: End,
    recorder: Recorder,
    derived: &Derived,
    when: SummaryWhen,
) {
    let told = match derived {
        Derived::Done(meta, summary, findings) => {
            done(run, end, recorder, meta, (summary, findings))
        }
        // Nothing is wrong: who did not wait knows it.
        Derived::Later if recorder == Recorder::Working => Told {
            text: format!(
                "audit {}  {}  still recording what the command left behind\n",
                run.id().suffix(),
                ended(end)
            ),
            wrong: false,
        },
        Derived::Later => Told::warning(format!(
            "audit {}  {}  recorded; events are derived when first asked for\n",
            run.id().suffix(),
            ended(end),
        )),
        Derived::Failed(failure) => Told::warning(format!(
            "audit {}  {}  recorded; {failure}  next      audit view {}\n",
            run.id().suffix(),
            ended(end),
            run.id().suffix()
        )),
    };
    // cron mails what is printed: nothing, unless something is wrong.
    if is_watched(when) || (told.wrong && when == SummaryWhen::Auto) {
        // Nobody is left to hear that standard error is closed.
        let _ = anstream::stderr().write_all(told.text.as_bytes());
    }
}

/// Whether somebody wants to hear that all is well.
pub(super) fn is_watched(when: SummaryWhen) -> bool {
    match when {
        SummaryWhen::Always => true,
        SummaryWhen::Never => false,
        SummaryWhen::Auto => std::io::stderr().is_terminal() || in_ci(),
    }
}

/// Whether the record holds everything, as far as it is known now.
pub(super) fn is_complete(recorder: Recorder, derived: &Derived) -> bool {
    let Derived::Done(meta, ..) = derived else { return false };
    recorder == Recorder::Done && meta.verdict.starts_with("complete")
}

/// What is printed, and whether it must be.
struct Told {
    text: String,
    wrong: bool,
}

impl Told {
    fn warning(text: String) -> Self {
        Told { text, wrong: true }
    }
}

/// The weightiest finding.
pub(super) fn worst(derived: &Derived) -> Option<Severity> {
    let Derived::Done(_, _, findings) = derived else { return None };
    findings.worst()
}

fn done(
    run: &RunDir,
    end: End,
    recorder: Recorder,
    meta: &Meta,
    (summary, findings): (&Summary, &Findings),
) -> Told {
    let suffix = run.id().suffix();
    let (figures, found) = (figures(meta, summary), findings.words());
    let trust = Safe::new(&meta.trust);
    let mut text = format!("audit {suffix}  {}  {figures}  {found}  {trust}\n", ended(end));
    findings.write(suffix, FINDINGS, &mut text);
    if !meta.effects_outside.is_empty() {
        let names = meta.effects_outside.iter().map(String::as_str);
        text.push_str(&format!("  outside   {}\n", effects_outside(names)));
    }
    let wrong = recorder == Recorder::Gone || !meta.verdict.starts_with("complete");
    let told = findings.worst() >= Some(Severity::Medium);
    if wrong {
        text.push_str(&format!("  coverage  {}\n", Safe::new(&meta.verdict)));
        for reason in meta.reasons.iter().take(REASONS) {
            text.push_str(&format!("            {}\n", Safe::new(reason)));
        }
        text.push_str(&format!("  next      audit view {suffix}\n"));
    } else if told {
        text.push_str(&format!(
            "  next      audit explain {suffix}      audit report {suffix} -o run.html\n"
        ));
    }
    Told { text, wrong: wrong || told }
}

fn ended(end: End) -> String {
    match end {
        End::Exited(code) => format!("exit {code}"),
        End::Killed(signal) => text::signal(u64::try_from(signal).unwrap_or(0)),
    }
}

/// `4m12s  312 procs  1,904 read  47 written  9 hosts 2.1 MB out`, without what is nothing.
fn figures(meta: &Meta, summary: &Summary) -> String {
    let mut parts: Vec<String> = took(meta).map(text::elapsed).into_iter().collect();
    let execs = summary.times("exec", None);
    parts.push(format!("{} run", text::plural(execs, "program")));
    for (paths, what) in
        [(summary.read.1, "read"), (summary.written.1, "written"), (summary.deleted.1, "deleted")]
    {
        if paths > 0 {
            parts.push(format!("{} {what}", text::count(paths as u64)));
        }
    }
    if summary.destinations.1 > 0 {
        let peers = text::plural(summary.destinations.1 as u64, "peer");
        parts.push(format!("{peers} {} out", text::bytes(summary.traffic.0)));
    }
    let lost: u64 = meta.coverage.values().map(|it| it.lost).fold(0, u64::saturating_add);
    if lost > 0 {
        parts.push(format!("lost {}", text::count(lost)));
    }
    parts.join("  ")
}

fn took(meta: &Meta) -> Option<Duration> {
    let started: Timestamp = meta.started.parse().ok()?;
    let ended: Timestamp = meta.ended.as_ref()?.parse().ok()?;
    Duration::try_from(ended.duration_since(started)).ok()
}

fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
