//! The terminal: taken, drawn on, asked for keys, and always given back.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event, KeyEvent, KeyEventKind},
};
use rustix::process::{Signal, getpid, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// A terminal that is ours until the value goes; a panic gives it back too.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    /// The signal that wants us to end, 0 for none.
    end: Arc<AtomicUsize>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take() -> io::Result<Screen> {
        let end = Arc::new(AtomicUsize::new(0));
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or(0);
            signal_hook::flag::register_usize(signal, Arc::clone(&end), number)?;
        }
        // It installs a hook that restores the terminal before a panic is told.
        Ok(Screen { terminal: ratatui::try_init()?, end })
    }

    /// Draws.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(|_| ())
    }

    /// How high it is.
    pub(super) fn height(&self) -> u16 {
        self.terminal.size().map_or(24, |size| size.height)
    }

    /// Waits for a key, for so long at most.
    pub(super) fn key(&self, time: Duration) -> io::Result<Option<KeyEvent>> {
        match event::poll(time) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(error),
        }
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => Ok(Some(key)),
            _ => Ok(None),
        }
    }

    /// The signal that asked us to end.
    pub(super) fn ended_by(&self) -> Option<i32> {
        match self.end.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }

    /// Stops as ^Z does: the terminal is the shell's until we are continued.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        ratatui::try_restore()?;
        kill_process(getpid(), Signal::TSTP)?;
        // On a new screen all is drawn again; nothing is asked of the terminal, which may not answer.
        self.terminal = ratatui::try_init()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::Read,
        os::fd::OwnedFd,
        process::{Command, Stdio},
    };

    use rustix::{
        fs::{Mode, OFlags},
        pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
        termios::tcgetattr,
    };

    use super::*;

    #[test]
    #[ignore = "it panics: the test below runs it, on a terminal of its own"]
    fn panics_with_the_terminal_taken() {
        let mut screen = Screen::take().expect("a terminal");
        screen.draw(|_| {}).expect("it draws");
        panic!("a fault of the monitor");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a terminal");
        let name = ptsname(&keyboard, Vec::new()).expect("a terminal has a name");
        let open = || -> OwnedFd {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
            rustix::fs::open(name.as_c_str(), flags, Mode::empty()).expect("the terminal opens")
        };
        let screen = open();
        let before = tcgetattr(&screen).expect("a terminal");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
            .arg("monitor::screen::tests::panics_with_the_terminal_taken")
            .env("TERM", "xterm")
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()))
            .spawn()
            .expect("it starts");
        let reader = std::thread::spawn(move || {
            let (mut file, mut shown, mut part) = (File::from(keyboard), Vec::new(), [0; 4096]);
            // A terminal that nobody has open any more gives an error.
            while let Some(len) = file.read(&mut part).ok().filter(|len| *len > 0) {
                shown.extend_from_slice(&part[..len]);
            }
            String::from_utf8_lossy(&shown).into_owned()
        });
        assert!(!child.wait().expect("it ends").success());
        let after = tcgetattr(&screen).expect("a terminal");
        assert_eq!(
            (after.local_modes, after.input_modes, after.output_modes),
            (before.local_modes, before.input_modes, before.output_modes)
        );
        drop(screen);
        let shown = reader.join().expect("it reads");
        let at = |what: &str| shown.find(what).unwrap_or_else(|| panic!("no {what:?}: {shown:?}"));
        let (taken, given) = (at("\u{1b}[?1049h"), at("\u{1b}[?1049l"));
        assert!(taken < given && given < at("a fault of the monitor"), "{shown:?}");
    }
}
