//! The events that are not certain yet, in arrival order.

use std::collections::VecDeque;

use event::model::{ConnectResult, Event, NetOp, What};

use super::counts::FileKey;
use super::directories::Key;

/// An event that may still change.
#[derive(Debug)]
pub(super) struct Slot {
    /// The frame that it comes from.
    pub(super) frame: u64,
    /// The window in which it arrived.
    stretch: u64,
    pub(super) event: Event,
    /// Its process was not in the table when it came.
    pub(super) stranger: bool,
    /// More of its argv is to come.
    pub(super) more_argv: bool,
    /// Which of its process's programs did it, counted from the first.
    pub(super) program: u32,
    /// The process had executed another one when this was read.
    pub(super) late: bool,
    /// Its count may be exact by the counts of opens.
    pub(super) key: Option<FileKey>,
    /// It tells one open, and not, as others do, a close.
    pub(super) opened: bool,
    /// What its paths are made of, when that is a directory's handle.
    pub(super) made_of: Option<Box<MadeOf>>,
    /// A path is missing; its directories may get one.
    pub(super) unnamed: bool,
    /// It is in the count of an earlier event and not told.
    pub(super) folded: bool,
}

/// What the paths of an event are made of.
#[derive(Debug, Clone, Default)]
pub(super) struct MadeOf {
    pub(super) dir: Option<Key>,
    pub(super) name: Vec<u8>,
    pub(super) new_dir: Option<Key>,
    pub(super) new_name: Vec<u8>,
    /// The report told several things.
    pub(super) merged: bool,
}

impl Slot {
    /// Returns whether the event lacks something that may still come.
    fn waits(&self) -> bool {
        self.more_argv || self.unnamed || self.is_pending()
    }

    /// A connect that came at the end of a window has its result in the next.
    fn is_pending(&self) -> bool {
        matches!(&self.event.what, What::Net(net)
            if net.op == NetOp::Connect && net.result == Some(ConnectResult::Pending))
    }
}

/// Events by serial number, which counts from the record's beginning and is never used again.
#[derive(Debug, Default)]
pub(super) struct Window {
    slots: VecDeque<Slot>,
    base: u64,
    stretch: u64,
}

impl Window {
    /// Adds an event and returns its serial number.
    pub(super) fn push(&mut self, frame: u64, event: Event) -> u64 {
        self.slots.push_back(Slot {
            frame,
            stretch: self.stretch,
            event,
            stranger: false,
            more_argv: false,
            program: 0,
            late: false,
            key: None,
            opened: false,
            made_of: None,
            unnamed: false,
            folded: false,
        });
        self.base + self.slots.len() as u64 - 1
    }

    pub(super) fn get(&mut self, serial: u64) -> Option<&mut Slot> {
        let index = usize::try_from(serial.checked_sub(self.base)?).ok()?;
        self.slots.get_mut(index)
    }

    /// Returns what happened in the event with this number, if it is still here.
    pub(super) fn what(&mut self, serial: u64) -> Option<&mut What> {
        self.get(serial).map(|slot| &mut slot.event.what)
    }

    pub(super) fn holds(&self, serial: u64) -> bool {
        serial >= self.base
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns the events that come from a frame. Frames come in order, so they lie together.
    pub(super) fn of_frame(&mut self, frame: u64) -> impl Iterator<Item = &mut Slot> {
        let begin = self.slots.partition_point(|slot| slot.frame < frame);
        self.slots.range_mut(begin..).take_while(move |slot| slot.frame == frame)
    }

    /// Returns the first `count` events, oldest first.
    pub(super) fn first(&mut self, count: usize) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().take(count)
    }

    /// Returns the same with their serial numbers.
    pub(super) fn numbered(&mut self, count: usize) -> impl Iterator<Item = (u64, &mut Slot)> {
        (self.base..).zip(self.slots.iter_mut().take(count))
    }

    /// Returns how many events from the front can be told: up to the first of this window that waits
    /// for something, or all of the `last` window.
    pub(super) fn ready(&self, last: bool) -> usize {
        let waits = |slot: &Slot| !last && slot.stretch == self.stretch && slot.waits();
        self.slots.iter().position(waits).unwrap_or(self.slots.len())
    }

    /// Takes the first `count` events out, once `each` has had them.
    pub(super) fn drain(&mut self, count: usize, each: impl FnMut(&mut Slot)) {
        self.slots.iter_mut().take(count).for_each(each);
        self.slots.drain(..count.min(self.slots.len()));
        self.base += count as u64;
    }

    /// Begins a new window.
    pub(super) fn end_stretch(&mut self) {
        self.stretch += 1;
    }
}
