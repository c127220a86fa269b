//! Which of the programs of its process an event of a file is of, where the order of the reports does not
//! tell (`supervisor/src/programs.rs`).

use event::ProcId;
use event::model::What;
use event::process::Table;
use foldhash::HashMap;

use super::Pipeline;
use super::counts::FileKey;
use super::window::Slot;

impl Pipeline {
    /// Gives events of the first `ready` to the program that did it.
    pub(super) fn know_programs(&mut self, ready: usize) {
        self.know_leftovers(ready);
        self.know_merged(ready);
    }

    /// What a program had mapped, its own file too, the kernel closes when the next one runs already; and a
    /// file that is executed again may have been reported where it was used before. Who closed its last
    /// descriptor of a file did all that was done to it.
    fn know_leftovers(&mut self, ready: usize) {
        let Pipeline { window, counts, processes, .. } = self;
        // The first program that a process executes follows its maker's, which goes on.
        for slot in window.first(ready).filter(|slot| slot.program > 1) {
            let Some((id, key)) = by(slot) else { continue };
            let later = processes.executed(id).saturating_sub(slot.program);
            let ran = |later| processes.actor_before(id, later).exe;
            let is_before =
                || ran(later + 1).as_deref() == path(slot) && ran(later) != ran(later + 1);
            let program = match counts.closed_ns(id, key) {
                Some(ns) => processes.executed_at(id, ns),
                // The kernel opened it, for an exec.
                None if counts.opened_ns(id, key).is_none() && is_before() => {
                    Some(slot.program - 1)
                }
                None => None,
            };
            if let Some(program) = program.filter(|program| *program < slot.program) {
                give(slot, id, program, processes);
            }
        }
    }

    /// Reports of one file that waited together are one, where the first was. If another program of the
    /// process opened the file since, and no other event tells of that, this one does.
    fn know_merged(&mut self, ready: usize) {
        let Pipeline { window, counts, processes, .. } = self;
        if !window.first(ready).any(|slot| slot.late && slot.key.is_some()) {
            return;
        }
        let mut last: HashMap<(ProcId, FileKey), u32> = HashMap::default();
        for slot in window.first(ready) {
            if let Some(by) = by(slot) {
                let program = last.entry(by).or_default();
                *program = slot.program.max(*program);
            }
        }
        for slot in window.first(ready).filter(|slot| slot.late) {
            let Some((id, key)) = by(slot).filter(|by| last.get(by) == Some(&slot.program)) else {
                continue;
            };
            let opened = counts.opened_ns(id, key).and_then(|ns| processes.executed_at(id, ns));
            if let Some(program) = opened.filter(|program| *program > slot.program) {
                give(slot, id, program, processes);
            }
        }
    }
}

/// Tells an event as done by the program with this number.
fn give(slot: &mut Slot, id: ProcId, program: u32, processes: &Table) {
    let later = processes.executed(id).saturating_sub(program);
    slot.event.actor = Some(processes.actor_before(id, later));
    slot.program = program;
}

fn by(slot: &Slot) -> Option<(ProcId, FileKey)> {
    Some((slot.event.actor.as_ref()?.id, slot.key?))
}

fn path(slot: &Slot) -> Option<&[u8]> {
    match &slot.event.what {
        What::File(file) => file.path.as_deref(),
        _ => None,
    }
}
