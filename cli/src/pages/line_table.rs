//! Events as a table: generic columns, or those of a type when all are of one.

use std::io::{self, Write};

use super::{
    describe::{arguments, net_result, path, peer, times, verb, what, who},
    line::Line,
};
use crate::{
    args::Times,
    derive::Opened,
    text::{self, Align, FAINT, HEADING, Safe, Screen, Table},
};

/// Rows that are set together; the widths of columns are settled anew for each such block.
const BLOCK: usize = 1000;

/// Which columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Of any event.
    Any,
    /// Of programs executed.
    Exec,
    /// Of files.
    File,
    /// Of sockets.
    Net,
}

impl Columns {
    fn heads(self) -> (&'static [&'static str], &'static [Align]) {
        use Align::{Cut, CutEnd, CutMiddle, Left, Right};
        match self {
            Columns::Any => (&["WHAT", "WHO", ""], &[Left, CutEnd, Cut]),
            Columns::Exec => {
                (&["PID", "PARENT", "PROGRAM", "ARGUMENTS"], &[Right, Right, CutMiddle, CutEnd])
            }
            Columns::File => (&["WHAT", "WHO", "TIMES", "PATH"], &[Left, CutEnd, Right, CutMiddle]),
            Columns::Net => (&["WHAT", "WHO", "PEER", "RESULT"], &[Left, CutEnd, CutMiddle, Left]),
        }
    }

    fn cells(self, line: &Line) -> Vec<String> {
        let number = |name| line.number(name).map(|n| n.to_string()).unwrap_or_default();
        match self {
            Columns::Any => vec![verb(line), who(line), what(line)],
            Columns::Exec => {
                let exe = line.bytes("exe").map(|exe| Safe::bytes(&exe).to_string());
                let argv = line.list("argv");
                let rest = arguments(line, argv.get(1..).unwrap_or_default());
                vec![number("pid"), number("ppid"), exe.unwrap_or_default(), rest]
            }
            Columns::File => {
                let count = line.number("count").filter(|count| *count > 1);
                let count = count.map(|count| times(count, line.flag("count_exact")));
                let mut name = path(line);
                if let Some(new) = line.bytes("path2") {
                    name = format!("{name} -> {}", Safe::bytes(&new));
                }
                vec![verb(line), who(line), count.unwrap_or_default(), name]
            }
            Columns::Net => {
                let peer = peer(line);
                vec![verb(line), who(line), peer, net_result(line)]
            }
        }
    }
}

/// How times are shown, from which start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// As the user wants it.
    pub(super) times: Times,
    /// The run's start, nanoseconds since 1970.
    pub(super) start_ns: i64,
}

impl Clock {
    /// The clock of a run.
    pub(super) fn of(opened: &Opened, times: Times) -> Self {
        Clock { times, start_ns: super::nanoseconds(&opened.meta.started).unwrap_or(0) }
    }

    fn show(self, ts_ns: i64, line: &Line) -> String {
        let relative = || text::offset(i128::from(ts_ns) - i128::from(self.start_ns));
        // `2026-11-21T20:15:30.123456789Z`: the clock part to the millisecond.
        let absolute = || {
            let ts = line.text("ts");
            Safe::new(ts.get(11..23).unwrap_or(ts)).to_string()
        };
        match self.times {
            Times::Rel => relative(),
            Times::Abs => absolute(),
            Times::Both => format!("{} {}", absolute(), relative()),
        }
    }
}

/// Writes events as they come, in blocks.
pub(super) struct LineTable<W> {
    out: W,
    columns: Columns,
    clock: Clock,
    screen: Screen,
    table: Table,
    rows: usize,
    /// Stands before the numbers when events of several runs are shown.
    run: String,
}

impl<W: Write> LineTable<W> {
    /// Starts a table.
    pub(super) fn new(out: W, columns: Columns, clock: Clock, screen: Screen) -> Self {
        let mut table = empty(columns);
        let heads = ["SEQ", "TIME"].iter().chain(columns.heads().0);
        table.styled(heads.map(|head| ((*head).to_owned(), HEADING)));
        LineTable { out, columns, clock, screen, table, rows: 0, run: String::new() }
    }

    /// Names the run with each event; `further` when another run's events stand above.
    pub(super) fn of_run(&mut self, id: &str, further: bool) {
        self.run = format!("{id}:");
        if further {
            self.table = empty(self.columns);
        }
    }

    /// Adds an event.
    pub(super) fn add(&mut self, seq: u64, ts_ns: i64, line: &Line) -> io::Result<()> {
        let mut cells =
            vec![(format!("{}{seq}", self.run), FAINT), (self.clock.show(ts_ns, line), FAINT)];
        cells
            .extend(self.columns.cells(line).into_iter().map(|cell| (cell, anstyle::Style::new())));
        self.table.styled(cells);
        self.rows += 1;
        if self.rows.is_multiple_of(BLOCK) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let block = std::mem::replace(&mut self.table, empty(self.columns));
        self.out.write_all(block.render(self.screen.room).as_bytes())
    }

    /// Writes what is left; returns how many events there were.
    pub(super) fn finish(mut self) -> io::Result<usize> {
        if self.rows > 0 {
            self.flush()?;
        }
        Ok(self.rows)
    }
}

fn empty(columns: Columns) -> Table {
    let aligns: Vec<Align> =
        [Align::Right, Align::Right].iter().chain(columns.heads().1).copied().collect();
    Table::new(&aligns)
}
