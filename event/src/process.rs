//! The process table: who a pid was, by (pid, start time), while a record is read in order.
//!
//! Ended processes stay for a while, as their file events are told later than their exit; then they
//! are dropped, so that memory follows what is alive.

use foldhash::HashMap;

use crate::ProcId;
use crate::frame::files::file_flag::LATER_MASK;
use crate::model::{Actor, Bytes};

/// What is known of a process.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its parent, as it was made.
    pub parent: Option<ProcId>,
    /// Real user, as of `uid_ns`.
    pub uid: Option<u32>,
    /// When that was told, `CLOCK_BOOTTIME` nanoseconds: exec and credentials come by different
    /// rings.
    uid_ns: u64,
    /// The file it runs.
    pub exe: Option<Bytes>,
    /// What it ran before, oldest first, and what its maker ran; as many as a frame can mean
    /// ([`crate::frame::files::file_flag::LATER_MASK`]).
    earlier: Vec<Ran>,
    /// Programs that it executed, and when it did the last, `CLOCK_BOOTTIME` nanoseconds.
    executed: (u32, u64),
    /// Its working directory at the last exec.
    pub cwd: Option<Bytes>,
    /// It has ended, in this stretch of [`Table::expire`].
    ended: Option<u64>,
}

/// A program that a process ran.
#[derive(Debug, Clone)]
struct Ran {
    since_ns: u64,
    exe: Option<Bytes>,
}

impl Process {
    /// How many programs it executed, and what it ran before and runs now.
    fn ran(&mut self) -> (u32, Vec<Ran>) {
        let mut earlier = std::mem::take(&mut self.earlier);
        if earlier.len() >= LATER_MASK as usize {
            earlier.remove(0);
        }
        let (executed, since_ns) = self.executed;
        earlier.push(Ran { since_ns, exe: self.exe.take() });
        (executed, earlier)
    }
}

/// All processes of a run that may still be talked of.
#[derive(Debug, Default)]
pub struct Table {
    by_id: HashMap<ProcId, Process>,
    latest: HashMap<u32, ProcId>,
    ended: Vec<ProcId>,
    stretch: u64,
    seen: u64,
}

/// How many calls of [`Table::expire`] an ended process outlives.
const KEPT: u64 = 2;

impl Table {
    /// A process of the user `uid` was made by `caller`; it runs what the caller ran.
    pub fn fork(&mut self, caller: ProcId, child: ProcId, parent: ProcId, uid: u32) {
        let inherited = self.by_id.get(&caller);
        let process = Process {
            parent: Some(parent),
            uid: Some(uid),
            uid_ns: child.start_ns,
            exe: inherited.and_then(|caller| caller.exe.clone()),
            earlier: Vec::new(),
            executed: (0, 0),
            cwd: inherited.and_then(|caller| caller.cwd.clone()),
            ended: None,
        };
        self.put(child, process);
    }

    /// A process runs a program since `boot_ns`, for the user `uid`.
    pub fn exec(
        &mut self,
        id: ProcId,
        parent: ProcId,
        (uid, boot_ns): (u32, u64),
        exe: impl Into<Option<Bytes>>,
        cwd: Option<Bytes>,
    ) {
        let (executed, earlier) = self.by_id.get_mut(&id).map(Process::ran).unwrap_or_default();
        let process = Process {
            parent: Some(parent),
            uid: Some(uid),
            uid_ns: boot_ns,
            exe: exe.into(),
            earlier,
            executed: (executed.saturating_add(1), boot_ns),
            cwd,
            ended: None,
        };
        self.put(id, process);
    }

    /// Returns since when a process acts for which user, as far as that is known.
    #[must_use]
    pub fn user(&self, id: ProcId) -> Option<(u64, u32)> {
        let process = self.by_id.get(&id)?;
        Some((process.uid_ns, process.uid?))
    }

    /// A process acts for the user `uid` since `boot_ns`, unless something later is known.
    pub fn become_user(&mut self, id: ProcId, uid: u32, boot_ns: u64) {
        if let Some(process) = self.by_id.get_mut(&id)
            && process.uid_ns <= boot_ns
        {
            (process.uid, process.uid_ns) = (Some(uid), boot_ns);
        }
    }

    /// A process ended.
    pub fn exit(&mut self, id: ProcId) {
        if let Some(process) = self.by_id.get_mut(&id)
            && process.ended.is_none()
        {
            process.ended = Some(self.stretch);
            self.ended.push(id);
        }
    }

