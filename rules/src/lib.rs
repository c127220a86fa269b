//! Conditions over events, which queries and rules share.
//!
//! Pure: an event or a row of an index in, yes or no out. Paths are bytes, never only text.
#![forbid(unsafe_code)]

mod dest;
mod error;
mod filter;
mod pattern;
mod subject;

pub use dest::Dest;
pub use error::Error;
pub use filter::Filter;
pub use pattern::Pattern;
pub use subject::{Subject, Text};
