//! The pages of the reading commands.

mod describe;
mod line;
mod line_table;
