//! Starting `audit run` and taking hold of what comes out of it.

use std::{
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread::JoinHandle,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Lab, Recorded, leftovers::processes_running, wait};

/// A run that is not started yet.
#[derive(Debug)]
pub struct Run<'lab> {
    lab: &'lab Lab,
    options: Vec<OsString>,
    command: Vec<OsString>,
    /// The command line so far: its environment, directory and user may be changed.
    pub process: Command,
}

impl<'lab> Run<'lab> {
    pub(crate) fn new<S: AsRef<OsStr>>(
        lab: &'lab Lab,
        command: impl IntoIterator<Item = S>,
    ) -> Run<'lab> {
        let command = command.into_iter().map(|word| word.as_ref().to_owned()).collect();
        Run { lab, options: Vec::new(), command, process: lab.audit() }
    }

    /// Adds options of `audit run`.
    #[must_use]
    pub fn with<S: AsRef<OsStr>>(mut self, options: impl IntoIterator<Item = S>) -> Self {
        self.options.extend(options.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.process.env(name, value);
        self
    }

    /// The process, all arguments given.
    #[must_use]
    pub fn into_process(mut self) -> Command {
        self.process.arg("run").args(&self.options).arg("--").args(&self.command);
        self.process
    }

    /// Runs to the end and reads the record.
    ///
    /// # Panics
    /// When there is not exactly one new run in the store.
    #[must_use]
    pub fn record(self) -> Recorded {
        let lab = self.lab;
        let before = lab.runs();
        let mut process = self.into_process();
        let output = process.output().expect("audit starts");
        let mut new = lab.runs();
        new.retain(|dir| !before.contains(dir));
        let said = String::from_utf8_lossy(&output.stderr);
        let [dir] = new.as_slice() else {
            panic!("{process:?} left {} new runs ({}): {said}", new.len(), output.status)
        };
        Recorded::read(dir, output.status, output.stdout, output.stderr)
    }

    /// Runs to the end, which must be the command's success, and reads the record.
    ///
    /// # Panics
    /// When the command does not succeed.
    #[must_use]
    pub fn succeed(self) -> Recorded {
        let run = self.record();
        assert!(run.status.success(), "{}: {}", run.status, run.errors());
        run
    }

    /// Starts it with a pipe on standard input; the command stops at its gates.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(mut self) -> Running<'lab> {
        self.process.env("TESTER_GATE", "1");
        self.start_ungated()
    }

    /// Starts it with a pipe on standard input; testers do not stop.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_ungated(mut self) -> Running<'lab> {
        self.process.stdin(Stdio::piped());
        let lab = self.lab;
        let before = lab.runs();
        let mut child = self.into_process().spawn().expect("audit starts");
        let stdin = child.stdin.take();
        let stdout = lines(child.stdout.take().expect("a pipe"));
        let errors = child.stderr.take().map(collect);
        Running { lab, child, stdin, stdout, errors, before }
    }
}

/// A run that goes on.
#[derive(Debug)]
pub struct Running<'lab> {
    lab: &'lab Lab,
    child: Child,
    stdin: Option<ChildStdin>,
    /// Lines of standard output, newlines included.
    stdout: Receiver<Vec<u8>>,
    errors: Option<JoinHandle<Vec<u8>>>,
    before: Vec<PathBuf>,
}

