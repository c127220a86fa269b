//! Tester: makes, reads, moves and removes a file of each odd name in DIR. `names DIR`
#![forbid(unsafe_code)]

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path};

fn main() {
    let dir = std::env::args_os().nth(1).expect("names DIR");
    let dir = Path::new(&dir);
    for name in xtests::odd_names() {
        let path = dir.join(OsStr::from_bytes(&name));
        fs::write(&path, "x").expect("room");
        fs::read(&path).expect("it is there");
        let mut moved = name.clone();
        // As long as it was: some names have no room to grow.
        if let Some(last) = moved.last_mut() {
            *last = if *last == b'Z' { b'Y' } else { b'Z' };
        }
        let moved = dir.join(OsStr::from_bytes(&moved));
        fs::rename(&path, &moved).expect("it is ours");
        fs::remove_file(&moved).expect("it is ours");
    }
}
