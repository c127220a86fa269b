//! Parquet: the events of a run as typed columns, one file a run, for engines that ask many runs at
//! once. `docs/parquet.md` explains every column.
//!
//! A file is written as the lines come, a row group at a time, so that memory does not follow the
//! length of the run. The same lines make the same bytes: a file can be made again and compared.

mod buffer;
mod line;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use table::{COLUMNS, Column, From, Kind, VERSION};
pub(crate) use writer::open;
