//! Rules: conditions over events, what they find, and the conditions that queries share with them.
//!
//! Pure: events in, findings out; no clock, no files. Paths are bytes, never only text. Three forms
//! are read (our own, logira's, Sigma) into one tree, which is compiled once into one matcher for
//! each field; see docs/rules.md.
#![forbid(unsafe_code)]

mod builtin;
mod command;
mod dest;
mod engine;
mod error;
mod expr;
mod field;
mod filter;
mod forms;
mod glob;
mod lineage;
mod pattern;
mod problem;
mod program;
mod rule;
mod sample;
mod set;
mod subject;
mod yaml;

pub use dest::Dest;
pub use engine::{Found, Judge, Surroundings};
pub use error::Error;
pub use filter::Filter;
pub use pattern::Pattern;
pub use problem::Problem;
pub use rule::Rule;
pub use set::{Layer, Loader, RuleSet};
pub use subject::{Subject, Text};
