//! Directories that are moved, replaced and removed while what is in them is used: what is told has a
//! path that it had then, or says that this is not known.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use xtests::{Lab, Recorded};

/// Rounds of each way of the tester.
const ROUNDS: usize = 1_000;

/// What the tester did, as it printed it: which names the directory may have had meanwhile.
type Uses = HashMap<(String, String), RangeInclusive<u32>>;

fn uses(run: &Recorded) -> Uses {
    let text = String::from_utf8(run.stdout.clone()).expect("text");
    let number = |word: &str| word.parse::<u32>().expect("a number");
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [op, file, first, last] = words.as_slice() else { panic!("{line}") };
        ((op.to_string(), file.to_string()), number(first)..=number(last))
    };
    text.lines().map(line).collect()
}

/// How many events there were, and how many of them say that they are not sure of the path.
#[derive(Debug, Default, PartialEq, Eq)]
struct Checked {
    events: usize,
    unsure: usize,
    wrong: Vec<String>,
}

/// Holds each event about a file of the tester to what it had been.
fn check(run: &Recorded, base: &Path, way: &str) -> Checked {
    let mut uses = uses(run);
    let below = if way == "above" { "in/it/" } else { "" };
    let to_and_fro = matches!(way, "flip" | "above");
    let mut checked = Checked::default();
    for event in run.of("file", "").filter(|event| event.text("exe").ends_with("/mover")) {
        let file = Path::new(event.text("path")).file_name().and_then(|name| name.to_str());
        let use_of = (event.op().to_owned(), file.unwrap_or(event.text("name")).to_owned());
        let Some(numbers) = uses.remove(&use_of) else { continue };
        let right = |path: &str| {
            numbers.clone().any(|number| {
                let name = if to_and_fro { number & 1 } else { number };
                Path::new(path) == base.join(format!("n{name}/{below}{}", use_of.1))
            })
        };
        let unsure = event.text("path_basis") == "moved";
        checked.events += 1;
        checked.unsure += usize::from(unsure);
        if !unsure && !right(event.text("path")) {
            checked.wrong.push(format!("{numbers:?} {event:?}"));
        }
    }
    checked.wrong.extend(uses.keys().map(|left| format!("not told: {left:?}")));
    checked
}

fn record(lab: &Lab, way: &str) -> (Recorded, PathBuf) {
    let exe = lab.tester("mover");
    let base = lab.work().join(way);
    fs::create_dir(&base).expect("a new directory");
    let rounds = ROUNDS.to_string();
    let mut run = lab.run([exe.as_os_str(), way.as_ref(), rounds.as_ref()]);
    run.process.current_dir(&base);
    let run = run.succeed();
    run.assert_whole();
    (run, base)
}

fn no_path_is_wrong(way: &str) -> Checked {
    let lab = Lab::new();
    let (run, base) = record(&lab, way);
    let checked = check(&run, &base, way);
    println!("{way}: {} events, {} unsure", checked.events, checked.unsure);
    let shown: Vec<&String> = checked.wrong.iter().take(3).collect();
    assert_eq!(checked.wrong.len(), 0, "of {}: {shown:#?}", checked.events);
    assert_eq!(checked.events, 5 * ROUNDS);
    checked
}

#[test]
fn files_in_a_directory_that_moves_to_and_fro_have_no_wrong_path() {
    no_path_is_wrong("flip");
}

#[test]
fn files_in_a_directory_that_has_a_new_name_each_time_have_no_wrong_path() {
    no_path_is_wrong("fresh");
}

#[test]
fn files_below_a_directory_that_moves_to_and_fro_have_no_wrong_path() {
    no_path_is_wrong("above");
}

#[test]
fn a_directory_that_one_process_uses_and_moves_has_no_wrong_path() {
    no_path_is_wrong("steps");
}
