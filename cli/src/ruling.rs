//! Which rules a run is judged with: where they come from, and that they are kept with the run.
//!
//! The files are copied into the run's directory and their hashes are in the record, so that the same
//! run is judged by the same rules when its events are derived again.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use rules::{Layer, Loader, Problem, RuleSet, Surroundings};
use serde_json::{Map, Value, json};
use storage::{About, RunDir};

use crate::{args::RuleArgs, config, failure::Failure, text::Safe};

/// Longest file of rules (HOSTILE A17).
const MAX_FILE: u64 = 1 << 20;

/// Files of one directory; more are refused.
const MAX_FILES: usize = 10_000;

/// Problems that one message names.
const SHOWN: usize = 20;

/// Rules, and the files that they come from.
#[derive(Debug)]
pub(crate) struct Ruling {
    /// Ready to judge with.
    pub(crate) set: Arc<RuleSet>,
    builtin: bool,
    files: Vec<(Layer, String, String)>,
}

/// Names of layers in the record.
const LAYERS: [(Layer, &str); 4] = [
    (Layer::System, "system"),
    (Layer::User, "user"),
    (Layer::Given, "given"),
    (Layer::Project, "project"),
];

/// Loads what the flags ask for: the built-in rules, those of the machine, of the user, of this run,
/// and of the project, which can only add.
pub(crate) fn load(args: &RuleArgs) -> Result<Ruling, Failure> {
    let mut files = Vec::new();
    if !args.no_builtin {
        files.extend(below(Path::new("/etc/audit-run/rules.d"), Layer::System)?);
        if let Some(dir) = user_dir() {
            files.extend(below(&dir, Layer::User)?);
        }
        // What the project wrote must not keep its run from being recorded.
        files.extend(below(Path::new(".audit/rules.d"), Layer::Project).unwrap_or_default());
        for path in config::project().rules.iter().map(Path::new) {
            match read(path) {
                Ok(text) => files.push((Layer::Project, path.display().to_string(), text)),
                Err(failure) => failure.hint(config::PROJECT).print(),
            }
        }
    }
    for path in &args.rules {
        files.push((Layer::Given, path.display().to_string(), read(path)?));
    }
    for dir in &args.sigma {
        let found = below(dir, Layer::Given)?;
        if found.is_empty() {
            return Err(Failure::new(format!("cannot find any rule below {}", dir.display())));
        }
        files.extend(found);
    }
    let set = set_of(!args.no_builtin, &files).map_err(|problems| refusal(&problems))?;
    Ok(Ruling { set: Arc::new(set), builtin: !args.no_builtin, files })
}

/// Where the user's own rules are.
pub(crate) fn user_dir() -> Option<PathBuf> {
    user_config().map(|dir| dir.join("rules.d"))
}

/// Where what the user sets is.
pub(crate) fn user_config() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let config = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")))?;
    Some(config.join("audit"))
}

fn set_of(builtin: bool, files: &[(Layer, String, String)]) -> Result<RuleSet, Vec<Problem>> {
    let mut loader = Loader::default();
    if builtin {
        loader.add_builtin();
    }
    for (layer, name, text) in files {
        loader.add(*layer, name, text);
    }
    loader.finish()
}

/// Why rules cannot be used, each with its place and its line.
pub(crate) fn refusal(problems: &[Problem]) -> Failure {
    let fatal = problems.iter().filter(|problem| problem.fatal);
    let mut failure = Failure::new("cannot use the rules");
    for problem in fatal.clone().take(SHOWN) {
        for line in problem.to_string().lines() {
            failure = failure.hint(line.to_owned());
        }
    }
    let more = fatal.count().saturating_sub(SHOWN);
    if more > 0 { failure.hint(format!("and {more} more")) } else { failure }
}

/// Reads a file of rules.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let attempt = || format!("cannot read the rules in {}", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|why| Failure::because(attempt(), &why))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::new(format!("{}: longer than {} KiB", attempt(), MAX_FILE >> 10)));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("{}: not UTF-8", attempt())))
}

/// The files of a directory and of those below it, in order; none where there is none.
fn below(dir: &Path, layer: Layer) -> Result<Vec<(Layer, String, String)>, Failure> {
    let (mut found, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            // A link could lead round in a circle.
            let kind = entry.file_type().ok();
            let is_yaml = path.extension().is_some_and(|name| name == "yml" || name == "yaml");
            if kind.is_some_and(|kind| kind.is_dir()) {
                dirs.push(path);
            } else if is_yaml && kind.is_some_and(|kind| kind.is_file()) {
                found.push(path);
            }
            if found.len() + dirs.len() > MAX_FILES {
                let words = format!("cannot read the rules: more than {MAX_FILES} files");
                return Err(Failure::new(words));
            }
        }
    }
    found.sort();
    found.iter().map(|path| Ok((layer, path.display().to_string(), read(path)?))).collect()
}

