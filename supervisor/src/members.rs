//! Who belongs to the run: a table of processes fed by fork, exec and exit records.
//!
//! fanotify names a process by its number alone, and numbers are used again; the table turns the
//! number into (pid, start). All room is taken at the start, pages as they are needed.

use std::cmp::Ordering;

use event::ProcId;
use zerocopy::FromZeros;

use crate::sys;

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

/// Table from pid to process, open addressing with linear probing.
#[derive(Debug)]
pub(crate) struct Members {
    slots: Box<[Slot]>,
    used: usize,
    alive: u32,
    full: u64,
    leaving: [Option<Leaving>; LEAVING],
}

impl Members {
    /// Returns an empty table.
    pub(crate) fn new() -> Self {
        Members { slots: sys::zeroed(SLOTS), used: 0, alive: 0, full: 0, leaving: [None; LEAVING] }
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
        let used = self.used;
        let Some(slot) = self.slot_for(id.pid) else {
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
        self.used = used + usize::from(fresh);
        // A number that is used again means that the earlier process has ended, seen or not.
        self.alive += u32::from(!was_alive);
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
        let Some(slot) = self.slot_for(id.pid) else { return };
        if slot.pid == id.pid && slot.start_ns == id.start_ns && slot.ended_ns == 0 {
            slot.ended_ns = now_ns.max(1);
            self.alive = self.alive.saturating_sub(1);
        }
    }

    /// Returns the process that `pid` stands for in an event read now, and whether it is held back.
    pub(crate) fn find(&mut self, pid: u32) -> Option<(ProcId, bool)> {
        let slot = self.slot_for(pid)?;
        let id = ProcId { pid, start_ns: slot.start_ns };
        (slot.pid == pid && pid != 0).then_some((id, slot.held))
    }

    /// Whether somebody executed as its owner whose earlier events may still wait.
    pub(crate) fn is_left_by_someone(&self) -> bool {
        self.leaving.iter().any(Option::is_some)
    }

    /// The queues of events without a time are about to be read.
    pub(crate) fn about_to_read(&mut self) {
        self.leaving.iter_mut().flatten().for_each(|leaving| leaving.waited = true);
    }

    /// They were read until they were empty: what comes now was done after what was known before.
    pub(crate) fn all_read(&mut self) {
        for at in 0..LEAVING {
            let Some(place) = self.leaving.get_mut(at) else { return };
            let Some(Leaving { id, .. }) = place.take_if(|leaving| leaving.waited) else {
                continue;
            };
            if let Some(slot) = self.slot_for(id.pid)
                && slot.pid == id.pid
                && slot.start_ns == id.start_ns
            {
                slot.held = false;
            }
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

    fn slot_for(&mut self, pid: u32) -> Option<&mut Slot> {
        let start = home(pid);
        let at = (0..SLOTS)
            .map(|step| (start + step) % SLOTS)
            .find(|at| self.slots.get(*at).is_none_or(|slot| slot.pid == pid || slot.pid == 0))?;
        // One slot stays free so that a search for a stranger ends.
        let slot = self.slots.get_mut(at)?;
        if slot.pid == 0 && self.used + 1 >= SLOTS { None } else { Some(slot) }
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
                hole = at;
            }
        }
        if let Some(empty) = self.slots.get_mut(hole) {
            *empty = Slot::default();
        }
    }
}

/// Fibonacci hashing: neighbouring pids spread out.
fn home(pid: u32) -> usize {
    let mixed = u64::from(pid).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 47).unwrap_or(0) % SLOTS
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn id(pid: u32, start_ns: u64) -> ProcId {
        ProcId { pid, start_ns }
    }

    #[test]
    fn a_number_used_again_is_the_new_process() {
        let mut members = Members::new();
        members.born(id(7, 100), false);
        members.ended(id(7, 100), 150);
        assert_eq!(members.find(7), Some((id(7, 100), false)), "its last closes are still to come");
        members.born(id(7, 200), false);
        assert_eq!(members.find(7), Some((id(7, 200), false)));
        members.ended(id(7, 100), 250);
        assert_eq!(members.alive(), 1, "a late end of the earlier one does not end the later");
    }

    #[test]
    fn an_ended_process_is_forgotten_after_a_second() {
        let mut members = Members::new();
        members.born(id(7, 100), false);
        members.ended(id(7, 100), 200);
        members.forget_ended(200 + KEEP_NS);
        assert!(members.find(7).is_some());
        members.forget_ended(201 + KEEP_NS);
        assert!(members.find(7).is_none());
    }

    #[test]
    fn who_executes_as_its_owner_is_held_back_until_its_earlier_events_are_read() {
        let mut members = Members::new();
        members.born(id(7, 100), true);
        assert_eq!(members.find(7), Some((id(7, 100), true)));
        members.about_to_read();
        members.born(id(7, 100), false);
        members.all_read();
        assert_eq!(members.find(7), Some((id(7, 100), true)), "told while the queues were read");
        members.about_to_read();
        assert_eq!(members.find(7), Some((id(7, 100), true)));
        members.all_read();
        assert_eq!(members.find(7), Some((id(7, 100), false)));
        members.born(id(7, 100), true);
        assert_eq!(members.find(7), Some((id(7, 100), true)));
    }

    #[test]
    fn who_is_held_back_again_meanwhile_stays_so() {
        let mut members = Members::new();
        members.born(id(7, 100), true);
        members.born(id(7, 100), false);
        members.born(id(7, 100), true);
        members.about_to_read();
        members.all_read();
        assert_eq!(members.find(7), Some((id(7, 100), true)));
    }

    #[test]
    fn a_full_table_counts_and_goes_on() {
        let mut members = Members::new();
        for pid in 1..=u32::try_from(SLOTS).unwrap() + 10 {
            members.born(id(pid, 1), false);
        }
        assert_eq!(members.full(), 11);
        assert_eq!(members.find(4_000_000), None);
    }

    proptest! {
        #[test]
        fn it_answers_like_a_hash_map(steps in prop::collection::vec((0u8..3, 1u32..60, 1u64..4), 0..200)) {
            let mut members = Members::new();
            let mut model: HashMap<u32, (u64, u64)> = HashMap::new();
            let mut now = 1;
            for (step, pid, start) in steps {
                // Far apart in the number space, near in the table.
                let pid = pid.wrapping_mul(2_654_435_769) | 1;
                now += KEEP_NS / 3;
                match step {
                    0 => {
                        members.born(id(pid, start), false);
                        if model.get(&pid).is_none_or(|(known, _)| *known != start) {
                            model.insert(pid, (start, 0));
                        }
                    }
                    1 => {
                        members.ended(id(pid, start), now);
                        if let Some(known) = model.get_mut(&pid).filter(|k| k.0 == start && k.1 == 0) {
                            known.1 = now;
                        }
                    }
                    _ => {
                        members.forget_ended(now);
                        model.retain(|_, known| known.1 == 0 || now - known.1 <= KEEP_NS);
                    }
                }
                let found = members.find(pid).map(|(it, _)| it.start_ns);
                prop_assert_eq!(found, model.get(&pid).map(|known| known.0));
                let alive = model.values().filter(|known| known.1 == 0).count();
                prop_assert_eq!(members.alive() as usize, alive);
            }
        }
    }
}
