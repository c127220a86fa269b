//! What a report is for others is as their schemas want it, by validators that are not ours.
#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use xtests::{Lab, Recorded};

/// A schema of `xtests/fixtures/schemas`; its README says where each is from.
fn schema(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas").join(name)
}

/// Finds a file by its name: twice at two severities, so that a report has several results.
const RULES: &str = "rules:\n  - id: MADE\n    title: A file was <made> & \"written\"\n    severity: high\n    \
                     when:\n      file: {op: write, path: '*/made*.txt'}\n  - id: READ\n    title: A file was read\n    \
                     severity: low\n    when:\n      file: {op: read, path: '*/made*.txt'}\n";

/// A run with findings about files with names that JSON, XML and URIs must not take for their own, which
/// fails.
fn recorded(lab: &Lab) -> Recorded {
    fs::write(lab.work().join("rules.yml"), RULES).expect("room");
    let script = "for n in 'made.txt' 'made <b>&\"]]>.txt' 'made\u{202e}\u{1}.txt'; do echo x >\"$n\"; cat \"$n\"; done; exit 3";
    let run = lab.run(["bash", "-c", script]).with(["--rules", "rules.yml"]).record();
    assert_eq!(run.status.code(), Some(3), "{}", run.errors());
    assert!(run.number_of("finding", "") >= 6, "{}", run.number_of("finding", ""));
    run
}

/// The report in this form, in a file.
fn report(lab: &Lab, form: &str) -> PathBuf {
    let file = lab.work().join(format!("report.{form}"));
    fs::write(&file, lab.told(["report", "--format", form])).expect("room");
    file
}

/// Validates a document (second) against a schema (first); prints each error.
const VALIDATE: &str = "
import json, sys
from jsonschema import Draft4Validator
schema, page = (json.load(open(name)) for name in sys.argv[1:3])
Draft4Validator.check_schema(schema)
errors = [f'{list(e.absolute_path)}: {e.message}' for e in Draft4Validator(schema).iter_errors(page)]
print('\\n'.join(errors[:20]))
sys.exit(1 if errors else 0)
";

fn validates(page: &Path) -> (bool, String) {
    let mut python = Command::new("python3");
    let output = python.args(["-c", VALIDATE]).arg(schema("sarif-2.1.0.json")).arg(page).output();
    let output = output.expect("python starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn sarif_is_valid_by_the_schema_of_its_standard() {
    let has = Command::new("python3").args(["-c", "import jsonschema"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        xtests::not_run("SARIF by its schema", "there is no jsonschema for Python (pip)");
        return;
    }
    let lab = Lab::new();
    let _ = recorded(&lab);
    let page = report(&lab, "sarif");
    let (valid, said) = validates(&page);
    assert!(valid, "{said}");
    // The validator does say no.
    let text = fs::read_to_string(&page).expect("it is there");
    let other = lab.work().join("other.sarif");
    fs::write(&other, text.replace("\"ruleId\"", "\"rule\"").replace("2.1.0", "2.0"))
        .expect("room");
    assert!(!validates(&other).0);
    // Without findings too.
    lab.run(["true"]).succeed().assert_whole();
    let (valid, said) = validates(&report(&lab, "sarif"));
    assert!(valid, "{said}");
}

fn is_valid_xml(page: &Path) -> (bool, String) {
    let mut xmllint = Command::new("xmllint");
    let output =
        xmllint.args(["--nonet", "--noout", "--schema"]).arg(schema("junit.xsd")).arg(page);
    let output = output.output().expect("xmllint starts");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn junit_is_valid_by_its_schema() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        xtests::not_run("JUnit by its schema", "there is no xmllint (libxml2-utils)");
        return;
    }
    let lab = Lab::new();
    let _ = recorded(&lab);
    let page = report(&lab, "junit");
    let (valid, said) = is_valid_xml(&page);
    assert!(valid, "{said}");
    let text = fs::read_to_string(&page).expect("it is there");
    assert!(text.contains("tests=\"4\" failures=\"2\""), "{text}");
    let other = lab.work().join("other.xml");
    fs::write(&other, text.replace(" timestamp=", " time-stamp=")).expect("room");
    assert!(!is_valid_xml(&other).0, "the validator does say no");
    lab.run(["true"]).succeed().assert_whole();
    let (valid, said) = is_valid_xml(&report(&lab, "junit"));
    assert!(valid, "{said}");
}
