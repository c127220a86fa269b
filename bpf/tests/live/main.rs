//! The programs on the running kernel: what is done in a leaf comes back as records.
//!
//! Needs root. Each test makes its own leaf and loads its own programs, so that every test is also
//! the foreign noise of the others.

mod actor;
mod leaf;
mod loss;
mod net;
mod opens;
mod process;
mod run;
mod wakes;
