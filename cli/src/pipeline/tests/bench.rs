//! How fast it is: run with `cargo test -p cli --lib -- --ignored --nocapture speed`.

use std::hint::black_box;
use std::time::Instant;

use event::frame::Frames;
use event::json;

use super::super::Pipeline;
use super::Maker;
use super::make::RUN;

/// A build in small: forks, execs, reads, writes, opens, exits.
fn build(processes: u32) -> Maker {
    let mut maker = Maker::begun();
    maker.exec(2, "/usr/bin/make", b"make\0-j2\0");
    for dir in 1..50 {
        maker.dir(dir, dir, Ok(format!("/usr/include/part/{dir}").as_bytes()));
    }
    for pid in 100..100 + processes {
        maker.fork(2, pid);
        maker.exec(pid, "/usr/lib/gcc/cc1", b"cc1\0-quiet\0-O2\0main.c\0-o\0main.s\0");
        for file in 0..40 {
            maker.file(pid, 0x10, 1000 + file, 1 + file % 49, b"header.h");
            maker.opens(pid, 1000 + file, 1, 1);
        }
        maker.file(pid, 0x108, 5000 + pid, 1, b"main.s");
        maker.exit(pid, 0);
        if pid % 20 == 0 {
            maker.checkpoint();
        }
    }
    maker.sealed()
}

#[test]
#[ignore = "a measurement, not a claim; machines differ"]
fn speed() {
    let maker = build(2000);
    let count = Frames::new(maker.bytes.as_slice(), None).count();
    for with_json in [false, true] {
        let (mut pipeline, mut out) = (Pipeline::new(RUN), Vec::new());
        let begin = Instant::now();
        for frame in Frames::new(maker.bytes.as_slice(), None) {
            pipeline.feed(&frame, &mut |event| {
                if with_json {
                    out.clear();
                    json::line(RUN, event, &mut out);
                }
                black_box(&out);
            });
        }
        let took = begin.elapsed();
        let rate = count as f64 / took.as_secs_f64();
        println!("{count} frames, json {with_json}: {took:?}, {rate:.0} frames/s");
    }
}
