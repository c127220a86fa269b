//! Text for people: escaping what others wrote, widths, tables, units, colour, pager.

mod out;
mod safe;
mod table;
mod units;
mod width;

pub(crate) use out::{BAD, CAUTION, FAINT, GOOD, HEADING, Out, Screen, painted, set_color};
pub(crate) use safe::Safe;
pub(crate) use table::{Align, Table};
pub(crate) use units::{Day, bytes, count, elapsed, offset};
pub(crate) use width::{cut_end, cut_middle, width};
