//! The report for other systems: SARIF 2.1.0, JUnit XML, annotations of GitHub Actions.

use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{data::Report, html::escape};
use crate::{
    pages::{
        Line,
        explain::{Group, Seen, weight},
    },
    text::{Safe, cut_middle},
};

/// GitHub shows so many results of a file, and refuses more.
const RESULTS: usize = 5_000;

/// GitHub shows so many annotations of each kind a step.
const ANNOTATIONS: usize = 10;

/// `error` from high on, `warning` for medium, else `note`.
fn level(severity: &str) -> &'static str {
    match weight(severity) {
        4.. => "error",
        3 => "warning",
        _ => "note",
    }
}

fn about(line: &Line) -> Option<String> {
    let bytes = ["path", "host", "peer"].iter().find_map(|name| line.bytes(name))?;
    Some(Safe::bytes(&bytes).to_string())
}

fn message(group: &Group, seen: &Seen, id: &str) -> String {
    let about = about(&seen.line).map(|about| format!(": {}", cut_middle(&about, 500)));
    format!("{}{} ({id}:{})", group.title, about.unwrap_or_default(), seen.seq)
}

/// For code scanning.
pub(super) fn sarif(report: &Report<'_>) -> Value {
    let rules: Vec<Value> = report
        .groups
        .iter()
        .map(|group| {
            json!({ "id": group.rule, "shortDescription": { "text": group.title },
                    "defaultConfiguration": { "level": level(&group.severity) } })
        })
        .collect();
    let mut results = Vec::new();
    for (at, group) in report.groups.iter().enumerate() {
        results.extend(group.seen.iter().map(|seen| result(report, at, group, seen)));
    }
    results.truncate(RESULTS);
    let meta = &report.opened.meta;
    let ended = meta.exit.and_then(|exit| exit.code);
    let mut invocation = json!({
        "commandLine": report.command(),
        "executionSuccessful": ended == Some(0),
    });
    if let (Some(fields), Some(code)) = (invocation.as_object_mut(), ended) {
        fields.insert("exitCode".to_owned(), json!(code));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "audit", "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": { "id": format!("audit/{}", report.opened.run.id()) },
            "invocations": [invocation],
            "results": results,
        }],
    })
}

fn result(report: &Report<'_>, at: usize, group: &Group, seen: &Seen) -> Value {
    let about = about(&seen.line).unwrap_or_default();
    // The same finding of another run has the same fingerprint.
    let print = Sha256::digest(format!("{}\0{about}", group.rule).as_bytes());
    let print: String = print.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "ruleId": group.rule, "ruleIndex": at, "level": level(&group.severity),
        "message": { "text": message(group, seen, report.id()) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&seen.line, report) } } }],
        "partialFingerprints": { "auditFinding/v1": print },
        "properties": { "severity": group.severity, "event": format!("{}:{}", report.id(), seen.seq) },
    })
}

/// The file that it is about; from the working directory where it is in it.
fn uri(line: &Line, report: &Report<'_>) -> String {
    let Some(path) = line.bytes("path") else { return format!("audit/{}", report.opened.run.id()) };
    let cwd = report.opened.meta.about.cwd();
    let inside = path.strip_prefix(cwd.as_slice()).and_then(|rest| rest.strip_prefix(b"/"));
    let (lead, bytes) = match inside {
        Some(rest) => ("", rest),
        None => ("file://", &path[..]),
    };
    let mut uri = lead.to_owned();
    for byte in bytes {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            // Writing to a string does not fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

/// For CI servers: what went well and what did not, as tests.
pub(super) fn junit(report: &Report<'_>) -> String {
    let mut cases = Vec::new();
    let case = |name: &str, wrong: Option<(String, String)>| (name.to_owned(), wrong);
    let ended = report.ended();
    let bad = (ended != "exit 0").then(|| (ended.clone(), ended));
    cases.push(case("the command succeeds", bad));
    let meta = &report.opened.meta;
    let partial = !meta.verdict.starts_with("complete");
    let words = || (Safe::new(&meta.verdict).to_string(), meta.reasons.join("\n"));
    cases.push(case("the record is complete", partial.then(words)));
    for group in &report.groups {
        let lines = group.seen.iter().take(50).map(|seen| message(group, seen, report.id()));
        let text = lines.collect::<Vec<_>>().join("\n");
        let heavy = weight(&group.severity) >= 3;
        let wrong = heavy.then(|| (format!("{} {}", group.severity, group.title), text));
        cases.push(case(&group.rule, wrong));
    }
    let failures = cases.iter().filter(|(_, wrong)| wrong.is_some()).count();
    let time = report.seconds();
    // As the schema of JUnitReport (xtests/fixtures/schemas/junit.xsd) wants it, all of it.
    let mut page = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite id=\"0\" package=\"audit\" name=\"audit {}\" \
         timestamp=\"{}\" hostname=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" \
         time=\"{time:.3}\">\n<properties/>\n",
        escape(report.opened.run.id().as_str()),
        report.opened.meta.started.get(..19).unwrap_or("1970-01-01T00:00:00"),
        escape(&host(&report.opened.meta.host)),
        cases.len()
    );
    for (name, wrong) in cases {
        let name = escape(&name);
        let open = format!("<testcase classname=\"audit\" name=\"{name}\" time=\"0\"");
        // Writing to a string does not fail.
        let _ = match wrong {
            None => writeln!(page, "{open}/>"),
            Some((message, text)) => writeln!(
                page,
                "{open}><failure type=\"audit\" message=\"{}\">{}</failure></testcase>",
                escape(&message),
                escape(&Safe::new(&text).plain().to_string())
            ),
        };
    }
    page.push_str("<system-out/>\n<system-err/>\n</testsuite>\n</testsuites>\n");
    page
}

/// The machine's name, where the record has one.
fn host(name: &str) -> String {
    if name.is_empty() { "localhost".to_owned() } else { Safe::new(name).to_string() }
}

/// For a step of GitHub Actions: the heaviest findings, as many as are shown.
pub(super) fn annotations(report: &Report<'_>) -> String {
    let mut page = String::new();
    for kind in ["error", "warning"] {
        let groups = report.groups.iter().filter(|group| level(&group.severity) == kind);
        let all = groups.flat_map(|group| group.seen.iter().map(move |seen| (group, seen)));
        for (group, seen) in all.take(ANNOTATIONS) {
            let title = format!("{} {}", group.severity, group.rule);
            let words = message(group, seen, report.id());
            page.push_str(&format!("::{kind} title={}::{}\n", property(&title), data(&words)));
        }
    }
    page
}

/// As the runner's commands want text.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
