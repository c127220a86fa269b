//! 10,000 events into lines and index, all indexes made at the end: what `audit` does with a run behind the pipeline.

use std::{ffi::OsStr, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use storage::{Consumed, DeriveLock, How, Meta, Row, Store, Writer};

const COUNT: u64 = 10_000;

fn derive(paths: &[String], line: &[u8]) -> u64 {
    let home = tempfile::tempdir().expect("a directory");
    let store = Store::open(home.path());
    let run = store.create_run(1_795_292_130, None, OsStr::new("/bin/sh")).expect("a run");
    let lock = DeriveLock::take(&run).expect("it locks").expect("it is free");
    let mut writer = Writer::begin(&run, lock, How::Again(&[])).expect("a writer");
    for seq in 1..=COUNT {
        let row = Row {
            seq,
            ts_ns: 1_795_292_130_000_000_000 + seq as i64 * 31_337,
            kind: "file",
            op: Some(if seq % 10 == 0 { "write" } else { "read" }),
            pid: Some(4_000 + (seq / 50) as u32),
            ppid: Some(3_999),
            uid: Some(1000),
            exe: Some(b"/usr/lib/gcc/x86_64-linux-gnu/12/cc1"),
            path: Some(paths[(seq as usize * 7_919) % paths.len()].as_bytes()),
            count: 1,
            line,
            ..Row::default()
        };
        writer.push(&row).expect("it is taken");
    }
    let consumed = Consumed::default();
    writer.finish(Meta::default(), &consumed, 1).expect("it is written").events.lines
}

fn bench(criterion: &mut Criterion) {
    let paths: Vec<String> = (0..1_000)
        .map(|number| format!("/usr/include/part-{}/header_{number}.h", number % 40))
        .collect();
    let line = vec![b'x'; 300];
    let mut group = criterion.benchmark_group("store");
    group.sample_size(20);
    group.bench_function("write 10,000 lines and rows", |bencher| {
        bencher.iter(|| derive(black_box(&paths), &line));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
