//! The run's processes as the recorder needs them: who is a member, and how the command ends.

use std::os::fd::OwnedFd;

use event::{
    ProcId,
    frame::{
        control::KIND_ARGV_HASH,
        hash::{basis, what},
    },
    wire::{ARGV_CAP, Kind, Record, exec_flag, fork_flag},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};
use zerocopy::IntoBytes;

use crate::{
    arguments::Arguments,
    clock,
    hashes::{Cause, Shared},
    members::Members,
    namespaces::Namespaces,
    redaction::Redaction,
    segment::Writer,
};

/// The command, once it exists.
#[derive(Debug)]
pub(crate) struct Command {
    pid: u32,
    pidfd: OwnedFd,
    /// As wait(2) gives it, from its exit record.
    pub(crate) code: Option<i32>,
    /// Its end was noticed.
    pub(crate) ended: bool,
}

impl Command {
    /// Starts to follow the process `pid`.
    pub(crate) fn new(pid: u32, pidfd: OwnedFd) -> Self {
        Command { pid, pidfd, code: None, ended: false }
    }

    /// Returns whether it has ended, the first time that this is so.
    pub(crate) fn ends_now(&mut self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let gone = poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
        gone && !std::mem::replace(&mut self.ended, gone)
    }
}

/// Members, command, and what to do with their records.
#[derive(Debug)]
pub(crate) struct Processes {
    /// Who is of the run.
    pub(crate) members: Members,
    /// The command.
    pub(crate) command: Option<Command>,
    /// Contents of files, if they are asked for.
    pub(crate) hashes: Option<Shared>,
    /// Where they are.
    pub(crate) namespaces: Namespaces,
    /// Long argvs on their way.
    pub(crate) arguments: Arguments,
    /// What hides secrets, unless they are stored as they are.
    pub(crate) redaction: Option<Redaction>,
    /// Records that could not be read.
    pub(crate) malformed: u64,
    /// Whether records are stored, or only feed the table.
    pub(crate) kept: bool,
}

impl Processes {
    /// Takes all memory.
    pub(crate) fn new(kept: bool) -> Self {
        Processes {
            members: Members::new(),
            command: None,
            hashes: None,
            namespaces: Namespaces::new(),
            arguments: Arguments::new(),
            redaction: None,
            malformed: 0,
            kept,
        }
    }

    /// Takes one record of the process ring.
    pub(crate) fn see(&mut self, bytes: &[u8], writer: &mut Writer) {
        let record = match Record::parse(bytes) {
            Ok(record) => record,
            Err(_) => return self.malformed += 1,
        };
        match record {
            Record::Fork(fork) => {
                let child = ProcId { pid: fork.child_pid, start_ns: fork.child_start_ns };
                let held = fork.flags & fork_flag::HELD != 0;
                self.members.born(child, held);
                // The first process still has to get its own namespace; its exec tells which. What
                // somebody else has mounted is not the owner's to read.
                if fork.flags & fork_flag::FROM_OUTSIDE == 0 && !held {
                    self.namespaces.see(fork.mnt_ns, fork.child_pid);
                }
            }
            Record::Exec(exec, data) => {
                let held = exec.flags & exec_flag::HELD != 0;
                self.members.born(exec.head.process(), held);
                self.members.executed(exec.head.process(), exec.exe_dev, exec.exe_ino);
                if !held {
                    self.namespaces.see(exec.mnt_ns, exec.head.pid);
                }
                if exec.argv_len > ARGV_CAP {
                    self.arguments.begin(exec, data.argv);
                }
            }
            Record::Argv(argv, bytes) => {
                self.arguments.more(argv, bytes);
                // What is beyond the cap was sent for the hash alone.
                if u64::from(argv.offset) >= ARGV_CAP {
                    return;
                }
            }
            Record::ArgvEnd(end) => {
                let hash = self.arguments.end(end);
                if self.kept {
                    let id = Kind::ArgvEnd as u32;
                    writer.record(id, KIND_ARGV_HASH, end.head.boot_ns, &[hash.as_bytes()]);
                }
                return;
            }
            Record::Exit(exit) => {
                self.members.ended(exit.head.process(), clock::boot_ns());
                let is_command = |command: &&mut Command| command.pid == exit.head.pid;
                if let Some(command) = self.command.as_mut().filter(is_command) {
                    command.code.get_or_insert(exit.code);
                }
            }
            _ => {}
        }
        if self.kept {
            self.keep(record, bytes, writer);
        }
        if let (Record::Exec(exec, _), Some(hashes)) = (record, &self.hashes)
            && exec.flags & exec_flag::HELD == 0
            && let Ok(mut hashes) = hashes.try_borrow_mut()
        {
            let (process, frame) = (exec.head.process(), writer.frames());
            let cause = Cause { what: what::EXEC, process, frame, basis: basis::RUNNING };
            hashes.executed(cause, exec.exe_ino, writer);
        }
    }
}

impl Processes {
    /// Stores a record; of arguments, what is no secret.
    fn keep(&mut self, record: Record<'_>, bytes: &[u8], writer: &mut Writer) {
        match (record, &mut self.redaction) {
            (Record::Exec(exec, data), Some(redaction)) => {
                redaction.exec(exec, data.argv, bytes, writer);
            }
            (Record::Argv(argv, piece), Some(redaction)) => redaction.piece(argv, piece, writer),
            (Record::Exit(exit), Some(redaction)) => {
                redaction.end(exit.head.process(), writer);
                store(record, bytes, writer);
            }
            _ => store(record, bytes, writer),
        }
    }
}

/// Stores a record as it came.
pub(crate) fn store(record: Record<'_>, bytes: &[u8], writer: &mut Writer) {
    let head = record.head();
    let size = usize::try_from(head.size).unwrap_or(0);
    let (Some(kind), Some(bytes)) = (Kind::from_wire(head.kind), bytes.get(..size)) else { return };
    writer.record(head.kind, kind as u16, head.boot_ns, &[bytes]);
}
