//! `audit`: the command line, the front of a run, the pipeline from record to events, the pages.
//!
//! Everything that has an opinion is here or in the pure crates below; nothing here has power.
#![deny(unsafe_code)]

pub mod args;
mod complete;
mod config;
mod derive;
mod diff;
mod dispatch;
mod doctor;
mod event_log;
mod exit;
mod exporting;
mod failure;
mod help;
mod importing;
mod installed;
mod keys;
mod monitor;
mod pages;
pub mod pipeline;
mod retention;
mod ruling;
mod run;
mod setup;
mod shipping;
mod text;
mod verify;

pub use dispatch::main;