impl Ruling {
    /// Says on standard error what was wrong and did no harm.
    pub(crate) fn warn(&self) {
        use std::io::Write;
        let mut err = anstream::stderr().lock();
        for problem in self.set.warnings.iter().take(SHOWN) {
            for line in problem.to_string().lines() {
                // Nobody is left to hear that standard error is closed.
                let _ = writeln!(err, "audit: {}", Safe::new(line).plain());
            }
        }
        if !self.set.unusable.is_empty() {
            let count = crate::text::plural(self.set.unusable.len() as u64, "rule");
            let _ = writeln!(err, "audit: {count} cannot be used here: audit rules check says why");
        }
    }

    /// What the record says of the rules: where each file was, and its hash.
    pub(crate) fn told(&self) -> Map<String, Value> {
        let list = self.list();
        let rules = if list.len() <= storage_room() {
            let files: Value = serde_json::from_str(&list).unwrap_or_default();
            json!({"builtin": self.builtin, "files": files})
        } else {
            json!({"builtin": self.builtin, "list": storage::rules_hash(&list)})
        };
        Map::from_iter([("rules".to_owned(), rules)])
    }

    /// Copies the files to where the run is derived. Without them the run could not be judged again:
    /// that is said then, and must not end it now.
    pub(crate) fn keep(&self, run: &RunDir) {
        let list = self.list();
        let list = Some(list.as_str()).filter(|list| list.len() > storage_room());
        let texts = self.files.iter().map(|(_, _, text)| text.as_str()).chain(list);
        for text in texts {
            if let Err(error) = run.keep_rules(text) {
                Failure::of(&error).print();
                return;
            }
        }
    }

    /// Layer, hash and name of each file.
    fn list(&self) -> String {
        let files = self.files.iter().map(|(layer, name, text)| {
            let layer = LAYERS.iter().find(|(known, _)| known == layer).map(|(_, name)| *name);
            json!([layer, storage::rules_hash(text), name])
        });
        Value::Array(files.collect()).to_string()
    }
}

/// Bytes of the front's frame that a list of files may take.
fn storage_room() -> usize {
    event::frame::control::MAX_ABOUT / 4
}

/// The rules that a run was recorded with, and what of them cannot be had any more.
pub(crate) fn of_run(run: &RunDir) -> (Arc<RuleSet>, Vec<String>) {
    let about = run.listed().about;
    let Some(told) = about.other.get("rules") else {
        // A record that names no rules was judged by none.
        return (Arc::new(RuleSet::default()), Vec::new());
    };
    let mut missing = Vec::new();
    let list = told.get("list").and_then(Value::as_str).map(|hash| run.kept_rules(hash));
    let list: Value = match list {
        None => told.get("files").cloned().unwrap_or_default(),
        Some(read) => {
            let read = read.ok().and_then(|text| serde_json::from_str(&text).ok());
            if read.is_none() {
                missing.push("the list of its rules cannot be read".to_owned());
            }
            read.unwrap_or_default()
        }
    };
    let mut files = Vec::new();
    for file in list.as_array().into_iter().flatten() {
        let text = |at: usize| file.get(at).and_then(Value::as_str).unwrap_or_default();
        let layer = LAYERS.iter().find(|(_, name)| *name == text(0));
        let layer = layer.map_or(Layer::Given, |(layer, _)| *layer);
        match run.kept_rules(text(1)) {
            Ok(rules) => files.push((layer, text(2).to_owned(), rules)),
            Err(error) => {
                let why = Failure::of(&error);
                missing.push(format!("not judged by {}: {}", text(2), why.message()));
            }
        }
    }
    let builtin = told.get("builtin").and_then(Value::as_bool).unwrap_or(true);
    match set_of(builtin, &files) {
        Ok(set) => (Arc::new(set), missing),
        Err(problems) => {
            missing.extend(problems.first().map(|problem| format!("not judged: {problem}")));
            (Arc::new(if builtin { RuleSet::builtin() } else { RuleSet::default() }), missing)
        }
    }
}

/// What a run's record says of whose run it is.
pub(crate) fn around(about: &About) -> Surroundings {
    let home = about.other.get("home").and_then(Value::as_str).unwrap_or_default();
    Surroundings {
        home: home.trim_end_matches('/').as_bytes().to_vec(),
        user: (!about.user.is_empty()).then(|| (about.uid, about.user.clone())),
    }
}
