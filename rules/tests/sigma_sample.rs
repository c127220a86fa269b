//! A sample of the public Sigma rules (rules/tests/sigma-sample, with its licence) loads whole.
#![forbid(unsafe_code)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use rules::{Layer, Loader, RuleSet};

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|name| name == "yml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sample() -> (RuleSet, usize) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sigma-sample");
    let files = files(&dir);
    let mut loader = Loader::default();
    for path in &files {
        let text = fs::read_to_string(path).expect("it is text");
        loader.add(Layer::Given, &path.display().to_string(), &text);
    }
    (loader.finish().expect("every rule is sound"), files.len())
}

#[test]
fn every_rule_is_used_or_listed_with_a_reason() {
    let (set, files) = sample();
    assert_eq!(files, 72);
    for (id, why) in &set.unusable {
        println!("{id}: {why}");
    }
    assert_eq!(set.rules.len() + set.unusable.len(), files);
    assert_eq!(set.warnings.len(), 0);
    assert!(set.rules.len() >= 55, "{} of {files} are used", set.rules.len());
    let reasons = [
        "it names no category",
        "is not recorded",
        "are not recorded",
        "our events have no",
        "old specification",
        "is not evaluated",
    ];
    for (id, why) in &set.unusable {
        assert!(
            reasons.iter().any(|reason| why.contains(reason))
                || why.contains("not recorded as such"),
            "{id}: {why}"
        );
    }
}

#[test]
fn programs_that_they_are_about_are_found() {
    let (set, _) = sample();
    let set = std::sync::Arc::new(set);
    let found = |line: &str| set.held(&[common::exec(line)], Default::default()).len();
    assert!(found("cat /etc/shadow") > 0);
    assert_eq!(found("true"), 0);
}
