//! Frames of a small real run to events, and to JSON lines.

use std::hint::black_box;

use cli::pipeline::Pipeline;
use criterion::{Criterion, criterion_group, criterion_main};
use event::{
    frame::{AlignedBytes, Frames, MAGIC_BLOCKS, unpacked},
    json,
};

const RUN: &str = "20261121-201530-bench-7k2m";

fn frames() -> AlignedBytes {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/../storage/fixtures/v2/segments/000001.seg");
    let bytes = std::fs::read(run).expect("the fixture");
    unpacked(bytes.strip_prefix(&MAGIC_BLOCKS).expect("magic"), usize::MAX)
}

fn derive(plain: &AlignedBytes, with_json: bool) -> usize {
    let (mut pipeline, mut lines) = (Pipeline::new(RUN), json::Lines::new(RUN));
    let (mut line, mut len) = (Vec::new(), 0);
    let mut take = |event: &event::model::Event| {
        if with_json {
            line.clear();
            lines.line(event, &mut line);
        }
        len += 1 + line.len();
    };
    for frame in Frames::in_block(plain.as_slice(), 1) {
        pipeline.feed(&frame, &mut take);
    }
    pipeline.finish(false, &mut take);
    len
}

fn bench(criterion: &mut Criterion) {
    let plain = frames();
    let count = Frames::in_block(plain.as_slice(), 1).count();
    for (with_json, to) in [(false, "events"), (true, "events and JSON lines")] {
        criterion.bench_function(&format!("{count} frames to {to}"), |bencher| {
            bencher.iter(|| derive(black_box(&plain), with_json));
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
