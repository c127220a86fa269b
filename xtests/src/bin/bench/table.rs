//! What is printed, and its place in docs/benchmarks.md.

use std::{fs, path::Path, time::Duration};

use crate::{
    sample::{Bench, Sample},
    workloads::Workload,
};

/// Begin of the table. Memory: the supervisor's own + mapped (its file, and a window of each ring), and the front; the
/// most of its two processes' larger one, at rest of both.
pub(crate) const HEAD: &str = "| workload | wall alone, s | wall, ratio (goal) | CPU, ratio (goal) | reached | recorder's CPU, s | memory, MiB: supervisor own + mapped, front | events | bytes/event: log + index | complete |
|---|---|---|---|---|---|---|---|---|---|";

/// The part of the page that is written here lies between these.
const MARKS: (&str, &str) = ("<!-- written by bench -->", "<!-- until here -->");

/// What recording costs a command that does nothing, seconds: less than this each is allowed.
const START_GOAL: f64 = 0.025;

/// Workloads that alone take less than this are measured net of the start-up, which has a row of its own.
const SHORT: f64 = 1.0;

/// A command that does nothing, recorded.
pub(crate) struct Start {
    alone: Sample,
    recorded: Sample,
    wall: f64,
    cpu: f64,
}

impl Start {
    /// Measures it.
    pub(crate) fn measure(bench: &Bench, rounds: usize, limit: Duration) -> Start {
        let nothing = Workload::command("start-up: `true`", "", &["/bin/true"]);
        let pairs = bench.pairs(&nothing, rounds.max(15), limit);
        let more = |of: fn(&Sample) -> f64| middle(pairs.iter().map(|(a, b)| of(b) - of(a)));
        let (wall, cpu) = (more(|it| it.wall), more(|it| it.cpu));
        let (alone, recorded) = medians(&pairs);
        Start { alone, recorded, wall, cpu }
    }

    /// Its row.
    pub(crate) fn row(&self) -> String {
        let goal = START_GOAL * 1000.0;
        format!(
            "| start-up: `true` | {:.3} | +{:.0} ms (+{goal:.0}) | +{:.0} ms (+{goal:.0}) | {} | | {} |",
            self.alone.wall,
            self.wall * 1000.0,
            self.cpu * 1000.0,
            reached(self.wall <= START_GOAL && self.cpu <= START_GOAL),
            tail(&self.recorded),
        )
    }
}

/// The row of a workload.
pub(crate) fn row(workload: &Workload, pairs: &[(Sample, Sample)], start: &Start) -> String {
    let (alone, recorded) = medians(pairs);
    let net = if alone.wall < SHORT { (start.wall, start.cpu) } else { (0.0, 0.0) };
    let ratio =
        |of: fn(&Sample) -> f64, off: f64| middle(pairs.iter().map(|(a, b)| (of(b) - off) / of(a)));
    let (wall, cpu) = (ratio(|it| it.wall, net.0), ratio(|it| it.cpu, net.1));
    let with_goal = |value: f64, goal: Option<f64>| match goal {
        Some(goal) => format!("{value:.2} ({goal:.2})"),
        None => format!("{value:.2}"),
    };
    // As it is printed: to two places.
    let holds = |value: f64, goal: f64| value < goal + 0.005;
    format!(
        "| {} | {:.2} | {} | {} | {} | {:.2} | {} |",
        workload.name,
        alone.wall,
        with_goal(wall, workload.goal.map(|goal| goal.0)),
        with_goal(cpu, workload.goal.map(|goal| goal.1)),
        workload.goal.map_or("", |goal| reached(holds(wall, goal.0) && holds(cpu, goal.1))),
        recorded.recorder.cpu,
        tail(&recorded),
    )
}

/// The row of a recorder that has nothing to do.
pub(crate) fn idle(workload: &Workload, recorded: &Sample) -> String {
    let mut recorded = recorded.clone();
    let (rest, share) = recorded.recorder.at_rest().expect("it lasts some seconds");
    let recorder = &mut recorded.recorder;
    [recorder.own, recorder.mapped, recorder.front] = [rest.own, rest.mapped, rest.front];
    let small = rest.own + rest.mapped <= 6 << 20 && rest.front <= 12 << 20;
    // As it is printed: to one place.
    let calm = share < 0.0005;
    format!(
        "| {} (supervisor 6 MiB, front 12 MiB, 0.0 % of a CPU) | {:.2} | | {:.1} % | {} | {:.2} | {} |",
        workload.name,
        recorded.wall,
        share * 100.0,
        reached(small && calm),
        recorded.recorder.cpu,
        tail(&recorded),
    )
}

fn tail(recorded: &Sample) -> String {
    let events = recorded.events.max(1) as f64;
    if recorded.fails {
        return "fails when it is recorded".to_owned();
    }
    let complete = match (recorded.expected, &recorded.found[..]) {
        (Some(expected), [found]) => format!("{found} of {expected}, {}", recorded.verdict),
        _ => recorded.verdict.clone(),
    };
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "{:.1} + {:.0}, {:.0} | {} | {:.0} + {:.0} | {complete}",
        mib(recorded.recorder.own),
        mib(recorded.recorder.mapped),
        mib(recorded.recorder.front),
        recorded.events,
        recorded.segment_bytes as f64 / events,
        recorded.index_bytes as f64 / events,
    )
}

fn reached(is: bool) -> &'static str {
    if is { "yes" } else { "**no**" }
}

fn middle(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = all.collect();
    all.sort_by(f64::total_cmp);
    let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
    f64::midpoint(low, high)
}

/// The run in the middle of each, by wall time.
fn medians(pairs: &[(Sample, Sample)]) -> (Sample, Sample) {
    let mut alone: Vec<&Sample> = pairs.iter().map(|(a, _)| a).collect();
    let mut recorded: Vec<&Sample> = pairs.iter().map(|(_, b)| b).collect();
    alone.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    recorded.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    (alone[pairs.len() / 2].clone(), recorded[pairs.len() / 2].clone())
}

/// Puts `text` into the page, in place of what was there.
pub(crate) fn write(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let page = fs::read_to_string(&path).expect("the page is in the repository");
    let (before, rest) = page.split_once(MARKS.0).expect("the page has the first mark");
    let (_, after) = rest.split_once(MARKS.1).expect("the page has the second mark");
    let (first, last) = MARKS;
    let page = format!("{before}{first}\n\n{}\n\n{last}{after}", text.trim_end());
    fs::write(&path, page).expect("the page can be written");
}
