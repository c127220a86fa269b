//! The ground floor that both programs share: wire records, segment form, event model.
//!
//! Pure: no clock, no files, no kernel. What the kernel said comes in as bytes and goes out as
//! borrowed, checked views; what cannot be read is a [`Malformed`], never a panic.
#![forbid(unsafe_code)]

pub mod coverage;
pub mod digest;
pub mod errno;
pub mod frame;
pub mod handle;
pub mod install;
pub mod json;
pub mod model;
pub mod path;
pub mod process;
pub mod protocol;
pub mod redact;
pub mod sign;
pub mod time;
pub mod wire;

pub use wire::{Malformed, ProcId};
