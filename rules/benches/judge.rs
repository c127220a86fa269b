//! What judging costs: loading 250 rules, and one event.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use event::ProcId;
use event::model::{Actor, Event, Exec, File, FileOp, Net, NetOp, What};
use rules::{Judge, Layer, Loader, RuleSet, Surroundings};

/// Rules that judge.
const RULES: usize = 250;

/// The built-in rules, and as many of a user as make 250.
fn text() -> String {
    let mut text = String::from("rules:\n");
    for number in 0..RULES - RuleSet::builtin().rules.len() {
        text.push_str(&format!(
            "  - {{id: X{number}, title: t, severity: low, when: {{file: {{op: [read, write], path: ['/srv/data-{number}/', '*/x{number}/*.sql']}}, not: {{exe: backup-{number}}}}}}}\n"
        ));
    }
    text
}

fn load(text: &str) -> RuleSet {
    let mut loader = Loader::default();
    loader.add_builtin();
    loader.add(Layer::Given, "x.yml", text);
    loader.finish().expect("they are sound")
}

/// A build: a compiler reads headers and writes objects, now and then something is run or fetched.
fn events() -> Vec<Event> {
    let event = |number: u64, pid: u32, exe: &str, what: What| Event {
        seq: number,
        ts_ns: 1_795_305_600_000_000_000 + number as i64 * 1_000_000,
        boot_ns: number,
        actor: Some(Actor {
            id: ProcId { pid, start_ns: pid.into() },
            ppid: Some(1),
            uid: Some(1000),
            exe: Some(exe.as_bytes().into()),
        }),
        what,
    };
    (0..10_000_u64)
        .map(|number| {
            let pid = 100 + (number / 50) as u32;
            match number % 50 {
                0 => {
                    let argv = b"cc\0-O2\0-Iinclude\0-c\0src/main.c\0-o\0main.o\0".to_vec();
                    let exec =
                        Exec { argv, cwd: Some(b"/home/ana/src/shop".to_vec()), ..Exec::default() };
                    event(number, pid, "/usr/bin/cc", What::Exec(Box::new(exec)))
                }
                1 => {
                    let peer = Some(([198, 51, 100, 7], 443).into());
                    let net = Net { proto: 6, peer, ..Net::new(NetOp::Connect, number) };
                    event(number, pid, "/usr/bin/cc", What::Net(net))
                }
                rest => {
                    let op = if rest % 10 == 0 { FileOp::Write } else { FileOp::Read };
                    let path = format!("/home/ana/src/shop/target/include/part-{number}/header.h");
                    let file = File { path: Some(path.into_bytes()), ..File::new(op) };
                    event(number, pid, "/usr/bin/cc", What::File(file))
                }
            }
        })
        .collect()
}

fn bench(criterion: &mut Criterion) {
    let text = text();
    let set = Arc::new(load(&text));
    assert_eq!(set.rules.len(), RULES);
    let events = events();
    criterion.bench_function("load 250 rules", |bencher| bencher.iter(|| load(black_box(&text))));
    criterion.bench_function("judge 10,000 events", |bencher| {
        bencher.iter(|| {
            let mut judge = Judge::new(set.clone(), Surroundings::default());
            let mut found = 0_u64;
            events.iter().for_each(|event| judge.see(black_box(event), &mut |_| found += 1));
            found
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
