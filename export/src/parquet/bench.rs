//! Many events of many runs, made up: `scripts/fleet-bench.sh` measures with them.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::PathBuf,
    time::Instant,
};

use serde_json::json;

use super::open;
use crate::{Event, Run, partition};

/// What a build job does, over and over: lines differ in pids, files, peers and times.
fn line(run: &str, seq: u64, seed: u64) -> String {
    let chance = (seq ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let (pid, second) = (1000 + seq / 40, seq / 100 % 86_400);
    let head = format!(
        r#"{{"run":"{run}","seq":{seq},"ts":"2026-11-22T{:02}:{:02}:{:02}.{:09}Z","type":"#,
        second / 3600,
        second / 60 % 60,
        second % 60,
        chance % 1_000_000_000
    );
    let by = format!(
        r#""pid":{pid},"start_ns":{},"ppid":{},"uid":1000,"exe":"/usr/bin/tool{}""#,
        pid * 977,
        pid - 1,
        pid % 60
    );
    match seq % 40 {
        0 => format!(r#"{head}"process","op":"fork",{by},"child_pid":{}}}"#, pid + 1),
        1 => format!(
            r#"{head}"exec",{by},"argv":["tool{}","-c","src/file{}.c"],"argv_len":40,"cwd":"/src/project","exe_ino":{}}}"#,
            pid % 60,
            chance % 4000,
            pid % 60
        ),
        2 => format!(
            r#"{head}"net","op":"flow",{by},"proto":"tcp","family":4,"peer":"192.0.2.{}:443","host":"h{}.example.org","sent_bytes":{},"received_bytes":{}}}"#,
            chance % 250,
            chance % 250,
            chance % 90_000,
            chance % 900_000
        ),
        3 if chance.is_multiple_of(50) => format!(
            r#"{head}"finding",{by},"rule":"TMP-EXEC","severity":"medium","title":"A file was made and executed","cause":{},"count":1}}"#,
            seq - 1
        ),
        39 => format!(r#"{head}"process","op":"exit",{by},"code":0,"utime_ns":{chance}}}"#),
        n if n % 4 == 0 => format!(
            r#"{head}"file","op":"write",{by},"path":"/src/project/out/file{}.o","count":1,"size_after":{},"dev":66305,"ino":{}}}"#,
            chance % 4000,
            chance % 90_000,
            chance % 4000
        ),
        _ => format!(
            r#"{head}"file","op":"read",{by},"path":"/usr/include/part{}/header{}.h","count":{},"dev":66305,"ino":{}}}"#,
            chance % 40,
            chance % 3000,
            1 + chance % 5,
            chance % 3000
        ),
    }
}

/// AUDIT_BENCH_DIR says where to, AUDIT_BENCH_RUNS (1,000) and AUDIT_BENCH_EVENTS (10,000 each) how many.
#[test]
#[ignore = "measures, for minutes: scripts/fleet-bench.sh"]
fn many_runs() {
    let number =
        |name: &str, usual| std::env::var(name).map_or(usual, |v| v.parse().expect("a number"));
    let dir =
        PathBuf::from(std::env::var_os("AUDIT_BENCH_DIR").expect("AUDIT_BENCH_DIR says where to"));
    let (runs, events) = (number("AUDIT_BENCH_RUNS", 1_000), number("AUDIT_BENCH_EVENTS", 10_000));
    let (mut text, mut writing) = (0, std::time::Duration::ZERO);
    for run in 0..runs {
        let (day, host) = (1 + run % 20, run % 25);
        let id = format!("202611{day:02}-{run:06}-build-{run:04}");
        let started = format!("2026-11-{day:02}T00:00:00Z");
        let host = format!("build-{host}");
        let page = json!({"host": host, "name": "build", "user": "ci", "started": started});
        let page = page.as_object().cloned().expect("an object");
        let lines: Vec<String> = (1..=events).map(|seq| line(&id, seq, run)).collect();
        text += lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
        let begun = Instant::now();
        let place = dir.join(partition(&started, &host));
        fs::create_dir_all(&place).expect("room");
        let file = File::create(place.join(format!("{id}.parquet"))).expect("room");
        let mut writer = open(Box::new(BufWriter::new(file)));
        writer.run(&Run { id, page, ..Run::default() }).expect("room");
        for line in &lines {
            writer.event(&Event::parse(line.as_bytes())).expect("room");
        }
        writer.finish().expect("room");
        writing += begun.elapsed();
    }
    let all = runs * events;
    println!(
        "{all} events of {runs} runs, {text} bytes of lines: written in {:.1} s, {:.0} events a second",
        writing.as_secs_f64(),
        all as f64 / writing.as_secs_f64()
    );
}
