//! Takes rows in order, asks the caller's predicate, counts, and stops at the limit.

use std::ops::ControlFlow;

use crate::Row;

/// What a query gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Events given.
    pub events: usize,
    /// There are more: the limit was reached before the end.
    pub more: bool,
    /// Lines that are no events and were passed over.
    pub malformed: u64,
    /// What is wrong with the index, when it failed on the way and the lines were read instead.
    pub index_damage: Option<String>,
}

/// Where the rows of a query go.
pub(super) struct Collector<'c> {
    limit: usize,
    columns: &'c mut dyn FnMut(&Row<'_>) -> bool,
    keep: &'c mut dyn FnMut(&Row<'_>) -> bool,
    each: &'c mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    last_seq: Option<u64>,
    pub(super) found: Found,
}

impl<'c> Collector<'c> {
    pub(super) fn new(
        limit: Option<usize>,
        columns: &'c mut dyn FnMut(&Row<'_>) -> bool,
        keep: &'c mut dyn FnMut(&Row<'_>) -> bool,
        each: &'c mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Collector<'c> {
        let limit = limit.unwrap_or(usize::MAX);
        Collector { limit, columns, keep, each, last_seq: None, found: Found::default() }
    }

    /// The last row that was taken.
    pub(super) fn last_seq(&self) -> Option<u64> {
        self.last_seq
    }

    /// Whether the row's line is worth reading, as far as its columns tell.
    pub(super) fn wants(&mut self, row: &Row<'_>) -> bool {
        let wanted = (self.columns)(row);
        if !wanted {
            self.last_seq = Some(row.seq);
        }
        wanted
    }

    /// Takes a row for which the query's conditions hold.
    pub(super) fn take(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        self.last_seq = Some(row.seq);
        if !(self.keep)(row) {
            return ControlFlow::Continue(());
        }
        if self.found.events == self.limit {
            self.found.more = true;
            return ControlFlow::Break(());
        }
        self.found.events += 1;
        (self.each)(row)
    }
}
