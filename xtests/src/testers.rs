//! Testers in C, for roads that need exact system calls; and roads that cannot be gone here.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Lab, programs};

/// Where [`not_run`] writes to, beside the built programs; scripts/test.sh prints it at its end.
const NOT_RUN: &str = "not-run.txt";

impl Lab {
    /// Path of the tester `xtests/testers/NAME.c`, for everybody to execute.
    ///
    /// It is built once for each place: the compiler takes a tenth of a second.
    ///
    /// # Panics
    /// When the compiler fails: shows what it said.
    #[must_use]
    pub fn tester(&self, name: &str) -> PathBuf {
        let path = self.bin().join(name);
        if path.exists() {
            return path;
        }
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("testers");
        let source = sources.join(name).with_extension("c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-Wall", "-pthread", "-o"]).arg(&path).arg(&source);
        let made = compiler.output().expect("scripts/setup.sh installs a C compiler");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "cannot compile {}:\n{said}", source.display());
        path
    }
}

/// Tells that `road` was not tried here, and why: nothing that did not run may look passed.
///
/// # Panics
/// When there is no room for the line.
pub fn not_run(road: &str, why: &str) {
    let line = format!("not run: {road}: {why}\n");
    eprint!("{line}");
    let beside = programs::built("audit");
    let list = beside.with_file_name(NOT_RUN);
    let file = OpenOptions::new().create(true).append(true).open(&list);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|why| panic!("cannot write to {}: {why}", list.display()));
}
