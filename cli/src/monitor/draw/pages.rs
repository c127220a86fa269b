//! The pages of the monitor: rows of what is known.

use std::time::Duration;

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{
    Picture,
    row::{Fit, row},
};
use crate::{
    monitor::{state, view::Page},
    text::{self, count},
};

/// A screen of so many columns has two pages side by side.
const WIDE: usize = 120;

impl Picture<'_> {
    /// The rows of the page that is looked at.
    pub(super) fn page(&self, width: usize, room: usize) -> Vec<Line<'static>> {
        if self.view.page == Page::All {
            return self.all(width, room);
        }
        let rows = self.rows(self.view.page, width);
        // The last row stays in sight however far one scrolls.
        let from = self.view.scroll.min(rows.len().saturating_sub(1));
        rows.into_iter().skip(from).collect()
    }

    /// The beginnings of all pages, one below the other, or in two columns.
    fn all(&self, width: usize, room: usize) -> Vec<Line<'static>> {
        if width < WIDE {
            let parts = [Page::Findings, Page::Processes, Page::Files, Page::Network];
            return self.stacked(&parts, width, room);
        }
        let half = (width - 3) / 2;
        let left = self.stacked(&[Page::Processes, Page::Files], half, room);
        let right = self.stacked(&[Page::Findings, Page::Network, Page::Coverage], half, room);
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        let mut lines = Vec::new();
        for _ in 0..room {
            let (left, right) = (left.next().unwrap_or_default(), right.next().unwrap_or_default());
            let gap = " ".repeat(half.saturating_sub(left.width()));
            let mut spans = left.spans;
            spans.extend([Span::raw(gap), Span::raw(" | ")]);
            spans.extend(right.spans);
            lines.push(Line::from(spans));
        }
        lines
    }

    /// Pages with their names above them; each gets its share, and what others do not need.
    fn stacked(&self, parts: &[Page], width: usize, room: usize) -> Vec<Line<'static>> {
        let parts: Vec<(Page, Vec<Line<'static>>)> =
            parts.iter().map(|page| (*page, self.rows(*page, width))).collect();
        let mut lines = Vec::new();
        for (at, (page, rows)) in parts.iter().enumerate() {
            let left = room.saturating_sub(lines.len());
            let later: usize = parts.iter().skip(at + 1).map(|(_, rows)| rows.len() + 1).sum();
            let share = left / (parts.len() - at).max(1);
            let mine = share.max(left.saturating_sub(later)).saturating_sub(1);
            let name = page.name().to_uppercase();
            lines.push(Line::styled(name, Style::new().add_modifier(Modifier::BOLD)));
            lines.extend(rows.iter().take(mine).cloned());
        }
        lines
    }

    /// All rows of a page.
    fn rows(&self, page: Page, width: usize) -> Vec<Line<'static>> {
        let rows: Vec<Line<'static>> = match page {
            Page::All => Vec::new(),
            Page::Processes => {
                let tree = self.state.processes.tree(!self.view.ended);
                tree.into_iter().map(|(depth, it)| self.process(depth, it, width)).collect()
            }
            Page::Findings => {
                self.state.findings.iter().map(|it| self.finding(it, width)).collect()
            }
            Page::Files => {
                self.state.files.latest().into_iter().map(|it| self.file(it, width)).collect()
            }
            Page::Network => {
                self.state.peers.latest().into_iter().map(|it| self.peer(it, width)).collect()
            }
            Page::Coverage => self.coverage(width),
        };
        if rows.is_empty() {
            return vec![Line::styled("  none", self.look.faint())];
        }
        rows
    }

    /// `node (4120)  node post.js                     1.4s  3 changed`.
    fn process(&self, depth: usize, it: &state::Process, width: usize) -> Line<'static> {
        let until = it.ended.as_ref().map_or(self.now_ns, |(ns, _)| *ns);
        let took = u64::try_from(until.saturating_sub(it.since_ns)).unwrap_or(0);
        let took = text::elapsed(Duration::from_nanos(took));
        let ended = match &it.ended {
            None => "alive".to_owned(),
            Some((_, how)) => how.clone(),
        };
        let mut did = Vec::new();
        if it.changed > 0 {
            did.push(format!("{} changed", count(it.changed)));
        }
        if it.sent > 0 {
            did.push(format!("{} out", text::bytes(it.sent)));
        }
        let lead = "  ".repeat(depth.min(12));
        let words =
            if it.command.is_empty() { format!("({})", it.name) } else { it.command.clone() };
        let words = format!("{lead}[{}] {words}", it.pid);
        let room = width.saturating_sub(2 * 3 + 8 + 12 + if width < 100 { 14 } else { 24 });
        let words = text::cut_end(&words, room);
        let style = match it.ended.as_ref().map(|(_, how)| how.as_str()) {
            None => Style::new().add_modifier(Modifier::BOLD),
            Some("exit 0") => self.look.faint(),
            Some(_) => self.look.caution(),
        };
        let did_room = if width < 100 { 14 } else { 24 };
        let plain = Style::new();
        row(
            width,
            &[
                (Fit::Rest, &words, style),
                (Fit::Right(8), &took, plain),
                (Fit::Left(12), &ended, style),
                (Fit::Left(did_room), &did.join(", "), plain),
            ],
        )
    }

    fn finding(&self, it: &state::Finding, width: usize) -> Line<'static> {
        let plain = Style::new();
        let name = format!("{}:{}", self.id, it.seq);
        row(
            width,
            &[
                (Fit::Right(9), &self.at(it.ts_ns), plain),
                (Fit::Left(8), &it.severity, self.look.severity(&it.severity)),
                (Fit::Left(20), &it.rule, plain),
                (Fit::Rest, &it.about, plain),
                (Fit::Left(if width < 100 { 0 } else { 16 }), &it.who, plain),
                (Fit::Left(12), &name, self.look.faint()),
            ],
        )
    }

    fn file(&self, it: &state::Touched, width: usize) -> Line<'static> {
        let plain = Style::new();
        let times = if it.times > 1 { format!("x{}", count(it.times)) } else { String::new() };
        row(
            width,
            &[
                (Fit::Right(9), &self.at(it.ts_ns), plain),
                (Fit::Left(8), &it.did, plain),
                (Fit::Rest, &it.path, plain),
                (Fit::Right(7), &times, plain),
                (Fit::Left(12), &it.by, plain),
            ],
        )
    }

    /// Bytes out and in, and how many a second.
    fn peer(&self, it: &state::Peer, width: usize) -> Line<'static> {
        let plain = Style::new();
        let (out, into) = it.rates(self.now_ns);
        let wide = width >= 100;
        let both = |bytes, rate: u64| match rate {
            0 => text::bytes(bytes),
            rate if wide => format!("{} {}/s", text::bytes(bytes), text::bytes(rate)),
            rate => format!("{}/s", text::bytes(rate)),
        };
        let (out, into) = (both(it.sent, out), both(it.received, into));
        let name = if it.host.is_empty() {
            it.address.clone()
        } else {
            format!("{} {}", it.address, it.host)
        };
        let now = match (it.open.len(), it.failed.is_empty()) {
            (0, true) => "closed".to_owned(),
            (0, false) => it.failed.clone(),
            (open, _) => format!("{open} open"),
        };
        let by = it.by.iter().cloned().collect::<Vec<_>>().join(" ");
        row(
            width,
            &[
                (Fit::Rest, &name, plain),
                (Fit::Right(if wide { 20 } else { 9 }), &out, plain),
                (Fit::Right(if wide { 20 } else { 9 }), &into, plain),
                (Fit::Left(9), &now, plain),
                (Fit::Left(10), &by, plain),
            ],
        )
    }

    fn coverage(&self, width: usize) -> Vec<Line<'static>> {
        let plain = Style::new();
        let source = |(name, it): (&String, &state::Source)| {
            let style = if it.state == "on" { plain } else { self.look.caution() };
            let lost = format!("lost {}", count(it.lost));
            let lost_style = if it.lost > 0 { self.look.bad() } else { plain };
            row(
                width,
                &[
                    (Fit::Left(10), name, plain),
                    (Fit::Left(10), &it.state, style),
                    (Fit::Right(12), &format!("seen {}", count(it.seen)), plain),
                    (Fit::Left(10), &lost, lost_style),
                    (Fit::Rest, &it.reason, plain),
                ],
            )
        };
        self.state.sources.iter().map(source).collect()
    }

    /// `+12.408s`.
    fn at(&self, ts_ns: i64) -> String {
        text::offset(i128::from(ts_ns) - i128::from(self.start_ns))
    }
}
