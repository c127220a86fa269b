//! The workspace as cargo describes it: crates, what they declare, and where their roots lie.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// One crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The folder that holds its manifest.
    pub(crate) folder: PathBuf,
    /// Root files of its library and programs, and for the suites of their tests.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) uses: Vec<Use>,
}

/// One line of a dependency table.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) name: String,
    /// It is a folder of the workspace, not a crate of others.
    pub(crate) inside: bool,
    /// It is there for the tests only.
    pub(crate) for_tests: bool,
}

/// Asks cargo for the workspace that this file is of.
pub(crate) fn described_by_cargo() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let said = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo starts");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    packages(&serde_json::from_slice(&said.stdout).expect("cargo metadata is JSON"))
}

/// Reads the packages of `cargo metadata`.
pub(crate) fn packages(metadata: &Value) -> Vec<Package> {
    list(metadata, "packages").iter().map(package).collect()
}

fn package(said: &Value) -> Package {
    let manifest = PathBuf::from(text(said, "manifest_path"));
    Package {
        name: text(said, "name"),
        folder: manifest.parent().expect("a manifest lies in a folder").to_owned(),
        roots: list(said, "targets").iter().filter_map(root).collect(),
        uses: list(said, "dependencies").iter().map(dependency).collect(),
    }
}

/// Returns the root file of a target, but for build scripts and examples.
fn root(target: &Value) -> Option<PathBuf> {
    let of_interest = |kind: &Value| matches!(kind.as_str(), Some("lib" | "bin" | "test"));
    let wanted = list(target, "kind").iter().any(of_interest);
    wanted.then(|| PathBuf::from(text(target, "src_path")))
}

fn dependency(said: &Value) -> Use {
    Use {
        name: text(said, "name"),
        inside: said.get("path").is_some_and(Value::is_string),
        for_tests: said["kind"] == "dev",
    }
}

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key].as_array().unwrap_or_else(|| panic!("no list {key} in {of}"))
}

fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_else(|| panic!("no text {key} in {of}")).to_owned()
}
