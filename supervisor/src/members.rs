//! Who belongs to the run: a table of processes fed by fork, exec and exit records.
//!
//! fanotify names a process by its number alone, and numbers are used again; the table turns the
//! number into (pid, start). All room is taken at the start, pages as they are needed.

use std::cmp::Ordering;

use event::ProcId;
use fsmon::Kind;
use zerocopy::FromZeros;

use crate::{
    programs::{Execs, Program, Programs, Touch},
    sys,
};

/// Slots of the table. A run with more live processes than this many gets them as unknown, counted.
const SLOTS: usize = 1 << 17;

/// How long an ended process is kept after its end was seen: its last closes are queued by fanotify
/// before its exit record, so they are read at most one turn later; a second covers a stopped recorder.
const KEEP_NS: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, Default, FromZeros)]
struct Slot {
    pid: u32,
    start_ns: u64,
    /// 0 while it lives.
    ended_ns: u64,
    held: bool,
}

/// Processes at a time that executed as their owner and of which earlier events may still wait.
const LEAVING: usize = 64;

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    id: ProcId,
    /// The queues began to be read after it was noted.
    waited: bool,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: ProcId,
    /// What it does is held back.
    pub(crate) held: bool,
    /// The program that it was.
    pub(crate) program: Program,
}

/// Table from pid to process, open addressing with linear probing.
#[derive(Debug)]
pub(crate) struct Members {
    slots: Box<[Slot]>,
    /// Of each slot; apart, as the slots are looked through each second.
    programs: Box<[Programs]>,
    execs: Execs,
    used: usize,
    alive: u32,
    full: u64,
    leaving: [Option<Leaving>; LEAVING],
}

impl Members {
    /// Returns an empty table.
    pub(crate) fn new() -> Self {
        Members {
            slots: sys::zeroed(SLOTS),
            programs: sys::zeroed(SLOTS),
            execs: Execs::new(),
            used: 0,
            alive: 0,
            full: 0,
            leaving: [None; LEAVING],
        }
    }

    /// Processes that were born and have not ended.
    pub(crate) fn alive(&self) -> u32 {
        self.alive
    }

    /// Processes that found no slot.
    pub(crate) fn full(&self) -> u64 {
        self.full
    }

    /// Notes that `id` lives, and whether what it does is held back. Known already: only that changes, at
    /// once if it is, else when what it did before is read: [`Members::all_read`].
    pub(crate) fn born(&mut self, id: ProcId, held: bool) {
        if id.pid == 0 {
            return;
        }
        let Some((at, slot)) = self.slot_for(id.pid) else {
            self.full += 1;
            return;
        };
        if slot.pid == id.pid && slot.start_ns == id.start_ns {
            let was_held = slot.held;
            slot.held |= held;
            return self.leave(id, was_held && !held);
        }
        let (fresh, was_alive) = (slot.pid == 0, slot.pid != 0 && slot.ended_ns == 0);
        *slot = Slot { pid: id.pid, start_ns: id.start_ns, ended_ns: 0, held };
        if let Some(programs) = self.programs.get_mut(at) {
            *programs = Programs::default();
        }
        self.used += usize::from(fresh);
        // A number that is used again means that the earlier process has ended, seen or not.
        self.alive += u32::from(!was_alive);
    }

    /// Notes that `id`, known already, executed the file `ino` on `dev`.
    pub(crate) fn executed(&mut self, id: ProcId, dev: u32, ino: u64) {
        if let Some(at) = self.place_of(id)
            && let Some(programs) = self.programs.get_mut(at)
        {
            self.execs.executed(id, dev, ino, programs);
        }
    }

    /// From now on `group` tells what is executed on `dev`.
    pub(crate) fn expect_execs(&mut self, dev: u32, group: Kind) {
        self.execs.marked.expect(dev, group);
    }

    /// Notes that `id` leaves those who are held back, or does not.
    fn leave(&mut self, id: ProcId, leaves: bool) {
        for place in &mut self.leaving {
            if place.is_some_and(|leaving| leaving.id == id) {
                *place = None;
            }
        }
        // Without room it stays held back, which is counted as such.
        if leaves && let Some(place) = self.leaving.iter_mut().find(|place| place.is_none()) {
            *place = Some(Leaving { id, waited: false });
        }
    }

    /// Notes that `id` ended at `now_ns`.
    pub(crate) fn ended(&mut self, id: ProcId, now_ns: u64) {
        let slot = self.place_of(id).and_then(|at| self.slots.get_mut(at));
        if let Some(slot) = slot.filter(|slot| slot.ended_ns == 0) {
            slot.ended_ns = now_ns.max(1);
            self.alive = self.alive.saturating_sub(1);
        }
    }

