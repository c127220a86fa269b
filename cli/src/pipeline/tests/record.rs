//! The record as a whole: start, end, verdict, damage.

use event::frame::control::{KIND_CHECKPOINT, Source, State, TALLY_ACCESS};
use serde_json::json;

use super::{Maker, played};

#[test]
fn a_record_begins_with_what_is_known_of_the_run_and_ends_with_the_verdict() {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/sh", b"sh\0");
    maker.exit(42, 0x300);
    let maker = maker.sealed();
    let lines = maker.lines();
    let first = lines.lines().next().unwrap_or_default();
    assert_eq!(
        first,
        "{\"run\":\"20261121-201530-sh-7k2m\",\"seq\":1,\"ts\":\"2026-11-22T20:15:30.002000000Z\",\"type\":\"start\",\
         \"uid\":1000,\"command\":[\"sh\",\"-c\",\"make\"],\"cwd\":\"/src\",\"user\":\"ana\",\"host\":\"build-3\",\
         \"kernel\":\"6.18.44\",\"version\":\"0.1.0\",\"trust\":\"direct\"}"
    );
    let end = &played(&maker, "end")[0];
    let pick = json!([
        end["verdict"],
        end["reasons"],
        end["ending"],
        end["code"],
        end["processes"],
        end["events"]
    ]);
    assert_eq!(pick, json!(["complete", [], "empty", 3, 1, lines.lines().count()]));
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    let mut maker = Maker::begun();
    maker.dir(1, 2, Ok(b"/tmp"));
    for pid in 42..142 {
        maker.fork(pid, pid + 1);
        let first = maker.file(pid, 0x18, pid, 1, b"a");
        maker.repeat(first, 3);
        maker.opens(pid, pid, 5, 1);
        if pid % 7 == 0 {
            maker.checkpoint();
        }
    }
    let maker = maker.sealed();
    assert_eq!(maker.lines(), maker.lines());
}

#[test]
fn a_record_without_its_seal_is_truncated_and_tells_all_it_has() {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/sh", b"sh\0");
    assert_eq!(played(&maker, "exec").len(), 1);
    let end = &played(&maker, "end")[0];
    assert_eq!(
        (&end["verdict"], &end["reasons"][0]),
        (&json!("truncated"), &json!("the record ends without its seal"))
    );
    assert!(end.get("ending").is_none() && end.get("alive").is_none());
}

#[test]
fn each_source_tells_its_totals_at_the_end() {
    let mut maker = Maker::begun();
    maker.count(TALLY_ACCESS, Source::Access, [9, 2, 7, 0]);
    let sources = played(&maker.sealed(), "source");
    let access = sources.iter().rfind(|event| event["source"] == "access").expect("a statement");
    let pick = json!([
        access["state"],
        access["seen"],
        access["stored"],
        access["folded"],
        access["lost"]
    ]);
    assert_eq!(pick, json!(["on", 9, 2, 7, 0]));
}

#[test]
fn a_loss_is_an_event_with_its_span_and_makes_the_record_partial() {
    let mut maker = Maker::begun();
    maker.lost(Source::Process, 1, 4);
    let maker = maker.sealed();
    let lost = &played(&maker, "lost")[0];
    let pick = json!([lost["source"], lost["cause"], lost["count"], lost["from_ts"].is_string()]);
    assert_eq!(pick, json!(["process", "ring_full", 4, true]));
    assert_eq!(played(&maker, "end")[0]["verdict"], "partial");
}

#[test]
fn frames_that_cannot_be_read_are_counted_and_told_once_a_window() {
    let mut maker = Maker::begun();
    maker.frame(1, &[b"short"]);
    maker.frame(KIND_CHECKPOINT, &[b"short"]);
    maker.frame(1000, &[b"of a later version"]);
    let maker = maker.sealed();
    let lost = played(&maker, "lost");
    assert_eq!(lost.len(), 1);
    assert_eq!(
        json!([lost[0]["source"], lost[0]["cause"], lost[0]["count"]]),
        json!(["record", "malformed", 2])
    );
    let reasons = &played(&maker, "end")[0]["reasons"];
    assert_eq!(
        reasons,
        &json!([
            "2 frames could not be read",
            "1 frames are of kinds that this version does not know"
        ])
    );
}

