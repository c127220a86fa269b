//! Run directories: where they are, what they are called, what is in them, how it is found again.
//!
//! Segments are the truth and are only ever read here. `events.jsonl.zst`, `index.sqlite` and
//! `meta.json` are derived from them and can be thrown away; `docs/storage.md` has the bytes.
//! This crate knows no pipeline: finished rows and JSON lines come in, rows and lines go out. It
//! never asks the clock, and it takes every run directory for the work of somebody who wants the
//! reader harm.
#![forbid(unsafe_code)]

mod beside;
mod bundle;
mod derive;
mod error;
mod files;
mod freshness;
mod home;
mod id;
mod key;
mod list;
mod meta;
mod packed;
mod query;
mod row;
mod run;
mod schema;
mod segments;
mod select;
mod store;
#[cfg(test)]
mod testing;
mod text;
mod time;
mod verify;

pub use beside::{Beside, Lock};
pub use bundle::{Arrival, Bundle, Imported, Packed, pack};
pub use derive::{Comparison, DeriveLock, How, Writer};
pub use error::Error;
pub use freshness::{Flaw, Freshness, Problem};
pub use home::{Surroundings, cache, home, is_chosen};
pub use id::RunId;
pub use key::{KEY_LEN, random_key};
pub use list::{Listed, State};
pub use meta::{
    About, Coverage, DerivedFrom, EventsFile, Exit, IndexFile, MAX_META, Meta, SegmentFile, Stamp,
};
pub use query::{
    Activity, Cell, Destination, Events, Field, Found, LISTED, Lens, Match, OfColumn, PathCount,
    Query, Summary, TakeRow, Top, TypeCount, WORDS,
};
pub use row::{Row, read_row};
pub use run::{RunDir, rules_hash};
pub use segments::{Begun, Consumed, Damage, Said, Signed, Tail, Wrong};
pub use select::SelectError;
pub use store::Store;
pub use verify::{
    Anchors, Finding, HostLog, Known, Signer, SignersError, Trusted, Verification, Weight,
    anchor_of_end, anchor_of_start, verify,
};
