//! Connections and names: who is there, and what became of it.

use crate::{
    pages::line::Line,
    text::{self, Safe},
};

/// Returns the other end of a socket, or its own where there is none, with its name and how that is
/// known.
pub(in crate::pages) fn peer(line: &Line) -> String {
    let end = if line.has("peer") { "peer" } else { "local" };
    let mut text = format!("{} {}", Safe::new(line.text("proto")), Safe::new(line.text(end)));
    if let Some(host) = line.bytes("host") {
        let source = Safe::new(line.text("host_source")).to_string();
        text.push_str(&format!(" ({}, {source})", Safe::bytes(&host)));
    }
    text
}

pub(super) fn net(line: &Line) -> String {
    let mut text = peer(line);
    let result = net_result(line);
    if !result.is_empty() {
        text.push_str("  ");
        text.push_str(&result);
    }
    text
}

/// `A example.com from 192.0.2.53:53`, and for an answer what it says.
pub(super) fn dns(line: &Line) -> String {
    let host = line.bytes("host").map(|host| Safe::bytes(&host).to_string());
    let host = host.unwrap_or_else(|| "(unreadable)".to_owned());
    let direction = if line.text("role") == "server" { "for" } else { "from" };
    let (kind, peer) = (Safe::new(line.text("qtype")), Safe::new(line.text("peer")));
    let mut text = format!("{kind} {host} {direction} {peer}").trim_start().to_owned();
    if !line.text("rcode").is_empty() {
        text.push_str(&format!("  {}", Safe::new(line.text("rcode"))));
    }
    for answer in line.texts("answers") {
        text.push_str(&format!("; {}", Safe::new(answer)));
    }
    text
}

/// Returns what became of a contact: its result, its bytes.
pub(in crate::pages) fn net_result(line: &Line) -> String {
    let result = line.text("result");
    let sent = line.number("sent_bytes");
    let bytes = sent.map(|_| traffic(sent, line.number("received_bytes")));
    match (result, bytes) {
        ("" | "established", Some(bytes)) => bytes,
        (result, Some(bytes)) if sent != Some(0) => format!("{bytes}, {}", words(result)),
        (result, _) => words(result),
    }
}

/// `timed out`.
fn words(name: &str) -> String {
    Safe::new(&name.replace('_', " ")).to_string()
}

/// `1.9 MB out, 14.1 MB in`.
fn traffic(sent: Option<u64>, received: Option<u64>) -> String {
    let size = |bytes: Option<u64>| text::bytes(bytes.unwrap_or(0));
    format!("{} out, {} in", size(sent), size(received))
}