    /// Returns who `pid` stands for in an event read now.
    pub(crate) fn touched(&mut self, pid: u32, touch: Touch) -> Option<Member> {
        let (at, slot) = self.slot_for(pid)?;
        let Slot { start_ns, held, .. } = *slot;
        if slot.pid != pid || pid == 0 {
            return None;
        }
        let programs = self.programs.get_mut(at)?;
        let program = programs.touched(touch, &mut self.execs.marked);
        Some(Member { id: ProcId { pid, start_ns }, held, program })
    }

    /// Whether somebody executed as its owner whose earlier events may still wait.
    pub(crate) fn is_left_by_someone(&self) -> bool {
        self.leaving.iter().any(Option::is_some)
    }

    /// The queues of events without a time are about to be read.
    pub(crate) fn about_to_read(&mut self) {
        self.leaving.iter_mut().flatten().for_each(|leaving| leaving.waited = true);
        self.execs.about_to_read();
    }

    /// They were read until they were empty: what comes now was done after what was known before.
    pub(crate) fn all_read(&mut self) {
        self.know_programs(false);
        for at in 0..LEAVING {
            let Some(place) = self.leaving.get_mut(at) else { return };
            let Some(Leaving { id, .. }) = place.take_if(|leaving| leaving.waited) else {
                continue;
            };
            let slot = self.place_of(id).and_then(|at| self.slots.get_mut(at));
            slot.into_iter().for_each(|slot| slot.held = false);
        }
    }

    /// A queue lost what it had: nothing can be waited for.
    pub(crate) fn queue_lost(&mut self) {
        self.know_programs(true);
    }

    /// What was done before some execs is told.
    fn know_programs(&mut self, lost: bool) {
        while let Some((id, number)) = self.execs.told(lost) {
            let programs = self.place_of(id).and_then(|at| self.programs.get_mut(at));
            programs.into_iter().for_each(|programs| programs.told_until(number));
        }
    }

    /// Returns whether `id` is known to have ended.
    pub(crate) fn has_ended(&self, id: ProcId) -> bool {
        let start = home(id.pid);
        let slots = (0..SLOTS).filter_map(|step| self.slots.get((start + step) % SLOTS));
        let mut chain = slots.take_while(|slot| slot.pid != 0);
        let found = chain.find(|slot| slot.pid == id.pid);
        found.is_some_and(|slot| match slot.start_ns.cmp(&id.start_ns) {
            Ordering::Equal => slot.ended_ns != 0,
            // Another process has the number by now.
            Ordering::Greater => true,
            Ordering::Less => false,
        })
    }

    /// Forgets processes that ended long before `now_ns`. Call each second, with the queues read.
    pub(crate) fn forget_ended(&mut self, now_ns: u64) {
        let old = |slot: &Slot| {
            slot.pid != 0 && slot.ended_ns != 0 && now_ns.saturating_sub(slot.ended_ns) > KEEP_NS
        };
        let mut at = 0;
        while at < self.slots.len() {
            if self.slots.get(at).is_some_and(old) {
                self.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// The place of a process that is in the table.
    fn place_of(&mut self, id: ProcId) -> Option<usize> {
        let (at, slot) = self.slot_for(id.pid)?;
        (slot.pid == id.pid && slot.start_ns == id.start_ns).then_some(at)
    }

    /// The slot of `pid`, or the one that it would get, and its place.
    fn slot_for(&mut self, pid: u32) -> Option<(usize, &mut Slot)> {
        let start = home(pid);
        let at = (0..SLOTS)
            .map(|step| (start + step) % SLOTS)
            .find(|at| self.slots.get(*at).is_none_or(|slot| slot.pid == pid || slot.pid == 0))?;
        // One slot stays free so that a search for a stranger ends.
        let slot = self.slots.get_mut(at)?;
        if slot.pid == 0 && self.used + 1 >= SLOTS { None } else { Some((at, slot)) }
    }

    /// Empties a slot and moves later ones of its chain up, so that no search ends too early.
    fn remove(&mut self, mut hole: usize) {
        self.used -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) % SLOTS;
            let Some(slot) = self.slots.get(at).copied().filter(|slot| slot.pid != 0) else {
                break;
            };
            let wants = home(slot.pid);
            // Does the way from `wants` to `at` pass the hole?
            if (at + SLOTS - wants) % SLOTS >= (at + SLOTS - hole) % SLOTS {
                if let Some(empty) = self.slots.get_mut(hole) {
                    *empty = slot;
                }
                self.programs.copy_within(at..=at, hole);
                hole = at;
            }
        }
        if let Some(empty) = self.slots.get_mut(hole) {
            *empty = Slot::default();
        }
    }
}

/// Neighbouring pids lie together, so that few pages are touched; 64 at a time are spread out by Fibonacci
/// hashing.
fn home(pid: u32) -> usize {
    const TOGETHER: u32 = 64;
    let mixed = u64::from(pid / TOGETHER).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let group = usize::try_from(mixed >> 47).unwrap_or(0);
    (group * TOGETHER as usize + (pid % TOGETHER) as usize) % SLOTS
}

#[cfg(test)]
mod tests;
