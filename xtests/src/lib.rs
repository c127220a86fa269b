//! What the end-to-end suites share: the programs under test, a scratch place for each test, runs
//! with their records, and waiting with deadlines.
//!
//! A suite starts both programs as a user would and reads what they leave behind. Nothing here uses
//! the code under test: records are taken apart by this crate's own few lines.
#![forbid(unsafe_code)]

mod coverage;
mod event;
mod gate;
pub mod installed;
mod lab;
mod leftovers;
mod machine;
mod mount;
mod odd;
mod programs;
mod recorded;
mod run;
mod stopped;
pub mod strace;
mod terminal;
mod testers;
mod told;
pub mod wait;

pub use coverage::{Loss, Tally};
pub use event::Event;
pub use gate::gate;
pub use lab::Lab;
pub use leftovers::{leaves, leaves_named, processes_running};
pub use machine::Machine;
pub use mount::Tmpfs;
pub use odd::odd_names;
pub use recorded::{Recorded, lines, packed};
pub use run::{Run, Running};
pub use terminal::Terminal;
pub use testers::not_run;

/// Whether the long forms of the tests are asked for (docs/development.md).
#[must_use]
pub fn long() -> bool {
    std::env::var_os("AUDIT_TEST_LONG").is_some_and(|value| value == "1")
}
