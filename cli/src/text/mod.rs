//! Text for people: escaping what others wrote, widths, tables, units, colour, pager.

mod json;
mod markdown;
mod out;
mod safe;
mod table;
mod units;
mod width;
mod words;

pub(crate) use json::write_json;
pub(crate) use markdown::{code, markdown};
pub(crate) use out::{BAD, CAUTION, FAINT, GOOD, HEADING, Out, Screen, painted, set_color};
pub(crate) use safe::Safe;
pub(crate) use table::{Align, Table};
pub(crate) use units::{Day, bytes, count, elapsed, offset, rfc3339};
pub(crate) use width::{cut_end, cut_middle, width, wrap};
pub(crate) use words::{command_line, plural, program, signal};
