//! The privileged recorder: makes the run's leaf, attaches, marks, and appends what the kernel said to
//! the segments. It parses nothing that a user wrote.
//!
//! The library exists for the program `audit-supervisor` and for its tests.
#![deny(unsafe_code)]

mod admission;
mod arguments;
mod attention;
mod cgroup;
mod channel;
mod clock;
mod files;
mod hashes;
mod inherited;
mod keeper;
#[cfg(test)]
mod kernel;
mod keys;
mod lockdown;
mod losses;
mod marking;
mod members;
mod named;
mod namespaces;
mod open_files;
mod opens;
mod pace;
mod powers;
mod probe;
mod processes;
mod programs;
mod queues;
mod recorder;
mod redaction;
mod refusal;
mod segment;
mod sensors;
mod session;
mod source;
mod standing;
mod statement;
mod store;
mod sys;
mod wakes;
mod who;
mod window;
mod written;

/// Runs the program: `--probe` tries what this machine can record and prints it; else a run is
/// recorded for the front at standard input. Returns the exit status.
#[must_use]
pub fn main() -> u8 {
    let mut words = std::env::args_os().skip(1);
    match (words.next(), words.next()) {
        (Some(word), None) if word == "--probe" => probe(),
        (None, None) => record(),
        _ => {
            eprintln!("usage: audit-supervisor [--probe]\nIt is started by `audit run`.");
            2
        }
    }
}

fn probe() -> u8 {
    let all = powers::PLACES | powers::PROGRAMS | powers::MARKS;
    let printed = inherited::clean_alone().and_then(|(_, powers)| powers.with(all, probe::print));
    printed.unwrap_or_else(|why| {
        println!("recorder\tfail\tcannot prepare: {why}");
        1
    })
}

fn record() -> u8 {
    sys::map_large_tables();
    match inherited::clean() {
        Ok((socket, standing, powers)) => {
            session::serve(socket, standing, &powers);
            0
        }
        Err(why) => {
            eprintln!("audit-supervisor: cannot prepare the recording: {why}");
            1
        }
    }
}
