//! Claims about the pipeline, on records made up here.

mod bench;
mod documents;

mod files;
mod fleet;
mod fuzz;
mod inherited;
mod make;
mod network;
mod opens;
mod processes;
mod programs;
mod record;
mod stored;
mod usage;

use make::{Maker, played};
