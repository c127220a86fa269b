//! How much can be recorded for how long with nothing lost, and whether what is lost is told.

use std::path::Path;

use crate::{fresh, record, sample::Bench, workloads::Workload};

/// File events and executed programs in a second: what is asked for; 0 is as many as go.
const RATES: [(u64, u64); 2] = [(50_000, 5_000), (0, 0)];

/// A Markdown table of `seconds` at each of the rates. One file event is one open, read and close.
pub(crate) fn table(bench: &Bench, root: &Path, seconds: u64) -> String {
    let mut text = "| asked for in a second | made in a second | seconds | in the record | reported lost | verdict |\n|---|---|---|---|---|---|".to_owned();
    for (files, execs) in RATES {
        let words = ["$LOAD", "pour", &seconds.to_string(), &files.to_string(), &execs.to_string()];
        let pour = Workload::command("sustained", "\"$LOAD\" fill 10000", &words);
        bench.prepare(&pour);
        let home = fresh(root.join("home"));
        let mut sample = bench.recorded(&pour);
        let made: Vec<u64> =
            bench.left("poured").split_whitespace().filter_map(|it| it.parse().ok()).collect();
        let [made_files, made_execs] = made[..] else { panic!("the load says nothing") };
        let wanted = [("file", "read", "/job/f"), ("exec", "", "/nothing")];
        sample.events = 0;
        record::read(&home, &wanted, &mut sample);
        let asked = match files {
            0 => "as many as go".to_owned(),
            _ => format!("{files} + {execs}"),
        };
        text += &format!(
            "\n| {asked} | {} + {} | {seconds} | {} of {made_files} + {} of {made_execs} | {} | {} |",
            made_files / seconds,
            made_execs / seconds,
            sample.found[0],
            sample.found[1],
            sample.lost,
            sample.verdict,
        );
    }
    text
}
