//! Queries without an index: every line is taken apart.

use std::{io, ops::ControlFlow};

use super::{Query, collect::Collector, lines, text::Text};
use crate::{Row, row::Parsed};

/// Gives every event's row to `each` until it breaks. Returns how many lines are no events.
pub(super) fn each(
    text: &Text,
    each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> io::Result<u64> {
    let mut malformed = 0;
    let too_long = lines::forward(text, |line| match Parsed::parse(line) {
        Some(parsed) => each(&parsed.row()).is_continue(),
        None => {
            malformed += 1;
            true
        }
    })?;
    Ok(malformed + too_long)
}

pub(super) fn query(text: &Text, query: &Query, collector: &mut Collector<'_>) -> io::Result<()> {
    let mut take = |row: &Row<'_>| {
        if query.matches(row) && collector.wants(row) {
            collector.take(row)
        } else {
            ControlFlow::Continue(())
        }
    };
    let malformed = match &query.contains {
        Some(word) if query.is_for_a_word() => lines::having(text, word, |line| {
            Parsed::parse(line).is_none_or(|parsed| take(&parsed.row()).is_continue())
        })?,
        _ => each(text, &mut take)?,
    };
    collector.found.malformed += malformed;
    Ok(())
}
