//! The monitor's picture: a pure function of what is known and what is looked at.

mod pages;
mod row;

use std::time::Duration;

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};

pub(super) use row::Look;
use row::{joined, padded};

use super::{
    cost::Cost,
    state::State,
    view::{KEYS, Page, View},
};
use crate::text::{self, count, plural};

/// Rows that are not of the page: three of the head, the pages, and the keys.
const FIXED: u16 = 5;

/// What there is to show.
pub(super) struct Picture<'p> {
    /// What is known.
    pub(super) state: &'p State,
    /// What is looked at.
    pub(super) view: &'p View,
    /// How users call the run.
    pub(super) id: &'p str,
    /// What it runs, safe to show.
    pub(super) command: &'p str,
    /// It is still recorded.
    pub(super) live: bool,
    /// All that is there was taken.
    pub(super) caught_up: bool,
    /// When it began, nanoseconds since 1970.
    pub(super) start_ns: i64,
    /// Now; of a run that is over its end.
    pub(super) now_ns: i64,
    /// What the recorder costs.
    pub(super) cost: Cost,
    /// Processor time of the recorder in the last moments, in hundredths.
    pub(super) cpu_percent: Option<f64>,
    /// Colours or none.
    pub(super) look: Look,
}

/// Rows that a page has on a screen of this height.
pub(super) fn room(height: u16) -> usize {
    usize::from(height.saturating_sub(FIXED))
}

impl Picture<'_> {
    /// Draws it.
    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let width = usize::from(area.width);
        let mut lines = vec![self.title(width), self.numbers(width), self.recorder(width)];
        lines.push(self.tabs(width));
        let room = room(area.height);
        let mut body = self.page(width, room);
        body.truncate(room);
        body.resize(room, Line::default());
        lines.extend(body);
        lines.push(self.keys(width));
        for (line, y) in lines.iter().zip(area.y..area.bottom()) {
            frame.render_widget(line, Rect { y, height: 1, ..area });
        }
    }

    /// `audit monitor 7k2m  claude -p …                         recording 4m12s`.
    fn title(&self, width: usize) -> Line<'static> {
        let took = u64::try_from(self.now_ns.saturating_sub(self.start_ns)).unwrap_or(0);
        let took = text::elapsed(Duration::from_nanos(took));
        let status = match (&self.state.end, self.live) {
            (Some(end), _) => format!("{}, {}, {took}", end.outcome, end.verdict),
            (None, true) => format!("recording {took}"),
            (None, false) if !self.caught_up => "reading".to_owned(),
            (None, false) => format!("no end, {took}"),
        };
        let status = text::cut_end(&status, width / 2);
        let left = format!("audit monitor {}  {}", self.id, self.command);
        let room = width.saturating_sub(text::width(&status) + 2);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        Line::from(vec![
            Span::styled(padded(&text::cut_end(&left, room), room), bold),
            Span::raw("  "),
            Span::styled(status, bold),
        ])
    }

    fn numbers(&self, width: usize) -> Line<'static> {
        let state = self.state;
        let processes = &state.processes;
        let (out, into) = state.peers.rates(self.now_ns);
        let mut parts = vec![
            format!("{}, {} alive", plural(processes.started, "proc"), count(processes.alive)),
            format!("{}, {}/s", plural(state.events, "event"), count(state.rate(self.now_ns))),
            format!("{} changed, {} read", count(state.files.changed), count(state.files.read)),
            format!(
                "{} {} out {}/s, {} in {}/s",
                plural(state.peers.len() as u64, "peer"),
                text::bytes(state.peers.sent),
                text::bytes(out),
                text::bytes(state.peers.received),
                text::bytes(into)
            ),
        ];
        parts.truncate(if width < 100 { 3 } else { 4 });
        joined(&parts, width)
    }

    /// Findings, losses, and what the recorder costs.
    fn recorder(&self, width: usize) -> Line<'static> {
        let state = self.state;
        let found = match state.severities.values().sum::<u64>() {
            0 => "no findings".to_owned(),
            all => plural(all, "finding"),
        };
        let mut parts = vec![found, format!("lost {}", count(state.lost))];
        if let Some(usage) = self.cost.process {
            let percent = self.cpu_percent.map(|it| format!("{it:.1} % ")).unwrap_or_default();
            let cpu = text::elapsed(usage.cpu);
            parts.push(format!("recorder {percent}cpu {cpu}, {}", text::bytes(usage.rss)));
        }
        parts.push(format!("record {}", text::bytes(self.cost.record)));
        if let Some(beat) = state.beat_ns.filter(|_| self.live) {
            let ago = u64::try_from(self.now_ns.saturating_sub(beat)).unwrap_or(0);
            parts.push(format!("beat {} ago", text::elapsed(Duration::from_nanos(ago))));
        }
        joined(&parts, width)
    }

    fn tabs(&self, width: usize) -> Line<'static> {
        let mut spans = Vec::new();
        for (page, number) in Page::ALL.into_iter().zip(1..) {
            // Marked by brackets: colour never carries meaning alone.
            let (text, style) = if page == self.view.page {
                let style = Style::new().add_modifier(Modifier::REVERSED);
                (format!("[{number} {}]", page.name()), style)
            } else {
                (format!(" {number} {} ", page.name()), Style::new())
            };
            spans.push(Span::styled(text, style));
        }
        if self.view.held {
            spans.push(Span::styled("  held", Style::new().add_modifier(Modifier::BOLD)));
        }
        let used: usize = spans.iter().map(|span| text::width(&span.content)).sum();
        spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
        Line::from(spans)
    }

    fn keys(&self, width: usize) -> Line<'static> {
        let keys: Vec<String> = KEYS.iter().map(|(key, does)| format!("{key} {does}")).collect();
        let line = text::cut_end(&keys.join("  "), width);
        Line::styled(line, self.look.faint())
    }
}

#[cfg(test)]
mod tests;
