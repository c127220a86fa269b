//! The report in Markdown, and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};
use storage::{PathCount, Top};

use super::data::Report;
use crate::text::{self, Safe, cut_middle};

/// Entries of each list.
const ENTRIES: usize = 15;

/// For a pull request.
pub(super) fn markdown(report: &Report<'_>) -> String {
    let mut page = format!("## audit {}: {}\n\n", report.id(), text::markdown(&report.ended()));
    page.push_str("| | |\n|---|---|\n");
    for (label, words) in report.head() {
        // Writing to a string does not fail.
        let _ = writeln!(page, "| {label} | {} |", text::markdown(&cut_middle(&words, 300)));
    }
    page.push('\n');
    if report.groups.is_empty() {
        page.push_str("No findings.\n\n");
    } else {
        page.push_str(
            "### Findings\n\n| severity | rule | times | about | event |\n|---|---|---|---|---|\n",
        );
    }
    for group in &report.groups {
        let first = group.seen.first();
        let about = first.and_then(|seen| {
            ["path", "host", "peer"].iter().find_map(|name| seen.line.bytes(name))
        });
        let about = about.map(|about| cut_middle(&Safe::bytes(&about).to_string(), 120));
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {}:{} |",
            text::markdown(&group.severity),
            text::markdown(&group.rule),
            group.times,
            about.map(|about| text::code(&about)).unwrap_or_default(),
            report.id(),
            first.map_or(0, |seen| seen.seq)
        );
    }
    let summary = &report.summary;
    for (name, list) in [
        ("Where secrets are kept", &summary.secrets),
        ("Changed outside the working directory", &summary.outside),
        ("Written", &summary.written),
        ("Deleted", &summary.deleted),
        ("Programs", &summary.executed),
    ] {
        paths(name, list, &mut page);
    }
    let (peers, all) = &summary.destinations;
    if !peers.is_empty() {
        let _ = writeln!(
            page,
            "\n### Network ({all})\n\n| peer | name | out | in |\n|---|---|---|---|"
        );
    }
    for to in peers.iter().take(ENTRIES) {
        let host = to.host.as_deref().map(|host| Safe::new(host).to_string()).unwrap_or_default();
        let peer = text::code(&format!("{} {}", Safe::new(&to.ip), to.port));
        let (sent, received) = (text::bytes(to.sent), text::bytes(to.received));
        let _ = writeln!(page, "| {peer} | {} | {sent} | {received} |", text::markdown(&host));
    }
    page
}

fn paths(name: &str, (list, all): &Top<PathCount>, page: &mut String) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n### {name} ({})\n", text::count(*all as u64));
    for one in list.iter().take(ENTRIES) {
        let path = cut_middle(&Safe::bytes(&one.path).to_string(), 120);
        let _ = writeln!(page, "- {} x{}", text::code(&path), one.times);
    }
    let more = all.saturating_sub(ENTRIES);
    if more > 0 {
        let _ = writeln!(page, "- and {} more", text::count(more as u64));
    }
}

/// For programs.
pub(super) fn object(report: &Report<'_>) -> Value {
    let findings: Vec<Value> =
        report.groups.iter().flat_map(|group| &group.seen).map(|seen| seen.line.object()).collect();
    let edges: Vec<Value> = report
        .edges
        .iter()
        .map(|((who, to), (sent, received))| {
            json!({ "program": who, "peer": to, "sent_bytes": sent, "received_bytes": received })
        })
        .collect();
    json!({
        "schema": "audit.report", "version": 1,
        "run": report.opened.meta,
        "summary": crate::pages::view::summary_object(&report.summary),
        "findings": findings,
        "network": edges,
    })
}
