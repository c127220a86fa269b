//! Pictures of a run as inline SVG: processes over time, activity, who talked to whom.

use std::fmt::Write;

use super::{data::Report, html::escape};
use crate::text::{self, cut_end, cut_middle};

/// Width of the pictures; they scale with the page.
const WIDTH: i64 = 1000;

/// Where names of processes end and their bars begin.
const NAMES: i64 = 380;

/// Height of a row.
const ROW: i64 = 18;

/// Peers and programs that are drawn.
const NODES: usize = 30;

/// The processes as a tree, each with the time it lived.
pub(super) fn processes(report: &Report<'_>) -> String {
    let rows = report.processes.len() as i64;
    let height = rows * ROW + 8;
    let mut svg = open(height, "Processes over time");
    for (at, bar) in report.processes.iter().enumerate() {
        let y = at as i64 * ROW + 4;
        let indent = (bar.depth.min(20) as i64) * 12 + 4;
        let room = usize::try_from((NAMES - indent) / 8).unwrap_or(8).max(8);
        let words =
            if bar.command.is_empty() { format!("({})", bar.name) } else { bar.command.clone() };
        let (from, to) = (x(report, bar.from_ns), x(report, bar.to_ns));
        let failed = !matches!(bar.outcome.as_str(), "" | "exit 0");
        let class = if failed { "bad" } else { "bar" };
        // Writing to a string does not fail.
        let _ = write!(
            svg,
            "<g class=\"row\"><title>{} [{}] {}</title>\
             <text x=\"{indent}\" y=\"{}\">{}</text>\
             <rect class=\"{class}\" x=\"{from}\" y=\"{}\" width=\"{}\" height=\"10\"/></g>",
            escape(&cut_end(&words, 200)),
            bar.pid,
            escape(&bar.outcome),
            y + 12,
            escape(&cut_end(&words, room)),
            y + 3,
            (to - from).max(2)
        );
    }
    svg + "</svg>"
}

fn x(report: &Report<'_>, ns: i64) -> i64 {
    let (start, last) = report.span;
    let part = (ns.clamp(start, last) - start) as f64 / (last - start).max(1) as f64;
    NAMES + (part * (WIDTH - NAMES - 10) as f64) as i64
}

/// How much happened when.
pub(super) fn activity(report: &Report<'_>) -> String {
    let slots = &report.summary.activity.events;
    let most = slots.iter().copied().max().unwrap_or(0).max(1);
    let mut svg = open(90, "Events over time");
    let width = WIDTH as f64 / slots.len().max(1) as f64;
    for (at, events) in slots.iter().enumerate() {
        // Seldom and often on one picture: by the square root.
        let high = ((*events as f64).sqrt() / (most as f64).sqrt() * 80.0).ceil();
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\"><title>{} events</title></rect>",
            at as f64 * width,
            86.0 - high,
            (width - 1.0).max(0.5),
            text::count(*events)
        );
    }
    svg + "</svg>"
}

/// Programs on the left, peers on the right, a line for bytes between them.
pub(super) fn network(report: &Report<'_>) -> String {
    let mut edges: Vec<_> = report.edges.iter().collect();
    edges.sort_by_key(|(_, (sent, received))| std::cmp::Reverse(sent.saturating_add(*received)));
    edges.truncate(NODES);
    let mut left: Vec<&str> = Vec::new();
    let mut right: Vec<&str> = Vec::new();
    for ((who, to), _) in &edges {
        for (list, name) in [(&mut left, who), (&mut right, to)] {
            if !list.contains(&name.as_str()) {
                list.push(name);
            }
        }
    }
    let rows = left.len().max(right.len()) as i64;
    let mut svg = open(rows * 26 + 10, "Who talked to whom");
    let y = |list: &[&str], name: &str| {
        list.iter().position(|one| *one == name).unwrap_or(0) as i64 * 26 + 18
    };
    for ((who, to), (sent, received)) in &edges {
        let bytes = sent.saturating_add(*received);
        let wide = 1.0 + (bytes.max(1) as f64).log10();
        let _ = write!(
            svg,
            "<line class=\"edge\" x1=\"230\" y1=\"{}\" x2=\"560\" y2=\"{}\" stroke-width=\"{wide:.1}\"><title>{} out, {} in</title></line>",
            y(&left, who) - 4,
            y(&right, to) - 4,
            text::bytes(*sent),
            text::bytes(*received)
        );
    }
    for (list, at, anchor) in [(&left, 220, "end"), (&right, 570, "start")] {
        for name in list {
            let _ = write!(
                svg,
                "<text x=\"{at}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                y(list, name),
                escape(&cut_middle(name, 48))
            );
        }
    }
    svg + "</svg>"
}

fn open(height: i64, label: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\" xmlns=\"http://www.w3.org/2000/svg\">"
    )
}
