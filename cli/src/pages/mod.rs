//! The pages of the reading commands.

mod describe;
mod filter;
mod line;
mod line_table;
mod prune;
mod query;
mod query_shapes;
mod runs;
mod status;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use describe::effects_outside;
pub(crate) use prune::prune;
pub(crate) use query::query;
pub(crate) use runs::runs;
pub(crate) use status::status;
pub(crate) use view::view;

use jiff::Timestamp;

use crate::{
    args::Globals,
    derive::{Opened, ensure_derived},
    failure::Failure,
};

/// Opens the run that `wanted` means, its events derived.
fn open(globals: &Globals, wanted: &str) -> Result<Opened, Failure> {
    let run = globals.store()?.select(wanted).map_err(|error| {
        let failure = Failure::of(&error);
        match error {
            storage::Error::Select(storage::SelectError::Empty { .. }) => {
                failure.hint("record one: audit run -- CMD")
            }
            storage::Error::Select(_) => failure.hint("audit runs --all"),
            _ => failure,
        }
    })?;
    ensure_derived(run)
}

/// Nanoseconds since 1970 of an RFC 3339 text of a record, which may be anything.
fn nanoseconds(text: &str) -> Option<i64> {
    let instant: Timestamp = text.parse().ok()?;
    i64::try_from(instant.as_nanosecond()).ok()
}

/// The instant of nanoseconds since 1970.
fn instant(ns: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(ns.into()).ok()
}
