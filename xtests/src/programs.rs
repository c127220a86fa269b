//! Where the built programs are: beside the folder of the running test.

use std::path::{Path, PathBuf};

/// Returns the program `name` of the same build as the running test.
///
/// # Panics
/// When it is not there; says what to build.
pub(crate) fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a file");
    // target/debug/deps/suite-0123: the programs are one folder up; a tester is beside them.
    let found =
        own.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "cannot find the program {name} near {}: build it with\n  cargo build --workspace --bins",
            own.display()
        )
    })
}

/// Makes `to` the same program as `from`: a hard link, or a copy where there can be none.
pub(crate) fn link(from: &Path, to: &Path) {
    if std::fs::hard_link(from, to).is_ok() {
        return;
    }
    std::fs::copy(from, to)
        .unwrap_or_else(|why| panic!("cannot copy {} to {}: {why}", from.display(), to.display()));
}
