//! The report as one HTML file: nothing is fetched, and nothing in it acts but its own search.

use std::fmt::Write;

use event::json::base64;
use sha2::{Digest, Sha256};
use storage::{PathCount, Top};

use super::{data::Report, svg};
use crate::{
    pages::describe::{verb, what, who},
    text::{self, Safe, cut_middle},
};

/// Beyond this, lists end: a browser opens the page at once, and mail takes it.
const LARGEST: usize = 1_500_000;

const STYLE: &str = "\
:root{color-scheme:light dark;--fg:#1a1a1a;--bg:#fff;--soft:#666;--line:#ddd;--bar:#4a7ebb;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--fg:#e6e6e6;--bg:#161616;--soft:#9a9a9a;--line:#333;--bar:#6ea3e0;--bad:#ff8a80}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:70rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.15rem .6rem .15rem 0;overflow-wrap:anywhere}\
th{color:var(--soft);font-weight:normal}.n{text-align:right;white-space:nowrap}code,svg text{font-family:ui-monospace,monospace;font-size:13px}\
svg{width:100%;height:auto}svg text{fill:var(--fg);font-size:12px}.bar{fill:var(--bar)}svg .bad{fill:var(--bad)}.edge{stroke:var(--bar);opacity:.6}\
.critical,.high,td.bad{color:var(--bad);font-weight:bold}.medium{font-weight:bold}.soft{color:var(--soft)}\
input{font:inherit;width:100%;padding:.4rem;margin:.5rem 0;box-sizing:border-box}.hidden{display:none}\
@media print{input{display:none}body{max-width:none;margin:0}h2{break-after:avoid}}";

const SCRIPT: &str = "\
document.getElementById('search').addEventListener('input',function(e){\
var w=e.target.value.toLowerCase();\
document.querySelectorAll('.row').forEach(function(r){\
r.classList.toggle('hidden',w!==''&&r.textContent.toLowerCase().indexOf(w)<0)})})";

/// Text as it stands between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

fn hash_of(text: &str) -> String {
    let mut out = Vec::new();
    base64::encode(&Sha256::digest(text.as_bytes()), &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Returns the page.
pub(super) fn page(report: &Report<'_>) -> String {
    let title = format!("audit {} {}", report.id(), cut_middle(&report.command(), 80));
    // The policy allows this style and this script by their hashes, and nothing else at all.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash_of(STYLE),
        hash_of(SCRIPT)
    );
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n<h1>Run {}</h1>\n",
        escape(&title),
        escape(report.opened.run.id().as_str())
    );
    head(report, &mut page);
    page.push_str(
        "<input id=\"search\" type=\"search\" placeholder=\"Search\" aria-label=\"Search\">\n",
    );
    findings(report, &mut page);
    let _ = write!(page, "<h2>Activity</h2>\n{}\n", svg::activity(report));
    if !report.processes.is_empty() {
        let _ = write!(page, "<h2>Processes</h2>\n{}\n", svg::processes(report));
        more(report.more_processes, &mut page);
    }
    network(report, &mut page);
    let summary = &report.summary;
    for (name, list) in [
        ("Where secrets are kept", &summary.secrets),
        ("Changed outside the working directory", &summary.outside),
        ("Written", &summary.written),
        ("Created", &summary.created),
        ("Deleted", &summary.deleted),
        ("Renamed to", &summary.renamed),
        ("Programs", &summary.executed),
        ("Read", &summary.read),
    ] {
        paths(name, list, &mut page);
    }
    let _ = writeln!(page, "<script>{SCRIPT}</script></body></html>");
    page
}

fn head(report: &Report<'_>, page: &mut String) {
    page.push_str("<table>");
    for (label, words) in report.head() {
        let words = escape(&cut_middle(&words, 2_000));
        let _ = write!(page, "<tr><th>{label}</th><td>{words}</td></tr>");
    }
    page.push_str("</table>\n");
}

fn findings(report: &Report<'_>, page: &mut String) {
    if report.groups.is_empty() {
        page.push_str("<p>No findings.</p>\n");
        return;
    }
    page.push_str("<h2>Findings</h2>\n");
    for group in &report.groups {
        let class = escape(&group.severity);
        let _ = write!(
            page,
            "<div class=\"row\"><h3><span class=\"{class}\">{class}</span> {} x{} <span class=\"soft\">{}</span></h3><ul>",
            escape(&group.rule),
            text::count(group.times),
            escape(&group.title)
        );
        for seen in group.seen.iter().take(20) {
            let line = &seen.line;
            let about = ["path", "host", "peer"].iter().find_map(|name| line.bytes(name));
            let about = about.map(|about| Safe::bytes(&about).to_string()).unwrap_or_default();
            let _ = write!(
                page,
                "<li><code>{}:{}</code> {} <code>{}</code></li>",
                report.id(),
                seen.seq,
                escape(&who(line)),
                escape(&cut_middle(&about, 300))
            );
        }
        page.push_str("</ul>");
        let first = group.seen.first().map(|seen| seen.seq);
        if let Some((_, chain, next)) = report.stories.iter().find(|it| Some(it.0) == first) {
            page.push_str("<p class=\"soft\">How it came to this</p><ol>");
            for process in chain {
                let command = cut_middle(&process.command, 300);
                let _ = write!(
                    page,
                    "<li>{} <code>{}</code></li>",
                    escape(&process.label()),
                    escape(&command)
                );
            }
            page.push_str("</ol><p class=\"soft\">What it did next</p><ol>");
            for seen in next {
                let words = format!("{} {}", verb(&seen.line), what(&seen.line));
                let _ = write!(page, "<li>{}</li>", escape(&cut_middle(&words, 300)));
            }
            page.push_str("</ol>");
        }
        page.push_str("</div>\n");
    }
}

fn network(report: &Report<'_>, page: &mut String) {
    let (list, all) = &report.summary.destinations;
    if list.is_empty() {
        return;
    }
    let _ = write!(page, "<h2>Network</h2>\n{}\n<table>", svg::network(report));
    for to in list {
        let host = to.host.as_deref().map(|host| Safe::new(host).to_string()).unwrap_or_default();
        let _ = write!(
            page,
            "<tr class=\"row\"><td><code>{}</code></td><td>{}</td><td class=\"n\">{} out</td><td class=\"n\">{} in</td><td>{}</td></tr>",
            escape(&format!("{} {}", Safe::new(&to.ip), to.port)),
            escape(&cut_middle(&host, 200)),
            text::bytes(to.sent),
            text::bytes(to.received),
            escape(&to.exe.as_deref().map(text::program).unwrap_or_default())
        );
    }
    page.push_str("</table>\n");
    more(all.saturating_sub(list.len()), page);
}

fn paths(name: &str, (list, all): &Top<PathCount>, page: &mut String) {
    if list.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<h2>{name} <span class=\"soft\">{}</span></h2>\n<table>",
        text::count(*all as u64)
    );
    let mut shown = 0;
    for one in list {
        if page.len() > LARGEST {
            break;
        }
        let path = cut_middle(&Safe::bytes(&one.path).to_string(), 400);
        let _ = write!(
            page,
            "<tr class=\"row\"><td><code>{}</code></td><td class=\"n\">x{}</td></tr>",
            escape(&path),
            text::count(one.times)
        );
        shown += 1;
    }
    page.push_str("</table>\n");
    more(all.saturating_sub(shown), page);
}

fn more(left: usize, page: &mut String) {
    if left > 0 {
        let _ = writeln!(
            page,
            "<p class=\"soft\">and {} more, in the record</p>",
            text::count(left as u64)
        );
    }
}
