//! The summary at the end of a run.
use storage::RunDir;
use super::{attend::{End, Recorder}, deriving::Derived};
use crate::args::SummaryWhen;
pub(super) fn print(run: &RunDir, end: End, recorder: Recorder, _d: &Derived, _w: SummaryWhen) { eprintln!("audit {} {end:?} {recorder:?}", run.path().display()); }
