//! What the mechanisms of the kernel cost by themselves: the least that a recorder of this design can take.

use crate::{
    sample::{Bench, Sample},
    workloads::{self, Workload},
};

/// What a column switches on (floor.c).
const COLUMNS: [(&str, &str); 9] = [
    ("calls: empty programs at entry and exit", "calls"),
    ("hooks: empty programs elsewhere", "hooks"),
    ("names of directories", "names"),
    ("files: closed", "close"),
    ("opened", "open"),
    ("both", "both"),
    ("closed, ignored from the fifth on", "close,ignore"),
    ("all that the recorder has", "calls,hooks,names,close"),
    ("the same, ignored from the fifth on", "calls,hooks,names,close,ignore"),
];

/// Loads that are cut down to a tenth would tell less than chance does.
const SCALE_LEAST: u64 = 20;

/// Hands out a Markdown table, row by row: wall and CPU of each over those alone, medians of `rounds`.
pub(crate) fn table(
    bench: &Bench,
    scale: u64,
    rounds: usize,
    only: Option<&str>,
    mut say: impl FnMut(String),
) {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    say(format!("| workload | {} |\n|---|{}", names.join(" | "), "---|".repeat(9)));
    let floor = bench.floor();
    let wanted = |workload: &Workload| {
        only.is_none_or(|word| workload.name.contains(word))
            && !workload.name.starts_with(workloads::IDLE)
            && workload.missing().is_none()
    };
    for workload in workloads::all(scale.max(SCALE_LEAST)).iter().filter(|it| wanted(it)) {
        bench.prepare(workload);
        // What is read for the first time is read from the disk.
        if bench.alone(workload).fails {
            continue;
        }
        let mut ratios = vec![Vec::new(); COLUMNS.len()];
        for _ in 0..rounds {
            let alone = bench.alone(workload);
            for ((_, what), ratios) in COLUMNS.iter().zip(&mut ratios) {
                let with = bench.behind(workload, &[&floor, *what]);
                ratios.extend(over(&with, &alone));
            }
        }
        let cells: Vec<String> = ratios.into_iter().map(cell).collect();
        say(format!("| {} | {} |", workload.name, cells.join(" | ")));
    }
}

fn over(with: &Sample, alone: &Sample) -> Option<[f64; 2]> {
    (!with.fails && !alone.fails).then_some([with.wall / alone.wall, with.cpu / alone.cpu])
}

/// Medians, each of its own.
fn cell(ratios: Vec<[f64; 2]>) -> String {
    let middle = |which: usize| {
        let mut all: Vec<f64> = ratios.iter().map(|pair| pair[which]).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).map_or("fails".to_owned(), |ratio| format!("{ratio:.2}"))
    };
    format!("{} / {}", middle(0), middle(1))
}
