//! Sigma rules judged by two engines: what happened, as each of them wants it told.
//!
//! Our engine looks at events; the other one (the crate rsigma-eval) at the records that a log of
//! that source would have, as JSON. Both tell the ids of the rules that hold.
#![forbid(unsafe_code)]

mod corpus;
mod happening;
mod ours;
mod theirs;

pub use corpus::{Corpus, files};
pub use happening::{Happening, Kind};
pub use ours::Ours;
pub use theirs::Theirs;
