//! The machine's clock is set while a run goes on. For real only when asked (AUDIT_TEST_CLOCK=1), as all
//! programs of the machine see it; days are tried on a made-up record (`cli`, pipeline::tests::record).
#![forbid(unsafe_code)]

use std::{collections::BTreeSet, time::Duration};

use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};
use xtests::{Lab, wait};

/// Nanoseconds by which the clock is set: enough to be told, little enough for files' times.
const STEP_NS: i64 = 2_000_000_000;

fn now(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// What the world's clock shows more than the kernel's; shown again when this is dropped.
struct Kept(i64);

impl Kept {
    fn new() -> Kept {
        Kept(now(ClockId::Realtime) - now(ClockId::Boottime))
    }

    /// Sets the clock so far from what it showed.
    fn set(&self, by_ns: i64) -> rustix::io::Result<()> {
        let ns = now(ClockId::Boottime) + self.0 + by_ns;
        let time = Timespec { tv_sec: ns / 1_000_000_000, tv_nsec: ns % 1_000_000_000 };
        clock_settime(ClockId::Realtime, time)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.set(0).expect("it was set before");
    }
}

#[test]
fn a_clock_that_is_set_meanwhile_is_told_and_changes_neither_order_nor_duration() {
    const ROAD: &str = "the machine's clock is set while a run goes on";
    if std::env::var_os("AUDIT_TEST_CLOCK").is_none() {
        return xtests::not_run(
            ROAD,
            "all programs of the machine see it: AUDIT_TEST_CLOCK=1 asks for it",
        );
    }
    let lab = Lab::new();
    let kept = Kept::new();
    if let Err(why) = kept.set(0) {
        std::mem::forget(kept);
        return xtests::not_run(ROAD, &format!("cannot set the clock: {why}"));
    }
    let began = now(ClockId::Boottime);
    let ticker = lab.tester("ticker");
    let nothing = lab.nothing();
    let words = [ticker.as_os_str(), "100".as_ref(), nothing.as_os_str()];
    let mut running = lab.run(words).start_ungated();
    running.expect("ready");
    let id = running.dir().file_name().expect("a name").to_string_lossy().into_owned();
    for (by_ns, told) in
        [(STEP_NS, "forward by 2.0 s"), (-STEP_NS, "back by 4.0 s"), (0, "forward by 2.0 s")]
    {
        let count = || {
            // Status 1: there is no event yet.
            let page = lab.ask(["query", &id, "--type", "source", "--format", "jsonl"]);
            String::from_utf8_lossy(&page.stdout)
                .lines()
                .filter(|line| line.contains("clock was set"))
                .count()
        };
        let before = count();
        kept.set(by_ns).expect("it was set before");
        wait::within(Duration::from_secs(20), told, || (count() > before).then_some(()));
    }
    running.hang_up();
    let ticks: Vec<u64> = running
        .line()
        .split_whitespace()
        .map(|word| word.split_once('-').expect("two times").0.parse().expect("a time"))
        .collect();
    let run = running.record();
    let most = u64::try_from(now(ClockId::Boottime) - began).expect("it goes on");
    drop(kept);

    let said: Vec<&str> = run
        .of("source", "")
        .map(|event| event.text("reason"))
        .filter(|reason| reason.contains("clock was set"))
        .collect();
    let set = |how: &str| format!("the machine's clock was set {how} s");
    assert_eq!(said, [set("forward by 2.0"), set("back by 4.0"), set("forward by 2.0")]);
    // All that was started is told, in its order.
    let told: Vec<u64> = run
        .execs_of(&nothing)
        .map(|exec| exec.list("argv")[1].to_string().parse().expect("a time"))
        .collect();
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
    assert_eq!(told, ticks);
    run.assert_adds_up();
    let took = run.meta["took_ns"].as_u64().expect("how long it took");
    let least = ticks.last().zip(ticks.first()).map_or(0, |(last, first)| last - first);
    assert!((least..most).contains(&took), "{least} < {took} < {most}");
}
