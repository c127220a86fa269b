//! What columns of the index cannot say: patterns, networks, words in the line.

use storage::Row;

use crate::{args::Filters, failure::Failure};

/// Conditions on a row, all of which must hold.
pub(super) struct Filter {
    contains: Option<Vec<u8>>,
}

impl Filter {
    /// Reads the conditions.
    pub(super) fn new(filters: &Filters) -> Result<Filter, Failure> {
        Ok(Filter { contains: filters.contains.as_ref().map(|text| text.clone().into_bytes()) })
    }

    /// Returns whether all hold for `row`.
    pub(super) fn keeps(&self, row: &Row<'_>) -> bool {
        self.contains.as_ref().is_none_or(|c| row.line.windows(c.len().max(1)).any(|w| w == c))
    }
}
