//! Tester: executes a program that has no file: copies PROGRAM into a memfd and runs that.
//! `memfd PROGRAM`
#![forbid(unsafe_code)]

use std::{
    fs::{self, File},
    io::Write,
    os::fd::AsRawFd,
    process::Command,
};

use rustix::fs::{MemfdFlags, memfd_create};

fn main() {
    let program = std::env::args_os().nth(1).expect("memfd PROGRAM");
    // Not close-on-exec: the path below must still mean it in the child.
    let memory = memfd_create(c"nothing", MemfdFlags::empty()).expect("a memfd");
    let mut file = File::from(memory);
    file.write_all(&fs::read(program).expect("it is there")).expect("memory");
    // A file that is open for writing cannot be executed.
    let reopened = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("it is there");
    let duplicate = rustix::io::dup(&reopened).expect("a descriptor");
    drop((file, reopened));
    let status = Command::new(format!("/proc/self/fd/{}", duplicate.as_raw_fd())).status();
    assert!(status.expect("it starts").success());
}
