//! Where the exact counts of opens go.
//!
//! fanotify names the file but merges identical reports that wait in its queue; the counters know
//! each open but no name. Both are summed here per process, file and kind of access. What an event
//! gets is what is due: the larger of both sums, less what earlier events got. The sum over events
//! is then the number of opens, although the two sources are never in step: files are open across
//! windows, and reports are read late. Where fanotify tells more uses than there were opens (the
//! kernel's own for an exec, io_uring, an open before the run), the count is not exact and says so.

use foldhash::HashMap;

use event::ProcId;
use event::frame::files::Uses;
use event::model::Actor;
use event::process::Table;

use super::usage::Pool;

#[cfg(test)]
mod tests;

/// One file, and how it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FileKey {
    pub(super) dev: u32,
    pub(super) ino: u64,
    pub(super) generation: u32,
    pub(super) write: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// By the counters, less what was given to a descendant.
    opens: u64,
    /// When the last of them was, `CLOCK_BOOTTIME` nanoseconds.
    opened_ns: u64,
    /// Descriptors of them that were closed, and when the last was.
    closes: u64,
    closed_ns: u64,
    /// By fanotify.
    uses: u64,
    /// In events by now.
    given: u64,
    /// Of `opens`, those that are in events.
    in_events: u64,
    /// The last event in this window that wants some.
    last: u64,
    /// A use in this window whose open is in the count of an ancestor's event.
    lent: bool,
    /// What closes showed that no event has yet.
    pool: Pool,
}

impl Entry {
    /// Opens that are in events and were not known to be; they are from now on.
    fn settle(&mut self) -> u64 {
        let in_events = self.given.min(self.opens).max(self.in_events);
        in_events - std::mem::replace(&mut self.in_events, in_events)
    }
}

/// Sums per process and file.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    processes: HashMap<ProcId, HashMap<FileKey, Entry>>,
    odd: HashMap<FileKey, Odd>,
    opens: u64,
    in_events: u64,
}

/// What an event of a file gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) count: u64,
    /// Whether it is what the opens say.
    pub(super) agrees: bool,
    /// Whether it is a use of an open that an ancestor's event has in its count.
    pub(super) lent: bool,
    /// What closes showed that the events of this window tell of.
    pub(super) pool: Pool,
}

/// Opens of one file by one process without a close.
#[derive(Debug, Clone)]
pub(super) struct Unclosed {
    pub(super) opener: Actor,
    pub(super) key: FileKey,
    pub(super) count: u64,
}

/// Opens and closes of one file that do not go together, by processes that are gone.
#[derive(Debug, Clone, Default)]
struct Odd {
    /// Who opened it first.
    opener: Actor,
    opens: u64,
    closes: u64,
}

/// Files whose odd opens are remembered; those of later ones are in no event, and counted so.
const ODD_FILES: usize = 65_536;

/// How far up an inherited descriptor's opener is looked for.
const ANCESTORS: usize = 16;

impl Ledger {
    /// Opens of a file by a process were counted, the last at `last_ns`.
    pub(super) fn opened(&mut self, id: ProcId, key: FileKey, count: u64, last_ns: u64) {
        let entry = self.entry(id, key);
        entry.opens = entry.opens.saturating_add(count);
        entry.opened_ns = entry.opened_ns.max(last_ns);
        self.opens = self.opens.saturating_add(count);
    }

    /// When a process last opened a file.
    pub(super) fn opened_ns(&self, id: ProcId, key: FileKey) -> Option<u64> {
        let entry = self.processes.get(&id)?.get(&key)?;
        (entry.opens > 0).then_some(entry.opened_ns)
    }

    /// When a process closed its last descriptor of a file; mappings of it may be there still.
    pub(super) fn closed_ns(&self, id: ProcId, key: FileKey) -> Option<u64> {
        let entry = self.processes.get(&id)?.get(&key)?;
        (entry.closes >= entry.opens.max(1)).then_some(entry.closed_ns)
    }

    /// The event with this number tells uses of a file. Call for each event of a window, in order.
    pub(super) fn used(&mut self, id: ProcId, key: FileKey, count: u64, event: u64) {
        let entry = self.entry(id, key);
        entry.uses = entry.uses.saturating_add(count);
        entry.last = event;
        entry.pool.told(count);
    }

    /// Closes showed how a process used a file.
    pub(super) fn showed(&mut self, id: ProcId, key: FileKey, uses: &Uses) {
        let entry = self.entry(id, key);
        entry.closes = entry.closes.saturating_add(uses.closes);
        entry.closed_ns = entry.closed_ns.max(uses.last_ns);
        entry.pool.add(uses);
    }

    /// The events of the window have it.
    pub(super) fn spent(&mut self, id: ProcId, key: FileKey) {
        let entry = self.entry(id, key);
        (entry.pool, entry.lent) = (Pool::default(), false);
    }

    /// A process used a file more often than it opened it: its descriptors may come from an
    /// ancestor, whose opens are then its own. Call between [`Ledger::used`] and [`Ledger::due`].
    pub(super) fn inherit(&mut self, id: ProcId, key: FileKey, table: &Table) {
        let mut mine = *self.entry(id, key);
        let need = mine.uses.saturating_sub(mine.opens);
        if need == 0 {
            return;
        }
        let taken = self.of_ancestors(id, key, table, need, |entry, need| {
            let taken = need.min(entry.opens.saturating_sub(entry.given.max(entry.uses)));
            entry.opens -= taken;
            taken
        });
        // A window ended between the fork and this close: the ancestor's event has the open in its count.
        let counted = self.of_ancestors(id, key, table, need - taken, |entry, need| {
            let counted = need.min(entry.given.saturating_sub(entry.uses));
            entry.uses = entry.uses.saturating_add(counted);
            counted
        });
        mine.opens = mine.opens.saturating_add(taken);
        mine.uses = mine.uses.saturating_sub(counted);
        mine.lent |= counted > 0;
        *self.entry(id, key) = mine;
    }

