//! Tables that fit the screen: fixed columns as wide as needed, one that gives way.

use anstyle::Style;

use super::width::{cut_end, cut_middle, cut_paths, width};

/// Columns between columns.
const GAP: &str = "  ";

/// Narrowest that the column that gives way becomes.
const LEAST: usize = 12;

/// What paths keep before other text is cut further.
const SHORT: usize = 30;

/// What text keeps before paths are cut: a program's name with its number.
const FAIR: usize = 24;

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// To the left.
    Left,
    /// To the right: numbers.
    Right,
    /// To the left, its end cut when there is no room.
    CutEnd,
    /// To the left, its middle cut when there is no room: paths.
    CutMiddle,
    /// To the left; when there is no room a path loses its middle, other text its end.
    Cut,
}

#[derive(Debug, Clone, Default)]
struct Cell {
    text: String,
    style: Style,
}

/// Rows of cells whose text is safe already.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    /// Makes an empty table.
    pub(crate) fn new(columns: &[Align]) -> Self {
        Table { columns: columns.to_vec(), rows: Vec::new(), indent: 0 }
    }

    /// Sets the columns left free before each row.
    #[must_use]
    pub(crate) fn indent(mut self, columns: usize) -> Self {
        self.indent = columns;
        self
    }

    /// Adds a row.
    pub(crate) fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        self.styled(cells.into_iter().map(|text| (text, Style::new())));
    }

    /// Adds a row of styled cells.
    pub(crate) fn styled<I: IntoIterator<Item = (String, Style)>>(&mut self, cells: I) {
        self.rows.push(cells.into_iter().map(|(text, style)| Cell { text, style }).collect());
    }

    /// Returns the lines, each ending in a newline, at most `room` columns wide where that can be.
    pub(crate) fn render(&self, room: usize) -> String {
        let widths = self.widths(room);
        let mut out = String::new();
        for row in &self.rows {
            out.push_str(&self.line(row, &widths));
            out.push('\n');
        }
        out
    }

    /// The width of each column: what its cells need, the flexible one what is left.
    fn widths(&self, room: usize) -> Vec<usize> {
        let need = |at: usize| {
            self.rows.iter().filter_map(|row| row.get(at)).map(|cell| width(&cell.text)).max()
        };
        let mut widths: Vec<usize> =
            (0..self.columns.len()).map(|at| need(at).unwrap_or(0)).collect();
        let used: usize = widths.iter().filter(|w| **w > 0).map(|w| w + GAP.len()).sum();
        let mut over = (self.indent + used).saturating_sub(GAP.len()).saturating_sub(room);
        // Paths are what a table is read for: other text gives way first, but not all of it before paths
        // are short too; the last column before the others.
        for (of_text, least) in [(true, FAIR), (false, SHORT), (true, LEAST), (false, LEAST)] {
            for (width, align) in widths.iter_mut().zip(&self.columns).rev() {
                let gives = match align {
                    Align::CutEnd => of_text,
                    Align::Cut | Align::CutMiddle => !of_text,
                    Align::Left | Align::Right => false,
                };
                if gives {
                    // A command line may be as short as other text.
                    let least = if *align == Align::Cut { LEAST } else { least };
                    let give = over.min(width.saturating_sub(least));
                    *width -= give;
                    over -= give;
                }
            }
        }
        widths
    }

    fn line(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = " ".repeat(self.indent);
        let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
        for (at, ((cell, align), room)) in row.iter().zip(&self.columns).zip(widths).enumerate() {
            if *room == 0 || at > last {
                continue;
            }
            let text = match align {
                Align::CutMiddle => cut_paths(&cell.text, *room),
                Align::Cut if cell.text.starts_with('/') => cut_middle(&cell.text, *room),
                Align::Cut => cut_end(&cell.text, *room),
                Align::CutEnd => cut_end(&cell.text, *room),
                Align::Left | Align::Right => cell.text.clone(),
            };
            let free = " ".repeat(room.saturating_sub(width(&text)));
            let styled = format!("{}{text}{}", cell.style.render(), cell.style.render_reset());
            match align {
                Align::Right => line.extend([free.as_str(), &styled]),
                _ if at == last => line.push_str(&styled),
                _ => line.extend([styled.as_str(), &free]),
            }
            if at < last {
                line.push_str(GAP);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[Align::Left, Align::CutMiddle, Align::Right]);
        table.row(["ID", "PATH", "SIZE"].map(str::to_owned));
        table.row(["7k2m", "/home/ana/src/shop/src/cart.ts", "412 B"].map(str::to_owned));
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        insta::assert_snapshot!(table().render(80), @r"
        ID    PATH                             SIZE
        7k2m  /home/ana/src/shop/src/cart.ts  412 B
        ");
    }

    #[test]
    fn the_flexible_column_gives_way() {
        let narrow = table().render(30);
        assert!(narrow.lines().all(|line| width(line) <= 30), "{narrow}");
        insta::assert_snapshot!(narrow, @r"
        ID    PATH                SIZE
        7k2m  /home…src/cart.ts  412 B
        ");
    }

    #[test]
    fn a_column_without_text_takes_no_room() {
        let mut table = Table::new(&[Align::Left, Align::Left, Align::Left]).indent(2);
        table.row(["a", "", "b"].map(str::to_owned));
        assert_eq!(table.render(80), "  a  b\n");
    }
}
