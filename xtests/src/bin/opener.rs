//! Tester: opens files `f000000` and on in a directory for reading. `opener DIR FILES ROUNDS`
//!
//! Every round opens each file once, so that repeats of one file are as far apart as they can be.
#![forbid(unsafe_code)]

use std::{fs::File, path::Path};

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, dir, files, rounds] = args.as_slice() else { panic!("opener DIR FILES ROUNDS") };
    let number = |text: &std::ffi::OsString| text.to_str().and_then(|text| text.parse().ok());
    let files: u32 = number(files).expect("a number");
    let rounds: u32 = number(rounds).expect("a number");
    let paths: Vec<_> = (0..files).map(|n| Path::new(dir).join(format!("f{n:06}"))).collect();
    xtests::gate("ready");
    for _ in 0..rounds {
        for path in &paths {
            File::open(path).expect("the file is there");
        }
    }
    xtests::gate("done");
}
