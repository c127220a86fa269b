//! Sockets over time: out of single records, what was said to whom and how much.
//!
//! Pure: records in, events out; names of programs and times of day are the pipeline's.
#![forbid(unsafe_code)]

mod conversation;
mod flows;
mod recent;

pub use conversation::Done;
pub use flows::{Flows, Said};
