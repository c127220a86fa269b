//! Events in the formats of others.
//!
//! What comes in are the lines of `events.jsonl.zst`, which are the one JSON form of events, and the page of
//! their run; what goes out are bytes, through an [`std::io::Write`], one event after the other: no format
//! holds a whole run in memory. Pure: no files, no clock, no network. `docs/export.md` documents each format.
#![forbid(unsafe_code)]

mod csv;
mod ecs;
mod envelope;
mod event_line;
mod fields;
mod format;
mod intoto;
mod journal;
mod jsonl;
mod ocsf;
mod otlp;
mod packets;
#[cfg(feature = "parquet")]
pub mod parquet;
mod perfetto;
mod place;
pub mod redact;
mod run;
mod syslog;
#[cfg(test)]
mod tests;

pub use envelope::enveloped;
pub use event_line::Event;
pub use format::{FORMATS, Format, Make, Output, Writer, find};
pub use place::partition;
pub use run::Run;