    /// Asks the ancestors for `need` of their opens of a file, the nearest first; returns how many there were.
    fn of_ancestors(
        &mut self,
        id: ProcId,
        key: FileKey,
        table: &Table,
        need: u64,
        mut ask: impl FnMut(&mut Entry, u64) -> u64,
    ) -> u64 {
        let mut found = 0;
        let mut of = table.get(id).and_then(|process| process.parent);
        for _ in 0..ANCESTORS {
            let Some(ancestor) = of.filter(|_| found < need) else { break };
            let entry = self.processes.get_mut(&ancestor).and_then(|files| files.get_mut(&key));
            found += entry.map_or(0, |entry| ask(entry, need - found));
            of = table.get(ancestor).and_then(|process| process.parent);
        }
        found
    }

    /// What an event gets that told `count` uses.
    pub(super) fn due(&mut self, id: ProcId, key: FileKey, count: u64, event: u64) -> Due {
        let entry = self.entry(id, key);
        let rest = entry.opens.max(entry.uses).saturating_sub(entry.given);
        // The last event of the window takes what fanotify merged.
        let due = if entry.last == event { rest } else { rest.min(count) };
        entry.given = entry.given.saturating_add(due);
        let (agrees, lent, pool) = (entry.uses <= entry.opens, entry.lent, entry.pool);
        let news = entry.settle();
        self.in_events = self.in_events.saturating_add(news);
        Due { count: due, agrees, lent, pool }
    }

    /// What an event gets that tells an open: a count of 0 where other events have it in theirs
    /// already; `counted`: all opens are.
    pub(super) fn due_open(&mut self, id: ProcId, key: FileKey, counted: bool) -> Due {
        let entry = self.entry(id, key);
        let due = entry.opens.saturating_sub(entry.given).max(u64::from(!counted));
        entry.given = entry.given.saturating_add(due);
        let (lent, pool) = (entry.lent, entry.pool);
        let news = entry.settle();
        self.in_events = self.in_events.saturating_add(news);
        Due { count: due, agrees: counted, lent, pool }
    }

    /// A process is gone for good; what it opened and nobody named stays unnamed.
    pub(super) fn forget(&mut self, gone: &Actor) {
        let Some(files) = self.processes.remove(&gone.id) else { return };
        if self.odd.len() + files.len() <= ODD_FILES {
            files.into_iter().for_each(|(key, entry)| self.settle(gone, key, entry));
            return;
        }
        // Where not all can be remembered, the same must be each time.
        let mut files: Vec<(FileKey, Entry)> = files.into_iter().collect();
        files.sort_unstable_by_key(|(key, _)| *key);
        files.into_iter().for_each(|(key, entry)| self.settle(gone, key, entry));
    }

    fn settle(&mut self, gone: &Actor, key: FileKey, mut entry: Entry) {
        self.in_events = self.in_events.saturating_add(entry.settle());
        self.keep_odd(gone, key, &entry);
    }

    fn keep_odd(&mut self, actor: &Actor, key: FileKey, entry: &Entry) {
        let (opens, closes) =
            (entry.opens.saturating_sub(entry.given), entry.given.saturating_sub(entry.opens));
        if opens == closes || (self.odd.len() >= ODD_FILES && !self.odd.contains_key(&key)) {
            return;
        }
        let odd = self.odd.entry(key).or_default();
        if odd.opens == 0 {
            odd.opener = actor.clone();
        }
        odd.opens = odd.opens.saturating_add(opens);
        odd.closes = odd.closes.saturating_add(closes);
    }

    /// Hands out the opens without a close of processes that are gone, in the order of the files. A
    /// descriptor that another process closed is in that one's events.
    pub(super) fn unclosed(&mut self) -> Vec<Unclosed> {
        let odd = std::mem::take(&mut self.odd).into_iter();
        let mut found: Vec<Unclosed> = odd
            .filter(|(_, odd)| odd.opens > odd.closes)
            .map(|(key, odd)| Unclosed { opener: odd.opener, key, count: odd.opens - odd.closes })
            .collect();
        found.sort_by_key(|it| (it.opener.id, it.key));
        found
    }

    /// Opens that were in no event are in one now.
    pub(super) fn told(&mut self, count: u64) {
        self.in_events = self.in_events.saturating_add(count);
    }

    /// All processes are gone for good.
    pub(super) fn forget_all(&mut self, table: &Table) {
        let mut all: Vec<ProcId> = self.processes.keys().copied().collect();
        // Who came first counts as the opener of what is odd, and that is the same each time.
        all.sort_unstable_by_key(|id| (id.start_ns, id.pid));
        all.into_iter().for_each(|id| self.forget(&table.actor(id)));
    }

    /// Returns how many opens were counted, and how many of them are in events.
    pub(super) fn sums(&self) -> (u64, u64) {
        (self.opens, self.in_events)
    }

    fn entry(&mut self, id: ProcId, key: FileKey) -> &mut Entry {
        self.processes.entry(id).or_default().entry(key).or_default()
    }
}
