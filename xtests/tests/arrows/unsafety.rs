//! Where unsafe code is allowed: what each crate's root says, and how many modules are let off.

use std::fs;
use std::path::{Path, PathBuf};

use crate::check::housed;
use crate::house::{SUITES, Unsafe};
use crate::workspace::Package;

/// A source file: where, and what is in it.
pub(crate) type Source = (PathBuf, String);

/// Returns what the sources of `packages` say against the design.
pub(crate) fn on_disk(packages: &[Package]) -> Vec<String> {
    housed(packages)
        .flat_map(|(room, package)| {
            let own = |root: &&PathBuf| room.name == SUITES || in_src(root, package);
            let roots: Vec<Source> =
                package.roots.iter().filter(own).map(|root| read(root)).collect();
            let mut all = Vec::new();
            collect(&package.folder.join("src"), &mut all);
            wrong(room.unsafe_code, &roots, &all)
        })
        .collect()
}

/// Returns what is wrong with the roots and all sources of a crate that promises `promise`.
pub(crate) fn wrong(promise: Unsafe, roots: &[Source], all: &[Source]) -> Vec<String> {
    let (line, allowed) = match promise {
        Unsafe::Forbid => ("#![forbid(unsafe_code)]", 0),
        Unsafe::OneModule => ("#![deny(unsafe_code)]", 1),
    };
    let silent = roots
        .iter()
        .filter(|(_, text)| !text.lines().any(|l| l.trim() == line))
        .map(|(path, _)| format!("{} does not say {line}", path.display()));
    let let_off: Vec<String> = all
        .iter()
        .flat_map(|(path, text)| exceptions(text).map(move |n| format!("{}:{n}", path.display())))
        .collect();
    let too_many = (let_off.len() > allowed)
        .then(|| format!("unsafe code may be let in {allowed} times: {}", let_off.join(", ")));
    silent.chain(too_many).collect()
}

/// Returns the numbers of the lines that let unsafe code in.
fn exceptions(text: &str) -> impl Iterator<Item = usize> {
    let lets_in = |line: &str| {
        let line = line.trim_start();
        let attribute = line.starts_with("#[") || line.starts_with("#![");
        let weaker = ["allow(", "expect(", "warn("].iter().any(|word| line.contains(word));
        attribute && weaker && line.contains("unsafe_code")
    };
    text.lines().enumerate().filter(move |(_, line)| lets_in(line)).map(|(at, _)| at + 1)
}

fn in_src(root: &Path, package: &Package) -> bool {
    root.starts_with(package.folder.join("src"))
}

fn collect(folder: &Path, into: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a crate has a readable src") {
        let path = entry.expect("an entry of src").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(read(&path));
        }
    }
}

fn read(path: &Path) -> Source {
    let text = fs::read_to_string(path);
    (path.to_owned(), text.unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display())))
}
