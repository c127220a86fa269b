//! Places that are replaced or removed while they are used: each event has the name of the file that was
//! used, and says when that is gone (docs/events.md, "How paths are made").
#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use xtests::{Event, Lab, Recorded, wait};

/// Records the tester in a directory of its own. At each gate it waits until an event that holds
/// all of the words given with it is told: what was done before is in the record, and in order.
fn record(lab: &Lab, words: &[&str], gates: &[(&str, &[&str])]) -> (Recorded, PathBuf) {
    let tester = lab.tester("places");
    let base = lab.work().join("places");
    fs::create_dir(&base).expect("a new directory");
    let mut command = vec![tester.to_str().expect("text")];
    command.extend(words);
    let mut run = lab.run(command);
    run.process.current_dir(&base);
    if gates.is_empty() {
        let run = run.succeed();
        run.assert_whole();
        return (run, base);
    }
    let mut running = run.start_ungated();
    for (gate, told) in gates {
        running.expect(gate);
        let events = running.dir().join("events.jsonl");
        wait::until_true("the event", || {
            let text = fs::read_to_string(&events).unwrap_or_default();
            text.lines().any(|line| told.iter().all(|word| line.contains(word)))
        });
        running.go();
    }
    let run = running.record();
    assert!(run.status.success(), "{}: {}", run.status, run.errors());
    run.assert_whole();
    (run, base)
}

/// The only event of `op` by the tester that has this path.
fn only<'r>(run: &'r Recorded, op: &'r str, path: &Path) -> &'r Event {
    let found: Vec<_> =
        run.at(op, path).filter(|event| event.text("exe").ends_with("/places")).collect();
    let [event] = found.as_slice() else { panic!("{} of {op} {path:?}: {found:?}", found.len()) };
    event
}

#[test]
fn a_directory_replaced_by_another_of_its_name_keeps_its_files_apart() {
    let lab = Lab::new();
    let gates: [(&str, &[&str]); 2] = [
        ("made", &["\"op\":\"create\"", "/d/f\""]),
        ("replaced", &["\"op\":\"rename\"", "/was-d\""]),
    ];
    let (run, base) = record(&lab, &["replaced"], &gates);
    let (now, before) = (base.join("d/f"), base.join("was-d/f"));
    let made: Vec<_> = run.at("create", &now).map(|event| event.number("ino")).collect();
    let [one, other] = made.as_slice() else { panic!("{made:?}") };
    assert_ne!(one, other);
    let written = only(&run, "write", &before);
    assert_eq!((written.number("ino"), written.number("size_after")), (*one, Some(12)));
    assert_eq!((written.text("path_basis"), written.list("also")), ("", vec![]), "{written:?}");
    let written = only(&run, "write", &now);
    assert_eq!((written.number("ino"), written.number("size_after")), (*other, Some(5)));
    assert_eq!((written.text("path_basis"), written.list("also")), ("", vec![]), "{written:?}");
    assert_eq!(only(&run, "open", &now).number("ino"), *other);
    assert_eq!(run.at("write", &before).count() + run.at("write", &now).count(), 2);
}

#[test]
fn a_file_deleted_while_it_is_written_is_told_by_its_name_and_as_gone() {
    let lab = Lab::new();
    let gates: [(&str, &[&str]); 2] =
        [("made", &["\"op\":\"create\"", "/f\""]), ("deleted", &["\"op\":\"delete\"", "/f\""])];
    let (run, base) = record(&lab, &["deleted"], &gates);
    let file = base.join("f");
    let (made, gone) = (only(&run, "create", &file), only(&run, "delete", &file));
    let written = only(&run, "write", &file);
    assert!(written.flag("unlinked") && written.flag("created"), "{written:?}");
    assert_eq!((written.count(), written.number("size_after")), (1, Some(16)), "{written:?}");
    assert_eq!([written.number("ino"), gone.number("ino")], [made.number("ino"); 2]);
    assert!(written.number("seq") > gone.number("seq"), "{written:?}");
}

#[test]
fn what_is_done_from_a_directory_that_is_gone_is_told() {
    let lab = Lab::new();
    let program = lab.nothing();
    let (run, base) = record(&lab, &["lost", program.to_str().expect("text")], &[]);
    let exec = run.execs_of(&program).last().expect("it was executed");
    assert_eq!(Path::new(exec.text("cwd")), base.join("d"), "{exec:?}");
    assert!(exec.flag("cwd_deleted"), "{exec:?}");
    let first = run.of("exec", "").next().expect("the tester");
    assert!(!first.flag("cwd_deleted"), "{first:?}");
    assert_eq!(run.at("create", &base.join("beside")).count(), 1);
    assert_eq!(run.at("write", &base.join("beside")).count(), 1);
    assert_eq!(run.at("delete", &base.join("d")).count(), 1);
    assert_eq!(run.at("create", &base.join("d/here")).count(), 0, "nothing can be made there");
}