#[test]
fn a_segment_of_another_run_is_said() {
    let maker = Maker::begun().sealed();
    let mut pipeline = super::super::Pipeline::new("another");
    for frame in event::frame::Frames::new(maker.bytes.as_slice(), Some(1)) {
        pipeline.feed(&frame, &mut |_| {});
    }
    let reasons = pipeline.ended().map(|end| end.reasons.clone());
    assert_eq!(
        reasons,
        Some(vec!["segment 1 is of run 20261121-201530-sh-7k2m, not another".to_owned()])
    );
}

#[test]
fn meta_says_what_the_frames_said() {
    let (_, pipeline) = Maker::begun().sealed().events();
    let mut meta = storage::Meta::default();
    pipeline.describe(&mut meta);
    assert_eq!(
        (meta.host.as_str(), meta.kernel.as_str(), meta.trust.as_str()),
        ("build-3", "6.18.44", "direct")
    );
    assert_eq!(
        (meta.verdict.as_str(), meta.exit.and_then(|exit| exit.code)),
        ("complete", Some(3))
    );
    assert_eq!(meta.started, "2026-11-22T20:15:30.000000000Z");
    assert_eq!(meta.counts.get("start"), Some(&1));
    assert_eq!(meta.coverage.get("process").map(|told| told.state.as_str()), Some("on"));
}

#[test]
fn a_heartbeat_says_which_sources_work_and_what_they_saw() {
    let mut maker = Maker::begun();
    maker.about(r#""heartbeat_ms":1"#);
    maker.source(Source::Network, State::Off, "no cgroup v2");
    maker.fork(42, 43);
    maker.checkpoint();
    maker.exit(43, 0);
    let beats = played(&maker.sealed(), "heartbeat");
    let told: Vec<_> = beats.iter().map(|beat| json!([beat["beat"], beat["seen"]])).collect();
    assert_eq!(told, [json!([1, 1]), json!([2, 2])]);
    assert_eq!(
        beats[0]["sources"],
        json!(["process", "opens", "access", "names", "calls", "hosts"])
    );
    assert_eq!((&beats[0]["alive"], &beats[0]["interval_ms"]), (&json!(1), &json!(1)));
}

/// A record in which the world's clock is set, by these steps, between one program and the next.
fn with_steps(steps: &[i64]) -> Maker {
    let mut maker = Maker::begun();
    for (pid, step) in (42..).zip(steps) {
        maker.step_ns += step;
        maker.checkpoint();
        maker.exec(pid, "/bin/sh", b"sh\0");
        maker.exit(pid, 0);
    }
    maker.sealed()
}

#[test]
fn steps_of_the_clock_change_times_and_neither_order_nor_durations() {
    const DAY: i64 = 86_400_000_000_000;
    let stepped = with_steps(&[0, DAY, -2 * DAY, DAY, 0]);
    let steady = with_steps(&[0; 5]);
    let order = |maker: &Maker| -> Vec<(String, i64)> {
        let lines = maker.lines();
        let events = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let short = |event: serde_json::Value| {
            (event["type"].to_string(), event["pid"].as_i64().unwrap_or_default())
        };
        events.map(short).filter(|(kind, _)| kind != "\"source\"").collect()
    };
    assert_eq!(order(&stepped), order(&steady), "the order is that of the frames");
    let days = |maker: &Maker| -> Vec<String> {
        played(maker, "exec").iter().map(|exec| exec["ts"].to_string()[1..11].to_owned()).collect()
    };
    let said = |maker: &Maker| -> Vec<String> {
        let told = played(maker, "source");
        let told =
            told.iter().filter(|told| told["source"] == "record" && told.get("state").is_none());
        told.map(|told| told["reason"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(said(&steady), Vec::<String>::new());
    let set = |how: &str| format!("the machine's clock was set {how} s");
    assert_eq!(
        said(&stepped),
        [set("forward by 86400.0"), set("back by 172800.0"), set("forward by 86400.0")]
    );
    let took = |maker: &Maker| {
        let mut meta = storage::Meta::default();
        maker.events().1.describe(&mut meta);
        (meta.took_ns, meta.verdict)
    };
    assert_eq!(took(&stepped), took(&steady), "how long it took is asked of the other clock");
    assert_eq!(days(&steady), ["2026-11-22"; 5]);
    // Each is told by the pair of clocks before it.
    assert_eq!(
        days(&stepped),
        ["2026-11-22", "2026-11-23", "2026-11-21", "2026-11-22", "2026-11-22"]
    );
}
