//! Tester: goes into the background as daemons do: two forks, a session of its own, `/` as working
//! directory, standard streams closed. There it makes FILE.here, waits until FILE exists, reads it,
//! and ends.
//! `daemonizer FILE`
#![forbid(unsafe_code)]

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio, exit},
    time::Duration,
};

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    let (file, stage) = match args.as_slice() {
        [_, file] => (file, "first"),
        [_, file, stage] => (file, stage.to_str().unwrap_or_default()),
        _ => panic!("daemonizer FILE"),
    };
    match stage {
        // The first child leads a process group no more, so it can open a session.
        "first" => next(file, "second"),
        "second" => {
            rustix::process::setsid().expect("a new session");
            next(file, "third");
        }
        _ => {
            fs::write(Path::new(file).with_extension("here"), "").expect("room");
            xtests::wait::within(Duration::from_secs(120), "the file", || {
                Path::new(file).exists().then_some(())
            });
            fs::read(file).expect("the file is there");
        }
    }
}

fn next(file: &std::ffi::OsStr, stage: &str) {
    let own = std::env::current_exe().expect("a program has a file");
    let mut command = Command::new(own);
    command.arg0("daemonizer").arg(file).arg(stage).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it starts");
    exit(0);
}
