//! The pages of the reading commands.

mod baseline;
mod config;
mod describe;
mod diff;
mod diff_forms;
mod explain;
mod filter;
mod findings;
mod growing;
mod keep;
mod line;
mod line_table;
mod narrow;
mod news;
mod prune;
mod query;
mod query_counts;
mod query_shapes;
mod report;
mod rules;
mod runs;
mod status;
mod tail;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use baseline::baseline;
pub(crate) use config::config;
pub(crate) use describe::{effects_outside, path, verb, who};
pub(crate) use diff::{brief, compared, diff};
pub(crate) use explain::explain;
pub(crate) use findings::Findings;
pub(crate) use growing::Growing;
pub(crate) use keep::keep;
pub(crate) use line::Line;
pub(crate) use news::news;
pub(crate) use prune::prune;
pub(crate) use query::query;
pub(crate) use report::report;
pub(crate) use rules::rules;
pub(crate) use runs::runs;
pub(crate) use status::status;
pub(crate) use tail::tail;
pub(crate) use view::view;

use jiff::Timestamp;

use crate::{
    args::Globals,
    derive::{Opened, ensure_derived},
    failure::Failure,
};

/// The runs that these words mean.
fn ids(store: &storage::Store, words: &[String]) -> Result<Vec<storage::RunId>, Failure> {
    let one = |word: &String| {
        let run = store.select(word).map_err(|why| Failure::of(&why))?;
        match run.bundle() {
            // Its id may be that of a run in the store.
            Some(_) => {
                Err(Failure::new(format!("cannot do that with the bundle {word}: it is a file")))
            }
            None => Ok(run.id().clone()),
        }
    };
    words.iter().map(one).collect()
}

/// Opens the run that `wanted` means, its events derived.
pub(crate) fn open(globals: &Globals, wanted: &str) -> Result<Opened, Failure> {
    ensure_derived(select(globals, wanted)?)
}

/// Finds the run that `wanted` means.
pub(crate) fn select(globals: &Globals, wanted: &str) -> Result<storage::RunDir, Failure> {
    globals.store()?.select(wanted).map_err(|error| {
        let failure = Failure::of(&error);
        match error {
            storage::Error::Select(storage::SelectError::Empty { .. }) => {
                failure.hint("record one: audit run -- CMD")
            }
            storage::Error::Select(_) => failure.hint("audit runs --all"),
            _ => failure,
        }
    })
}

/// Gives the line of each event to `take`, in order, and says what cannot be read.
pub(crate) fn each_event(
    opened: &Opened,
    globals: &Globals,
    take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let found = all(opened, take)?;
    query::tell(&found, opened, globals, true);
    Ok(())
}

/// The same for who looks at them once more: what cannot be read is said another time.
pub(crate) fn look_at_events(
    opened: &Opened,
    take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), Failure> {
    all(opened, take).map(drop)
}

fn all(
    opened: &Opened,
    take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<storage::Found, Failure> {
    let Some(events) = opened.events()? else { return Ok(storage::Found::default()) };
    let query = storage::Query { only_lines: true, ..storage::Query::default() };
    let all = filter::Filter::new(&crate::args::Filters::default())?;
    query::taken(&events, &query, &all, &mut |row| take(row.line))
}

/// How a process ended, by its `exit` or `end` event.
pub(crate) fn outcome(line: &Line) -> String {
    describe::outcome(line.number("code"), line.number("signal"), line.flag("core"))
}

/// Nanoseconds since 1970 of an RFC 3339 text of a record, which may be anything.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let instant: Timestamp = text.parse().ok()?;
    i64::try_from(instant.as_nanosecond()).ok()
}

/// The instant of nanoseconds since 1970.
fn instant(ns: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(ns.into()).ok()
}
