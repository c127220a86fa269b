//! Records of a fanotify group, taken apart: 10,000 as one read gives them.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

const COUNT: usize = 10_000;

fn records() -> Vec<u8> {
    let of = |name: &str| {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/fanotify");
        std::fs::read(format!("{corpus}/{name}")).expect("the corpus")
    };
    [of("close-write"), of("rename")].concat().repeat(COUNT / 2)
}

fn bench(criterion: &mut Criterion) {
    let records = records();
    assert_eq!(fsmon::walk(&records), (COUNT, 0));
    criterion.bench_function("take 10,000 fanotify records apart", |bencher| {
        bencher.iter(|| fsmon::walk(black_box(&records)));
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
