//! The BPF programs of the base tier: their table, loader, rings and probe.
//!
//! Each object (see [`Topic`]) loads on its own: one that the kernel refuses degrades that source,
//! by name, and no other. Nothing here interprets a record; that is `event::wire`.
#![deny(unsafe_code)]

mod attach;
mod bpffs;
mod error;
mod held;
mod links;
mod load;
mod memory;
mod objects;
mod probe;
mod programs;
mod source;
mod types;
mod verify;

pub use error::Error;
pub use load::{Loaded, Owner, Settings, forget, load, read_ahead};
pub use probe::{Probed, probe};
pub use programs::{Hook, Need, PROGRAMS, Program, Topic};
pub use source::{Counts, Left, Ring, Source};
