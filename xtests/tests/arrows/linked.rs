//! The crates that programs are made of, as cargo resolves them.

use std::process::Command;

/// Those of the privileged program, sorted.
pub(crate) fn of_the_supervisor() -> Vec<String> {
    of("supervisor", &[])
}

/// Names of the crates that the program of this package is made of with these features, sorted.
pub(crate) fn of(package: &str, features: &[&str]) -> Vec<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--offline", "--package", package]);
    tree.args(["--features", &features.join(",")]);
    tree.args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let output = tree.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut names: Vec<String> =
        text.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect();
    names.sort();
    names.dedup();
    names.retain(|name| !name.is_empty());
    names
}

/// The list in docs/security.md: the words between its two marks.
pub(crate) fn documented() -> Vec<String> {
    let page = include_str!("../../../docs/security.md");
    let (_, after) = page.split_once("<!-- crates -->").expect("the list begins");
    let (list, _) = after.split_once("<!-- end -->").expect("the list ends");
    list.split_whitespace().map(|word| word.trim_matches([',', '.']).to_owned()).collect()
}
