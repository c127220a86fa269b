//! Tester: creates N empty files in a directory. `creator DIR N`
#![forbid(unsafe_code)]

use std::{fs::File, path::Path};

fn main() {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, dir, times] = args.as_slice() else { panic!("creator DIR N") };
    let times: u32 = times.to_str().and_then(|text| text.parse().ok()).expect("a number");
    xtests::gate("ready");
    for number in 0..times {
        let path = Path::new(dir).join(format!("f{number:06}"));
        File::create_new(path).expect("a new file");
    }
    xtests::gate("done");
}