impl Running<'_> {
    /// Waits for a line on standard output.
    ///
    /// # Panics
    /// When another comes, or none in time.
    pub fn expect(&mut self, word: &str) {
        let found = self.stdout.recv_timeout(wait::DEADLINE);
        let found = found.map(|line| String::from_utf8_lossy(&line).trim_end().to_owned());
        if found.as_deref() != Ok(word) {
            let status = self.child.try_wait();
            let errors = match status {
                Ok(Some(_)) => self.errors.take().and_then(|it| it.join().ok()).unwrap_or_default(),
                _ => Vec::new(),
            };
            let errors = String::from_utf8_lossy(&errors);
            panic!("expected the line {word:?}, found {found:?} ({status:?}): {errors}");
        }
    }

    /// The next line on standard output, without its end.
    ///
    /// # Panics
    /// When none comes in time.
    pub fn line(&mut self) -> String {
        let line = self.stdout.recv_timeout(wait::DEADLINE).expect("a line on standard output");
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// Waits until nobody can write to standard output any more.
    ///
    /// # Panics
    /// When a line comes, or the end does not come in time.
    pub fn expect_end(&mut self) {
        let found = self.stdout.recv_timeout(wait::DEADLINE);
        assert_eq!(found, Err(RecvTimeoutError::Disconnected), "the end of standard output");
    }

    /// Lets the command through a gate.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn go(&mut self) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin.write_all(b"go\n").expect("the command listens");
    }

    /// Ends standard input.
    pub fn hang_up(&mut self) {
        drop(self.stdin.take());
    }

    /// The front's pid.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn front(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The pid of the supervisor: the front's child that runs its program.
    #[must_use]
    pub fn supervisor(&self) -> Pid {
        let program = self.lab.program("audit-supervisor");
        let ours = |pid: &Pid| parent_of(*pid) == Some(self.front());
        wait::until("the supervisor", || processes_running(&program).into_iter().find(ours))
    }

    /// The pid of the command: the front's child that does not run the supervisor's program.
    #[must_use]
    pub fn command(&self) -> Pid {
        let supervisor = self.supervisor();
        let all = || std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok);
        let ours = |pid: &Pid| *pid != supervisor && parent_of(*pid) == Some(self.front());
        let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        wait::until("the command", || all().filter_map(number).filter_map(Pid::from_raw).find(ours))
    }

    /// Names of the programs that have the write end of standard output open, the test not counted.
    ///
    /// # Panics
    /// When the front is gone.
    #[must_use]
    pub fn holders_of_stdout(&self) -> Vec<String> {
        let pipe = std::fs::read_link(format!("/proc/{}/fd/1", self.front().as_raw_pid()));
        let pipe = pipe.expect("the front has standard output");
        let own = std::process::id().to_string();
        let mut found = Vec::new();
        for process in std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok) {
            let held = std::fs::read_dir(process.path().join("fd")).into_iter().flatten();
            let holds = held
                .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
                .any(|target| target == pipe);
            let name = process.file_name();
            let is_process = name.to_str().is_some_and(|name| name.parse::<u32>().is_ok());
            if holds && is_process && name != own.as_str() {
                let exe = std::fs::read_link(process.path().join("exe")).unwrap_or_default();
                found.push(exe.file_name().unwrap_or_default().to_string_lossy().into_owned());
            }
        }
        found
    }

    /// The run's directory, while no other run is begun.
    ///
    /// # Panics
    /// When there is not exactly one new one.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        let mut new = self.lab.runs();
        new.retain(|dir| !self.before.contains(dir));
        let [dir] = new.as_slice() else { panic!("{} new runs", new.len()) };
        dir.clone()
    }

    /// Sends a signal to the front.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.front(), signal).expect("audit is there");
    }

    /// Waits for the end without looking at the record; returns status and standard error.
    ///
    /// # Panics
    /// When `audit` cannot be waited for.
    pub fn end(mut self) -> (std::process::ExitStatus, String) {
        drop(self.stdin.take());
        self.stdout.iter().for_each(drop);
        let status = self.child.wait().expect("audit is ours");
        let errors = self.errors.take().and_then(|it| it.join().ok()).unwrap_or_default();
        (status, String::from_utf8_lossy(&errors).into_owned())
    }

    /// Waits for the end and reads the record.
    ///
    /// # Panics
    /// When there is no record.
    #[must_use]
    pub fn record(self) -> Recorded {
        let dir = self.dir();
        self.record_in(&dir)
    }

    /// As [`Running::record`], where other runs were begun meanwhile.
    ///
    /// # Panics
    /// When there is no record in `dir`.
    #[must_use]
    pub fn record_in(mut self, dir: &Path) -> Recorded {
        drop(self.stdin.take());
        let rest: Vec<u8> = self.stdout.iter().flatten().collect();
        let status = self.child.wait().expect("audit is ours");
        let errors = self.errors.take().and_then(|it| it.join().ok()).unwrap_or_default();
        Recorded::read(dir, status, rest, errors)
    }
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Pid::from_raw(rest.split_whitespace().nth(1)?.parse().ok()?)
}

/// Reads standard output beside, so that nobody waits for a line for ever.
fn lines(out: ChildStdout) -> Receiver<Vec<u8>> {
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || {
        let mut out = BufReader::new(out);
        loop {
            let mut line = Vec::new();
            let more = out.read_until(b'\n', &mut line).is_ok_and(|len| len > 0);
            if !more || to.send(line).is_err() {
                return;
            }
        }
    });
    from
}

/// Reads standard error beside, so that nobody waits for a full pipe.
fn collect(mut errors: ChildStderr) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is told all the same.
        let _ = errors.read_to_end(&mut bytes);
        bytes
    })
}
