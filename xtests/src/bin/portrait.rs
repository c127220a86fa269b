//! Tester: prints what a process can see of how it was started. What differs from process to process
//! by nature (pids) is told as relations.
#![forbid(unsafe_code)]

use std::{
    fs,
    os::{fd::AsRawFd, unix::ffi::OsStrExt},
};

use rustix::process::getpriority_process;

fn main() {
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    for arg in std::env::args_os() {
        println!("arg {}", shown(arg.as_bytes()));
    }
    // The block itself, in its order, duplicates included.
    let environment = fs::read("/proc/self/environ").expect("proc");
    for entry in environment.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        println!("env {}", shown(entry));
    }
    println!("cwd {:?}", std::env::current_dir());
    println!("nice {:?}", getpriority_process(None));
    tell_file("/proc/self/limits");
    tell_file("/proc/self/oom_score_adj");
    tell_status();
    tell_descriptors();
    let stat = fs::read_to_string("/proc/self/stat").expect("proc");
    let behind = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let field = |nth: usize| behind.split_whitespace().nth(nth).unwrap_or_default().to_owned();
    // Both can be 0: of a group, or a session, that has no number in our pid namespace.
    println!("own group {}", field(2) == std::process::id().to_string());
    println!("group {} session {}", field(2), field(3));
    println!("tty {} foreground {}", field(4), field(5));
    println!("policy {} priority {}", field(38), field(37));
}

fn tell_file(path: &str) {
    for line in fs::read_to_string(path).expect("proc").lines() {
        println!("{path} {line}");
    }
}

/// Signals, umask, rights: all that exec keeps.
fn tell_status() {
    const KEPT: [&str; 17] = [
        "Umask",
        "Uid",
        "Gid",
        "Groups",
        "SigPnd",
        "ShdPnd",
        "SigBlk",
        "SigIgn",
        "SigCgt",
        "CapInh",
        "CapPrm",
        "CapEff",
        "CapBnd",
        "CapAmb",
        "NoNewPrivs",
        "Seccomp",
        "Cpus_allowed",
    ];
    for line in fs::read_to_string("/proc/self/status").expect("proc").lines() {
        if KEPT.iter().any(|name| line.split(':').next() == Some(name)) {
            println!("status {line}");
        }
    }
}

fn tell_descriptors() {
    let dir = fs::File::open("/proc/self/fd").expect("proc");
    let own = dir.as_raw_fd();
    let mut list: Vec<i32> = fs::read_dir("/proc/self/fd")
        .expect("proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    list.sort_unstable();
    for fd in list {
        // The directory that is being read has a descriptor of its own, gone by now.
        let Ok(target) = fs::read_link(format!("/proc/self/fd/{fd}")) else { continue };
        if fd != own {
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
            let flags = info.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
            println!("fd {fd} {} {flags}", target.display());
        }
    }
}
