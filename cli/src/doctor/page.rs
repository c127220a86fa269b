//! The doctor's page.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{Check, State, is_ready};
use crate::{
    args::Format,
    text::{self, Safe, Screen},
};

/// Columns before the detail.
const NAMES: usize = 14;

/// Writes the page for people.
pub(super) fn text(
    out: &mut impl Write,
    checks: &[Check],
    _home: Option<&Path>,
    screen: Screen,
) -> io::Result<()> {
    for check in checks {
        let (word, style) = match check.state {
            State::Ok => ("ok", text::GOOD),
            State::Warn => ("warn", text::CAUTION),
            State::Fail => ("fail", text::BAD),
        };
        let name = Safe::new(&check.name).to_string();
        write!(out, "{}  {name:<NAMES$}", text::painted(style, &format!("{word:<4}")))?;
        let left = 6 + NAMES;
        let detail = Safe::new(&check.detail).plain().to_string();
        wrapped(out, &detail, left, screen)?;
        if let Some(fix) = &check.fix {
            write!(out, "{:left$}", "")?;
            wrapped(out, &format!("fix: {fix}"), left, screen)?;
        }
    }
    let failed = checks.iter().filter(|check| check.state == State::Fail).count();
    let warned = checks.iter().filter(|check| check.state == State::Warn).count();
    match (failed, warned) {
        (0, 0) => writeln!(out, "Ready."),
        (0, _) => writeln!(out, "Ready, in part: {} to look at.", things(warned)),
        _ => writeln!(out, "Not ready: {} to fix.", things(failed)),
    }
}

fn things(count: usize) -> String {
    if count == 1 { "1 thing".to_owned() } else { format!("{count} things") }
}

/// Writes `words` from column `left` on, broken at spaces.
fn wrapped(out: &mut impl Write, words: &str, left: usize, screen: Screen) -> io::Result<()> {
    let lines = text::wrap(words, screen.width.saturating_sub(left).max(20));
    writeln!(out, "{}", lines.join(&format!("\n{:left$}", "")))
}

/// Writes the page as JSON.
pub(super) fn json(out: &mut impl Write, checks: &[Check], form: Format) -> io::Result<()> {
    let reasons = checks.iter().filter(|check| check.state == State::Fail);
    let reasons: Vec<String> =
        reasons.map(|check| format!("{}: {}", check.name, check.detail)).collect();
    let page = serde_json::json!({
        "schema": "audit.doctor",
        "version": 1,
        "ready": is_ready(checks),
        "reasons": reasons,
        "checks": checks,
    });
    text::write_json(out, &page, form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Check> {
        vec![
            Check::new("kernel", State::Ok, "6.18.44, with type information (BTF)"),
            Check::new("rights", State::Fail, "uid 1000: recording needs root")
                .fix("sudo audit run --user $USER -- CMD"),
            Check::new(
                "system calls",
                State::Warn,
                "a detail that is so long that it has to go on in the next line \u{1b}[2J",
            )
            .fix("give it CAP_BPF and CAP_PERFMON"),
            Check::new("store", State::Ok, "/home/ana/.local/state/audit, 80 GB free"),
        ]
    }

    #[test]
    fn the_page_says_what_to_fix() {
        let mut out = Vec::new();
        text(&mut out, &checks(), None, Screen::design()).expect("memory takes it");
        let page = anstream::adapter::strip_bytes(&out).into_vec();
        insta::assert_snapshot!(String::from_utf8_lossy(&page));
    }

    #[test]
    fn the_json_has_a_schema_and_reasons() {
        let mut out = Vec::new();
        json(&mut out, &checks(), Format::Json).expect("memory takes it");
        insta::assert_snapshot!(String::from_utf8_lossy(&out));
    }
}
