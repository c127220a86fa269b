//! Tester: starts a program N times, one after the other. `spawner N PROGRAM [ARG]...`
#![forbid(unsafe_code)]

use std::process::Command;

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, times, program, rest @ ..] = args.as_slice() else { panic!("spawner N PROGRAM") };
    let times: u32 = times.to_str().and_then(|text| text.parse().ok()).expect("a number");
    xtests::gate("ready");
    for _ in 0..times {
        let status = Command::new(program).args(rest).status().expect("it starts");
        assert!(status.success(), "{status}");
    }
    xtests::gate("done");
}
