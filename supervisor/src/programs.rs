//! Which of the programs of a process did what a queue without times tells.
//!
//! When such an event is read, its process may have executed another program meanwhile. But whoever
//! executes opens a file, and this stands in the same queue (`FAN_OPEN_EXEC`): what the process did before
//! stands before it, what it did after stands after it. So an exec is open in each queue until its file is
//! seen there, and what comes until then was done by an earlier program.
//!
//! Where no mark tells of the file (a memfd, a file system that numbers its handles otherwise) an exec is
//! open in no queue: only devices that have marks and handles with numbers, or of which a queue has told
//! once, are waited for, and never longer than until all queues were read.

use std::collections::VecDeque;

use event::ProcId;
use fsmon::Kind;
use zerocopy::FromZeros;

/// Queues, each with an order of its own: the groups of fanotify.
const QUEUES: usize = 3;

/// Execs of one process that may be open: chains as `env`, `nice`, an interpreter. What the first of a longer
/// chain did is told as done by a later one.
const OPEN: usize = 4;

/// Execs of all processes that may be open, and devices whose marks are known. Beyond, and before, what an
/// exec's process did just before it may be told as done by the new program.
const WAITING: usize = 4096;
const DEVICES: usize = 64;

/// What a queue tells of a process: something that it did, or a file that it opens to execute it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    queue: usize,
    executed: Option<u32>,
}

impl Touch {
    /// What this group told. `executed`: the low half of the inode number of the file, if it is opened to be
    /// executed.
    pub(crate) fn new(group: Kind, executed: Option<u32>) -> Touch {
        Touch { queue: queue(group), executed }
    }
}

fn queue(group: Kind) -> usize {
    match group {
        Kind::Names => 0,
        Kind::Access => 1,
        Kind::AccessFd => 2,
    }
}

/// A program among those of its process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Program {
    /// How many the process had executed before this one, and this one.
    pub(crate) number: u32,
    /// How many it has executed since.
    pub(crate) later: u32,
}

/// An exec.
#[derive(Debug, Clone, Copy, Default, FromZeros)]
struct Exec {
    dev: u32,
    /// Low half of the inode number.
    ino: u32,
    /// Queues, a bit each, that have not told of its file yet and will.
    open: u8,
    /// The same of queues that may.
    perhaps: u8,
}

/// The programs of one process.
#[derive(Debug, Clone, Copy, Default, FromZeros)]
pub(crate) struct Programs {
    executed: u32,
    /// The last execs, oldest first; as many as `length`.
    execs: [Exec; OPEN],
    length: u8,
    /// Files opened since the last exec, by queue: the program, and its loader.
    opened: [[u32; 2]; QUEUES],
}

impl Programs {
    /// Which one did what `touch` tells.
    pub(crate) fn touched(&mut self, touch: Touch, marked: &mut Marked) -> Program {
        let bit = 1 << touch.queue;
        let open = self.last().iter().skip_while(|exec| exec.open & bit == 0).count();
        let later = u32::try_from(open).unwrap_or(0);
        if let Some(ino) = touch.executed {
            self.opens(touch.queue, ino, marked);
        }
        Program { number: self.executed.saturating_sub(later), later }
    }

    /// Its process executed a file. Returns the exec's number, if something of before may still be told.
    fn executes(&mut self, dev: u32, ino: u32, marked: &mut Marked) -> Option<u32> {
        let mut exec = Exec { dev, ino, open: 0, perhaps: 0 };
        for (queue, opened) in std::mem::take(&mut self.opened).iter().enumerate() {
            let bit = 1 << queue;
            match opened.contains(&ino) {
                true => marked.learn(dev, bit),
                false if marked.knows(dev, bit) => exec.open |= bit,
                false => exec.perhaps |= bit,
            }
        }
        self.executed = self.executed.saturating_add(1);
        if exec.open | exec.perhaps == 0 && self.length == 0 {
            return None;
        }
        if usize::from(self.length) == OPEN {
            self.forget_first(1);
        }
        if let Some(place) = self.execs.get_mut(usize::from(self.length)) {
            *place = exec;
            self.length += 1;
        }
        Some(self.executed)
    }

