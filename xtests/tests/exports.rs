//! Runs in the formats of others, as programs that are not ours read them.
#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use xtests::{Lab, Recorded};

/// A run with names that formats must not take for their own.
fn recorded(lab: &Lab) -> Recorded {
    let script = "for n in 'a,b' 'c\"d' '=1+1' 'e\u{1b}[2J'; do echo x >\"$n\"; cat \"$n\"; done";
    let run = lab.run(["bash", "-c", script]).record();
    assert!(run.status.success(), "{}", run.errors());
    run
}

/// The last run in this format, in a file.
fn exported(lab: &Lab, format: &str) -> PathBuf {
    let file = lab.work().join(format!("run.{format}"));
    let path = file.to_str().expect("it is UTF-8");
    lab.told(["export", "last", "--format", format, "-o", path]);
    file
}

fn python(script: &str, file: &Path) -> String {
    let output = Command::new("python3").args(["-c", script]).arg(file).output();
    let output = output.expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

#[test]
fn json_lines_are_the_lines_of_the_record() {
    let lab = Lab::new();
    let run = recorded(&lab);
    let lines = xtests::lines(&run.dir).into_bytes();
    assert_eq!(fs::read(exported(&lab, "jsonl")).expect("it is there"), lines);
    assert_eq!(lab.told(["export"]).as_bytes(), lines);
    let twice = lab.told(["export", "last", "last"]);
    assert_eq!(twice.len(), 2 * lines.len());
}

#[test]
fn a_table_has_a_row_for_each_event_by_another_reader() {
    let lab = Lab::new();
    let run = recorded(&lab);
    let lines = xtests::lines(&run.dir);
    let said = python(
        "import csv, sys, json
rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8')))
assert all(None not in row and None not in row.values() for row in rows)
assert [int(row['seq']) for row in rows] == list(range(1, len(rows) + 1))
made = {row['path'].rsplit('/', 1)[1] for row in rows if row['type'] == 'file' and row['op'] == 'write'}
assert {'a,b', 'c\"d', '=1+1', r'e\\u001b[2J'} <= made, made
print(len(rows))",
        &exported(&lab, "csv"),
    );
    assert_eq!(said.trim(), lines.lines().count().to_string());
}

#[test]
fn what_is_no_export_is_refused() {
    let lab = Lab::new();
    let _ = recorded(&lab);
    let refused = |arguments: &[&str], words: &str| {
        let output = lab.ask(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    refused(&["export", "--format", "sarif"], "that is a form of pages");
    refused(&["export", "--format", "nonsense"], "invalid value");
    refused(&["view", "--format", "csv"], "audit export writes that format");
    refused(&["report", "--format", "csv"], "audit export writes that format");
    refused(&["export", "-o", "/nonexistent/x"], "cannot write /nonexistent/x");
}
