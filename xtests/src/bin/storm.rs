//! Tester: starts a program N times from several threads at once. `storm N THREADS PROGRAM [ARG]...`
//!
//! `Command` uses posix_spawn, which is vfork and exec: the child borrows its parent's memory.
#![forbid(unsafe_code)]

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, times, threads, program, rest @ ..] = args.as_slice() else {
        panic!("storm N THREADS PROGRAM")
    };
    let number = |text: &std::ffi::OsString| text.to_str().and_then(|text| text.parse().ok());
    let times: u32 = number(times).expect("a number");
    let threads: u32 = number(threads).expect("a number");
    xtests::gate("ready");
    let begun = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while begun.fetch_add(1, Ordering::Relaxed) < times {
                    let status = Command::new(program).args(rest).status().expect("it starts");
                    assert!(status.success(), "{status}");
                }
            });
        }
    });
    xtests::gate("done");
}