    /// A queue tells that the process opens a file to execute it.
    fn opens(&mut self, queue: usize, ino: u32, marked: &mut Marked) {
        let bit = 1 << queue;
        let is_it = |exec: &Exec| exec.ino == ino && (exec.open | exec.perhaps) & bit != 0;
        let Some(first) = self.last().iter().position(is_it) else {
            if let Some([before, last]) = self.opened.get_mut(queue) {
                *before = std::mem::replace(last, ino);
            }
            return;
        };
        // Equal events are merged while they wait: a program that executes itself is told once.
        let same = self.last().iter().skip(first).take_while(|exec| is_it(exec)).count();
        let length = usize::from(self.length);
        let until = self.execs.get_mut(..length.min(first + same)).unwrap_or_default();
        for exec in until.iter_mut() {
            exec.open &= !bit;
        }
        if let Some(exec) = until.last_mut() {
            exec.perhaps &= !bit;
            marked.learn(exec.dev, bit);
        }
        let done = self.last().iter().take_while(|exec| exec.open | exec.perhaps == 0).count();
        self.forget_first(done);
    }

    /// All that was done before the exec with this number was told.
    pub(crate) fn told_until(&mut self, number: u32) {
        let first = self.executed.saturating_sub(self.length.into());
        self.forget_first(usize::try_from(number.saturating_sub(first)).unwrap_or(OPEN));
    }

    fn last(&self) -> &[Exec] {
        self.execs.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn forget_first(&mut self, count: usize) {
        let count = count.min(self.length.into());
        self.execs.copy_within(count.., 0);
        self.length = self.length.saturating_sub(u8::try_from(count).unwrap_or(u8::MAX));
    }
}

/// Devices of which a queue tells when a file is opened to be executed.
#[derive(Debug)]
pub(crate) struct Marked {
    known: Vec<(u32, u8)>,
}

impl Marked {
    fn new() -> Marked {
        Marked { known: Vec::with_capacity(DEVICES) }
    }

    /// See [`crate::members::Members::expect_execs`].
    pub(crate) fn expect(&mut self, dev: u32, group: Kind) {
        self.learn(dev, 1 << queue(group));
    }

    fn knows(&self, dev: u32, bit: u8) -> bool {
        self.known.iter().any(|(known, bits)| *known == dev && bits & bit != 0)
    }

    fn learn(&mut self, dev: u32, bit: u8) {
        if let Some((_, bits)) = self.known.iter_mut().find(|(known, _)| *known == dev) {
            *bits |= bit;
        } else if self.known.len() < DEVICES {
            self.known.push((dev, bit));
        }
    }
}

/// An exec of which something of before may still wait in a queue.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    id: ProcId,
    number: u32,
    /// The queues began to be read after it was noted.
    read: bool,
}

/// The execs of all processes.
#[derive(Debug)]
pub(crate) struct Execs {
    pub(crate) marked: Marked,
    waiting: VecDeque<Waiting>,
}

impl Execs {
    /// Takes all memory.
    pub(crate) fn new() -> Execs {
        Execs { marked: Marked::new(), waiting: VecDeque::with_capacity(WAITING) }
    }

    /// The process `id` executed a file.
    pub(crate) fn executed(&mut self, id: ProcId, dev: u32, ino: u64, programs: &mut Programs) {
        // Only the low half is compared.
        let ino = ino as u32;
        let Some(number) = programs.executes(dev, ino, &mut self.marked) else { return };
        if self.waiting.len() < WAITING {
            self.waiting.push_back(Waiting { id, number, read: false });
        } else {
            programs.told_until(number);
        }
    }

    /// The queues are about to be read.
    pub(crate) fn about_to_read(&mut self) {
        // The newest are at the end.
        let unread = self.waiting.iter_mut().rev().take_while(|waiting| !waiting.read);
        unread.for_each(|waiting| waiting.read = true);
    }

    /// Takes the next exec before which all is told, and its number, now that the queues were read to their
    /// end; with `lost`, the next of all, as a queue has lost what it had.
    pub(crate) fn told(&mut self, lost: bool) -> Option<(ProcId, u32)> {
        let first = *self.waiting.front().filter(|waiting| waiting.read || lost)?;
        self.waiting.pop_front();
        Some((first.id, first.number))
    }
}

#[cfg(test)]
mod tests;
