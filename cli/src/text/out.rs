//! Where pages go: standard output, in colour or not, through a pager or not.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    process::{Child, Command, Stdio},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::args::{ColorWhen, Format, Globals};

/// Width that pages are designed for.
const DESIGN_WIDTH: usize = 80;

/// What pages need to know about the place they are shown in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Columns that text is broken to.
    pub(crate) width: usize,
    /// Columns that tables are cut to: no program that reads them must miss a part.
    pub(crate) room: usize,
}

impl Screen {
    /// Looks at standard output; `COLUMNS` counts where it is not a terminal.
    pub(crate) fn of_stdout() -> Self {
        let tty = rustix::termios::tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_col));
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let given = tty.ok().filter(|w| *w > 0).or_else(columns).map(|w| w.clamp(40, 400));
        Screen { width: given.unwrap_or(DESIGN_WIDTH), room: given.unwrap_or(usize::MAX) }
    }

    /// The screen that pages are designed for.
    #[cfg(test)]
    pub(crate) fn design() -> Self {
        Screen { width: DESIGN_WIDTH, room: DESIGN_WIDTH }
    }
}

/// Style of headings.
pub(crate) const HEADING: Style = Style::new().bold();
/// Style of what is less important.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Style of what is fine.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Style of what is incomplete.
pub(crate) const CAUTION: Style = AnsiColor::Yellow.on_default();
/// Style of what is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Returns `text` in `style`.
pub(crate) fn painted(style: Style, text: &str) -> String {
    format!("{}{text}{}", style.render(), style.render_reset())
}

/// Tells anstream, for both outputs, what the user wants.
pub(crate) fn set_color(when: ColorWhen) {
    let choice = match when {
        // anstream then asks NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM and the terminal.
        ColorWhen::Auto => ColorChoice::Auto,
        ColorWhen::Always => ColorChoice::AlwaysAnsi,
        ColorWhen::Never => ColorChoice::Never,
    };
    choice.write_global();
}

/// Where a page is written.
pub(crate) enum Out {
    /// Standard output.
    Plain(BufWriter<AutoStream<io::Stdout>>),
    /// A pager that shows it.
    Paged {
        /// The pager.
        child: Child,
        /// Its input.
        pipe: BufWriter<AutoStream<Box<dyn Write>>>,
    },
}

impl Out {
    /// Opens standard output, with a pager before it where a person reads text.
    pub(crate) fn open(globals: &Globals) -> Self {
        let stdout = io::stdout();
        let wanted = globals.form() == Format::Text && !globals.no_pager && stdout.is_terminal();
        let choice = AutoStream::choice(&stdout);
        if let Some(mut child) = wanted.then(pager).flatten()
            && let Some(input) = child.stdin.take()
        {
            let pipe = BufWriter::new(AutoStream::new(Box::new(input) as Box<dyn Write>, choice));
            return Out::Paged { child, pipe };
        }
        Out::Plain(BufWriter::new(AutoStream::new(stdout, choice)))
    }

    /// Writes what is left and waits for the pager.
    pub(crate) fn close(self) -> io::Result<()> {
        match self {
            Out::Plain(mut out) => out.flush(),
            Out::Paged { mut child, mut pipe } => {
                let written = pipe.flush();
                drop(pipe);
                child.wait()?;
                written
            }
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Plain(out) => out.write(bytes),
            Out::Paged { pipe, .. } => pipe.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Out::Plain(out) => out.flush(),
            Out::Paged { pipe, .. } => pipe.flush(),
        }
    }
}

/// Starts the user's pager; `None` when there is none to start.
fn pager() -> Option<Child> {
    let chosen = ["AUDIT_PAGER", "PAGER"].into_iter().find_map(|name| std::env::var(name).ok());
    let line = chosen.unwrap_or_else(|| "less -FRX".to_owned());
    let mut words = line.split_whitespace();
    let program = words.next().filter(|program| *program != "cat")?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    // As git does: a bare `less` quits on one screen, keeps colours and leaves the page standing.
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    command.spawn().ok()
}
