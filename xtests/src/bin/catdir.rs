//! Tester: for each DIR goes there, reads `file` by its bare name, and comes back.
//! `catdir N BASE`: directories BASE/d000000 and on; with `make` behind it they are made first and
//! removed afterwards.
#![forbid(unsafe_code)]

use std::{fs, path::Path};

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, times, base, rest @ ..] = args.as_slice() else { panic!("catdir N BASE [make]") };
    let times: u32 = times.to_str().and_then(|text| text.parse().ok()).expect("a number");
    let make = rest.first().is_some_and(|word| word == "make");
    let here = std::env::current_dir().expect("a directory");
    for number in 0..times {
        let dir = Path::new(base).join(format!("d{number:06}"));
        if make {
            fs::create_dir(&dir).and_then(|()| fs::write(dir.join("file"), "x")).expect("room");
        }
        std::env::set_current_dir(&dir).expect("the directory is there");
        fs::read("file").expect("the file is there");
        std::env::set_current_dir(&here).expect("it was there");
        if make {
            fs::remove_dir_all(&dir).expect("it is ours");
        }
    }
}
