//! A terminal with an interactive shell in it, driven like a person would.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use rustix::{
    fs::{Mode, OFlags},
    process::Pid,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::tcgetpgrp,
};

use crate::{Lab, wait};

/// A pseudo terminal and the shell that runs on it.
#[derive(Debug)]
pub struct Terminal {
    keyboard: File,
    shell: Child,
    screen: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    /// How much of the screen was looked at.
    seen: usize,
    /// The shell's process group, which has the terminal while no job has it.
    group: Option<Pid>,
}

impl Terminal {
    /// Starts bash on a new terminal, with `audit` of `lab` in its PATH.
    ///
    /// # Panics
    /// When the machine has no terminals or no bash.
    #[must_use]
    pub fn new(lab: &Lab) -> Terminal {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("a terminal");
        let name = ptsname(&keyboard, Vec::new()).expect("a terminal has a name");
        let open = || -> OwnedFd {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
            rustix::fs::open(name.as_c_str(), flags, Mode::empty()).expect("the terminal opens")
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut all = lab.bin().into_os_string();
        all.push(":");
        all.push(path);
        let _ = lab.program("audit");
        // setsid --ctty: standard input becomes the controlling terminal of a new session.
        let shell = Command::new("setsid")
            .args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "--noediting", "-i"])
            .env_clear()
            .envs([("PS1", "ready> "), ("TERM", "dumb"), ("LC_ALL", "C")])
            .env("PATH", all)
            .env("AUDIT_HOME", lab.home())
            .current_dir(lab.work())
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()))
            .spawn()
            .expect("bash starts");
        let screen = Arc::new(Mutex::new(String::new()));
        let file = File::from(keyboard);
        let reader = watch(file.try_clone().expect("a descriptor"), Arc::clone(&screen));
        let mut terminal =
            Terminal { keyboard: file, shell, screen, reader: Some(reader), seen: 0, group: None };
        terminal.expect("ready> ");
        terminal.group = tcgetpgrp(&terminal.keyboard).ok();
        terminal
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn line(&mut self, text: &str) {
        self.keys(&format!("{text}\n"));
    }

    /// Types these keys.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until a job has the terminal: keys that come before are for the shell.
    ///
    /// # Panics
    /// When none gets it.
    pub fn until_a_job_has_it(&self) {
        wait::until_true("a job in the foreground", || {
            tcgetpgrp(&self.keyboard).is_ok_and(|group| Some(group) != self.group)
        });
    }

    /// Waits until the screen shows `text` behind what was waited for before; returns what came
    /// before it.
    ///
    /// # Panics
    /// When it does not come.
    pub fn expect(&mut self, text: &str) -> String {
        let screen = Arc::clone(&self.screen);
        let seen = self.seen;
        let look = || {
            let shown = screen.lock().expect("no reader panicked");
            let rest = shown.get(seen..).unwrap_or_default();
            rest.find(text).map(|at| (at, rest.get(..at).unwrap_or_default().to_owned()))
        };
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait::within(std::time::Duration::from_secs(30), text, look)
        }));
        let (at, before) = found.unwrap_or_else(|_| {
            let shown = screen.lock().map(|shown| shown.clone()).unwrap_or_default();
            panic!(
                "expected {text:?} on the screen, found {:?}",
                shown.get(seen..).unwrap_or_default()
            )
        });
        self.seen = seen + at + text.len();
        before
    }

    /// Ends the shell and returns all that was on the screen.
    ///
    /// # Panics
    /// When the shell does not end.
    pub fn close(mut self) -> String {
        self.line("exit 0");
        self.shell.wait().expect("bash is ours");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no reader panicked");
        }
        self.screen.lock().expect("no reader panicked").clone()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // After `close` there is nothing to end.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Collects what the terminal shows until its last user has gone (EIO).
fn watch(mut terminal: File, screen: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(len @ 1..) = terminal.read(&mut bytes) {
            let text = String::from_utf8_lossy(bytes.get(..len).unwrap_or_default()).into_owned();
            screen.lock().expect("no writer panicked").push_str(&text.replace('\r', ""));
        }
    })
}
