//! Rows of cells, cut to their columns: everything in them is safe to show already.

use ratatui::{
    style::{Color, Modifier, Style},
    text::{Line, Span},
};

use crate::text;

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::monitor) enum Look {
    /// As the user's terminal has them.
    Colour,
    /// None: `NO_COLOR` and friends.
    Plain,
}

impl Look {
    fn of(self, color: Color) -> Style {
        match self {
            Look::Colour => Style::new().fg(color),
            Look::Plain => Style::new(),
        }
    }

    /// What is less important.
    pub(super) fn faint(self) -> Style {
        match self {
            Look::Colour => Style::new().add_modifier(Modifier::DIM),
            Look::Plain => Style::new(),
        }
    }

    /// What is wrong.
    pub(super) fn bad(self) -> Style {
        self.of(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What wants a look.
    pub(super) fn caution(self) -> Style {
        self.of(Color::Yellow)
    }

    /// The style of a severity, whose word is always there too.
    pub(super) fn severity(self, word: &str) -> Style {
        match word {
            "critical" | "high" => self.bad(),
            "medium" => self.caution(),
            _ => Style::new(),
        }
    }
}

/// How a cell is fitted into its column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fit {
    /// So wide, cut at the end.
    Left(usize),
    /// So wide, to the right.
    Right(usize),
    /// What is left of the line, its middle cut out.
    Rest,
}

/// A row: what of it, how wide, in which style.
pub(super) fn row(width: usize, cells: &[(Fit, &str, Style)]) -> Line<'static> {
    let gaps = 2 * cells.len().saturating_sub(1);
    let fixed: usize = cells
        .iter()
        .map(|(fit, ..)| match fit {
            Fit::Left(width) | Fit::Right(width) => *width,
            Fit::Rest => 0,
        })
        .sum();
    let rest = width.saturating_sub(gaps + fixed);
    let mut spans = Vec::new();
    for (at, (fit, cell, style)) in cells.iter().enumerate() {
        if at > 0 {
            spans.push(Span::raw("  "));
        }
        let cell = match *fit {
            Fit::Left(room) => padded(&text::cut_end(cell, room), room),
            Fit::Rest => padded(&text::cut_middle(cell, rest), rest),
            Fit::Right(room) => {
                let cell = text::cut_end(cell, room);
                format!("{}{cell}", " ".repeat(room.saturating_sub(text::width(&cell))))
            }
        };
        spans.push(Span::styled(cell, *style));
    }
    Line::from(spans)
}

/// `text` and spaces behind it.
pub(super) fn padded(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(crate::text::width(text))))
}

/// Parts with bars between them, as many as fit.
pub(super) fn joined(parts: &[String], width: usize) -> Line<'static> {
    let mut line = String::new();
    for part in parts {
        let gap = if line.is_empty() { "" } else { " | " };
        if text::width(&line) + text::width(gap) + text::width(part) <= width {
            line.push_str(gap);
            line.push_str(part);
        }
    }
    Line::from(line)
}
