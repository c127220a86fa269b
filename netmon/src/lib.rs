//! Sockets over time: out of single records, what was said to whom and how much, and what the hosts
//! are called.
//!
//! Pure: records in, events out; names of programs and times of day are the pipeline's.
#![forbid(unsafe_code)]

mod aged;
mod assembler;
mod conversation;
mod cursor;
mod dns;
mod flows;
mod foreign;
mod hosts;
mod http;
mod quic;
mod recent;
mod tls;

pub use conversation::Done;
pub use flows::{Flows, Said};
pub use foreign::ForeignUses;
pub use hosts::Hosts;
