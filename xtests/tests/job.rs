//! A real job: what the record says of it agrees with strace.
#![forbid(unsafe_code)]

use std::{path::Path, process::Command};

use xtests::Lab;

#[test]
fn a_clone_and_a_parallel_build_agree_with_strace() {
    let lab = Lab::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/compare-strace.sh");
    let done = Command::new("sh")
        .arg(script)
        .arg(lab.work().join("compare"))
        .env("AUDIT", lab.program("audit"))
        .env("COMPARE", lab.program("compare"))
        .env("AUDIT_HOME", lab.home())
        .output()
        .expect("sh starts");
    let said = [done.stdout.as_slice(), done.stderr.as_slice()].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(done.status.success(), "{}:\n{said}", done.status);
    for what in ["executed", "read", "written", "created", "deleted", "renamed"] {
        let line = said.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        let paths = line.split(' ').nth(1).and_then(|number| number.parse::<u32>().ok());
        assert!(paths.is_some_and(|paths| paths > 0), "nothing was {what}, says: {line:?}\n{said}");
    }
}
