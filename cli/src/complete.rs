//! What a shell completes: ids of the runs in the store, fields of events.

use clap_complete::CompletionCandidate;
use event::model::table;

use crate::text::{Safe, command_line};

/// Runs that are offered: the latest.
const OFFERED: usize = 50;

/// Ways to name a run: `last`, the last four characters of each id, `@name`.
pub(crate) fn runs() -> Vec<CompletionCandidate> {
    let mut all = vec![CompletionCandidate::new("last").help(Some("the newest run".into()))];
    let home = std::env::var_os("AUDIT_HOME").filter(|home| !home.is_empty());
    let globals = crate::args::Globals { home: home.map(Into::into), ..Default::default() };
    all.extend(bundles());
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

/// Bundles in the working directory, by the ending that the documents give them.
fn bundles() -> Vec<CompletionCandidate> {
    let here = std::fs::read_dir(".").into_iter().flatten().flatten();
    let names = here.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".tar.zst")).collect();
    names.sort_unstable();
    names.into_iter().take(OFFERED).map(CompletionCandidate::new).collect()
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
    fn fields_are_named_once_the_common_ones_first() {
        let names = field_names();
        assert_eq!(names.get(..6), Some(&["run", "seq", "ts", "type", "op", "pid"][..]));
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }
}
