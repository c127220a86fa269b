//! For whom a process acted when: its user changes by records of one ring, what it does comes by
//! others, and rings are not in step.

use foldhash::HashMap;

use event::ProcId;
use event::model::What;

use super::window::Slot;

/// A real user, and since when, boot-clock nanoseconds.
type Since = (u64, u32);

/// Changes of real users in this window and the one before.
#[derive(Debug, Default)]
pub(super) struct Users {
    now: HashMap<ProcId, Vec<Since>>,
    before: HashMap<ProcId, Vec<Since>>,
}

impl Users {
    /// A process acts for another user from `boot_ns` on; until then it did for `known`.
    pub(super) fn change(&mut self, id: ProcId, known: Option<Since>, boot_ns: u64, uid: u32) {
        let changes = self.now.entry(id).or_insert_with(|| known.into_iter().collect());
        changes.push((boot_ns, uid));
    }

    /// Gives these events the user of their time. What a thread changed for itself alone stays.
    pub(super) fn settle<'s>(&self, slots: impl Iterator<Item = &'s mut Slot>) {
        if self.now.is_empty() && self.before.is_empty() {
            return;
        }
        for slot in slots.filter(|slot| !matches!(slot.event.what, What::Cred(_))) {
            let boot_ns = slot.event.boot_ns;
            let Some(actor) = &mut slot.event.actor else { continue };
            let lists = [&self.now, &self.before].into_iter();
            let mut lists = lists.filter_map(|changes| changes.get(&actor.id));
            if let Some(uid) = lists.find_map(|changes| at(changes, boot_ns)) {
                actor.uid = Some(uid);
            }
        }
    }

    /// Begins a new window.
    pub(super) fn end_window(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}

/// The user at a time. Records of one ring are in order.
fn at(changes: &[Since], boot_ns: u64) -> Option<u32> {
    let until = changes.partition_point(|(since, _)| *since <= boot_ns);
    changes.get(until.checked_sub(1)?).map(|(_, uid)| *uid)
}
