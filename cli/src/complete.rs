//! What a shell completes: ids of the runs in the store, bundles, fields of events.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use clap_complete::{
    CompletionCandidate,
    engine::{PathCompleter, ValueCompleter},
};
use event::model::table;

use crate::text::{Safe, command_line};

/// Runs that are offered: the latest.
const OFFERED: usize = 50;

/// What begins as `word` and names a run: one of the store, or a bundle by its path.
pub(crate) fn run(word: &OsStr) -> Vec<CompletionCandidate> {
    let begins =
        |one: &CompletionCandidate| one.get_value().as_bytes().starts_with(word.as_bytes());
    // Who types a path means a file.
    let is_path = word.as_bytes().contains(&b'/');
    let mut all = if is_path { Vec::new() } else { runs() };
    all.retain(begins);
    all.extend(PathCompleter::file().filter(is_bundle).complete(word));
    all
}

/// Whether a file is a bundle by the endings that `audit export` and `audit ship` give them.
fn is_bundle(path: &Path) -> bool {
    let name = path.as_os_str().as_bytes();
    name.ends_with(b".tar.zst") || name.ends_with(b".audit")
}

/// Ways to name a run: `last`, the last four characters of each id, `@name`.
fn runs() -> Vec<CompletionCandidate> {
    let mut all = vec![CompletionCandidate::new("last").help(Some("the newest run".into()))];
    let home = std::env::var_os("AUDIT_HOME").filter(|home| !home.is_empty());
    let globals = crate::args::Globals { home: home.map(Into::into), ..Default::default() };
    let Ok(store) = globals.store() else { return all };
    let ids = store.ids().unwrap_or_default();
    let listed = ids.iter().rev().take(OFFERED).filter_map(|id| Some(store.run(id).ok()?.listed()));
    for run in listed {
        let command = command_line(run.about.command());
        let name = run.name.filter(|name| !name.is_empty());
        let id = CompletionCandidate::new(run.id.suffix());
        all.push(id.help(Some(command.clone().into())));
        if let Some(name) = name {
            let name = CompletionCandidate::new(format!("@{}", Safe::new(&name)));
            all.push(name.help(Some(command.into())));
        }
    }
    all
}

/// Every field that an event may have.
pub(crate) fn fields() -> Vec<CompletionCandidate> {
    field_names().into_iter().map(CompletionCandidate::new).collect()
}

/// Names of fields, in the order of the documents, each once.
pub(crate) fn field_names() -> Vec<&'static str> {
    let of_types = table::TYPES.iter().flat_map(|kind| kind.fields.iter().copied());
    let all = table::COMMON.iter().copied().chain(["op"]).chain(table::ACTOR.iter().copied());
    let mut names: Vec<&'static str> = Vec::new();
    for name in all.chain(of_types) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_completed_to_bundles_and_the_directories_on_the_way() {
        let temp = tempfile::tempdir().expect("a directory");
        for name in ["a.tar.zst", "a.audit", "a.txt"] {
            std::fs::write(temp.path().join(name), "").expect("room");
        }
        std::fs::create_dir(temp.path().join("also")).expect("room");
        let told = |word: &str| {
            let word = temp.path().join(word);
            let mut names: Vec<String> = run(word.as_os_str())
                .iter()
                .map(|one| one.get_value().to_string_lossy().into_owned())
                .map(|path| {
                    path.strip_prefix(&format!("{}/", temp.path().display()))
                        .expect("below")
                        .to_owned()
                })
                .collect();
            names.sort_unstable();
            names
        };
        assert_eq!(told("a"), ["a.audit", "a.tar.zst", "also/"]);
        assert_eq!(told("a.t"), ["a.tar.zst"]);
        assert_eq!(told("b"), [""; 0]);
    }

    #[test]
    fn fields_are_named_once_the_common_ones_first() {
        let names = field_names();
        assert_eq!(names.get(..6), Some(&["run", "seq", "ts", "type", "op", "pid"][..]));
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }
}