    fn put(&mut self, id: ProcId, mut process: Process) {
        if let Some(known) = self.by_id.get(&id) {
            process.ended = known.ended;
            if known.uid_ns > process.uid_ns {
                (process.uid, process.uid_ns) = (known.uid, known.uid_ns);
            }
        } else {
            self.seen += 1;
        }
        self.by_id.insert(id, process);
        match self.latest.get(&id.pid) {
            Some(latest) if latest.start_ns > id.start_ns => {}
            _ => {
                self.latest.insert(id.pid, id);
            }
        }
    }

    /// Returns what is known of a process.
    #[must_use]
    pub fn get(&self, id: ProcId) -> Option<&Process> {
        self.by_id.get(&id)
    }

    /// Returns the process that last had a pid.
    #[must_use]
    pub fn by_pid(&self, pid: u32) -> Option<ProcId> {
        self.latest.get(&pid).copied()
    }

    /// Returns the full identity where only the pid is known (start 0), if the table has it.
    #[must_use]
    pub fn identify(&self, id: ProcId) -> Option<ProcId> {
        if id.start_ns == 0 {
            self.by_pid(id.pid)
        } else {
            self.by_id.contains_key(&id).then_some(id)
        }
    }

    /// Returns the process as the actor of an event, with what is known of it.
    #[must_use]
    pub fn actor(&self, id: ProcId) -> Actor {
        let id = self.identify(id).unwrap_or(id);
        actor(id, self.by_id.get(&id))
    }

    /// The same, `later` programs ago. What it ran then may be unknown, and is not guessed.
    #[must_use]
    pub fn actor_before(&self, id: ProcId, later: u32) -> Actor {
        let mut actor = self.actor(id);
        if let Some(back) = later.checked_sub(1) {
            let earlier = self.by_id.get(&actor.id).map(|process| process.earlier.as_slice());
            let mut newest_first = earlier.unwrap_or_default().iter().rev();
            let ran = newest_first.nth(usize::try_from(back).unwrap_or(usize::MAX));
            actor.exe = ran.and_then(|ran| ran.exe.clone());
        }
        actor
    }

    /// Returns how many programs a process has executed.
    #[must_use]
    pub fn executed(&self, id: ProcId) -> u32 {
        self.by_id.get(&id).map_or(0, |process| process.executed.0)
    }

    /// Returns how many it had executed at `boot_ns`, if that is remembered.
    #[must_use]
    pub fn executed_at(&self, id: ProcId, boot_ns: u64) -> Option<u32> {
        let Process { earlier, executed: (executed, since_ns), .. } = self.by_id.get(&id)?;
        let programs = earlier.iter().map(|ran| ran.since_ns).chain([*since_ns]).rev();
        let later = programs.take_while(|since_ns| *since_ns > boot_ns).count();
        executed.checked_sub(u32::try_from(later).ok()?).filter(|_| later <= earlier.len())
    }

    /// Returns how many processes there were in all.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Ends a stretch of time: drops the processes that ended two stretches ago, and tells them.
    pub fn expire(&mut self, mut gone: impl FnMut(Actor)) {
        self.stretch += 1;
        let (stretch, by_id, latest) = (self.stretch, &mut self.by_id, &mut self.latest);
        self.ended.retain(|id| {
            let ended = by_id.get(id).and_then(|process| process.ended).unwrap_or(0);
            if ended + KEPT > stretch {
                return true;
            }
            let process = by_id.remove(id);
            if latest.get(&id.pid) == Some(id) {
                latest.remove(&id.pid);
            }
            gone(actor(*id, process.as_ref()));
            false
        });
    }
}

