//! What the run does to files, as fanotify tells it: groups, marks, records, names, folding.
//!
//! Made for one thread that must not stop: after set-up nothing here allocates per record, nothing
//! panics on what the kernel or the run wrote, and whatever cannot be told is an item of its own or a
//! counter. Who belongs to the run, what is stored and what it means is decided elsewhere.
//!
//! [`Monitor`] puts the parts together in the one order in which paths come out right; the parts are
//! public for those who need another order.
#![deny(unsafe_code)]

mod ask;
mod dirs;
mod fold;
mod group;
mod hash;
mod kinds;
mod marks;
mod mounts;
mod power;
mod record;
mod reopen;
#[expect(unsafe_code, reason = "the one module that turns kernel numbers into descriptors")]
mod sys;
mod table;
mod view;
mod watch;
mod wire;

pub use dirs::{Above, Dirs, FdFile, Lookup, Stats};
pub use fold::{Entry, FoldTable, Hit, Slot};
pub use group::{Group, Groups, Kind, mask};
pub use marks::{Coverage, Gap, Placed, Placement, Scope, place};
pub use mounts::{Mount, parse};
pub use power::{Own, Power, add_mark};
pub use record::{Buffer, File, Item, Record, Records};
pub use view::Root;
pub use watch::{Drained, Monitor, Seen};
pub use wire::{Handle, walk};