fn actor(id: ProcId, known: Option<&Process>) -> Actor {
    Actor {
        id,
        ppid: known.and_then(|process| process.parent).map(|parent| parent.pid),
        uid: known.and_then(|process| process.uid),
        exe: known.and_then(|process| process.exe.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, ProcId, Table};

    fn id(pid: u32, start_ns: u64) -> ProcId {
        ProcId { pid, start_ns }
    }

    fn shell() -> Table {
        let mut table = Table::default();
        let cwd = Some(b"/home".as_slice().into());
        table.exec(id(10, 1), id(1, 0), (1000, 2), Bytes::from(b"/bin/sh".as_slice()), cwd);
        table
    }

    #[test]
    fn a_child_runs_what_its_maker_ran_until_it_executes() {
        let mut table = shell();
        table.fork(id(10, 1), id(11, 5), id(10, 1), 1000);
        let actor = table.actor(id(11, 5));
        assert_eq!(
            (actor.ppid, actor.uid, actor.exe.as_deref()),
            (Some(10), Some(1000), Some(&b"/bin/sh"[..]))
        );
        table.exec(id(11, 5), id(10, 1), (0, 6), Bytes::from(b"/bin/ls".as_slice()), None);
        assert_eq!(table.actor(id(11, 5)).exe.as_deref(), Some(&b"/bin/ls"[..]));
        assert_eq!(table.actor(id(10, 1)).exe.as_deref(), Some(&b"/bin/sh"[..]));
    }

    #[test]
    fn what_a_process_ran_before_is_known_as_far_back_as_it_goes() {
        let mut table = shell();
        table.exec(id(10, 1), id(1, 0), (1000, 3), Bytes::from(b"/bin/env".as_slice()), None);
        table.exec(id(10, 1), id(1, 0), (1000, 4), Bytes::from(b"/bin/ls".as_slice()), None);
        let ran = |later| table.actor_before(id(10, 1), later).exe;
        let ran: Vec<_> = (0..5).map(ran).collect();
        let path = |exe: &Option<Bytes>| exe.as_deref().map(|exe| exe.to_vec());
        let paths: Vec<_> = ran.iter().map(path).collect();
        let known = ["/bin/ls", "/bin/env", "/bin/sh"].map(|path| Some(path.as_bytes().to_vec()));
        assert_eq!(paths, [&known[..], &[None, None]].concat());
        let at = [1, 2, 3, 4, 9].map(|boot_ns| table.executed_at(id(10, 1), boot_ns));
        assert_eq!(at, [None, Some(1), Some(2), Some(3), Some(3)]);
        assert_eq!(table.executed(id(10, 1)), 3);
    }

    #[test]
    fn what_is_remembered_of_one_process_is_bounded() {
        let mut table = shell();
        for round in 0..1000 {
            let exe = Bytes::from(format!("/bin/{round}").as_bytes());
            table.exec(id(10, 1), id(1, 0), (1000, round), exe, None);
        }
        assert_eq!(table.actor_before(id(10, 1), 15).exe.as_deref(), Some(&b"/bin/984"[..]));
        assert_eq!(table.by_id[&id(10, 1)].earlier.len(), 15);
    }

    #[test]
    fn a_pid_alone_means_the_last_process_that_had_it() {
        let mut table = shell();
        table.fork(id(10, 1), id(11, 5), id(10, 1), 1000);
        table.exit(id(11, 5));
        assert_eq!(table.actor(id(11, 0)).id, id(11, 5));
        table.fork(id(10, 1), id(11, 9), id(10, 1), 1000);
        assert_eq!(table.actor(id(11, 0)).id, id(11, 9));
        assert_eq!(table.actor(id(11, 5)).id, id(11, 5));
        assert_eq!(table.actor(id(12, 0)).id, id(12, 0));
    }

    #[test]
    fn a_change_of_user_counts_from_its_time_on() {
        let mut table = shell();
        table.become_user(id(10, 1), 33, 5);
        assert_eq!(table.actor(id(10, 1)).uid, Some(33));
        table.become_user(id(10, 1), 44, 3);
        assert_eq!(table.actor(id(10, 1)).uid, Some(33), "told late, and older");
        table.exec(id(10, 1), id(1, 0), (33, 4), Bytes::from(b"/bin/ls".as_slice()), None);
        assert_eq!(table.actor(id(10, 1)).uid, Some(33));
        table.become_user(id(99, 1), 33, 5);
        assert_eq!(table.seen(), 1, "a stranger stays one");
    }

    #[test]
    fn ended_processes_are_known_a_while_and_then_dropped() {
        let mut table = shell();
        table.exit(id(10, 1));
        let mut gone = Vec::new();
        table.expire(|actor| gone.push(actor.id));
        assert_eq!(table.identify(id(10, 0)), Some(id(10, 1)));
        table.expire(|actor| gone.push(actor.id));
        assert_eq!(gone, [id(10, 1)]);
        assert_eq!(table.identify(id(10, 0)), None);
        assert_eq!(table.seen(), 1);
    }

    #[test]
    fn memory_follows_what_is_alive() {
        let mut table = shell();
        for round in 0..10_000 {
            table.fork(id(10, 1), id(20, round), id(10, 1), 1000);
            table.exit(id(20, round));
            table.expire(|_| {});
        }
        assert!(table.by_id.len() <= 4 && table.ended.len() <= 3 && table.latest.len() <= 2);
        assert_eq!(table.seen(), 10_001);
    }
}
