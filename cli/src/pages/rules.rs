//! `audit rules`: which rules there are, whether they are sound, exceptions to them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use rules::{Layer, Loader, Problem, Rule, RuleSet};
use serde_json::{Value, json};

use crate::{
    args::{AllowArgs, Format, Globals, RulesArgs, RulesCommand},
    dispatch::Answer,
    failure::Failure,
    ruling,
    text::{self, HEADING, Out, Safe},
};

/// Does what is asked.
pub(crate) fn rules(args: &RulesArgs, globals: &Globals) -> Result<Answer, Failure> {
    match &args.what {
        RulesCommand::List { rules } => list(&ruling::load(rules)?.set, globals),
        RulesCommand::Show { id, rules } => show(&ruling::load(rules)?.set, id, globals),
        RulesCommand::Check { files } => check(files, globals),
        RulesCommand::Test { files } => test(files, globals),
        RulesCommand::Allow(args) => allow(args),
    }
}

fn list(set: &RuleSet, globals: &Globals) -> Result<Answer, Failure> {
    let mut out = Out::open(globals);
    if globals.form() == Format::Text {
        let widest = set.rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0).min(40);
        for rule in &set.rules {
            let (id, title) = (Safe::new(&rule.id), Safe::new(&rule.title));
            let from = Safe::new(&rule.from);
            writeln!(
                out,
                "{:<8}  {:<widest$}  {title}  ({from})",
                rule.severity.name(),
                id.to_string()
            )?;
        }
        for (id, file) in &set.disabled {
            writeln!(out, "off       {}  by {}", Safe::new(id), Safe::new(file))?;
        }
        writeln!(out, "{}", text::plural(set.rules.len() as u64, "rule"))?;
    } else {
        let all: Vec<Value> = set.rules.iter().map(object).collect();
        let page = json!({"schema": "audit.rules", "version": 1, "rules": all});
        text::write_json(&mut out, &page, globals.form())?;
    }
    out.close()?;
    Ok(Answer::Yes)
}

fn object(rule: &Rule) -> Value {
    json!({
        "id": *rule.id, "title": *rule.title, "severity": rule.severity.name(), "why": rule.why,
        "do": rule.todo, "references": rule.references, "from": *rule.from, "line": rule.line,
    })
}

fn show(set: &RuleSet, id: &str, globals: &Globals) -> Result<Answer, Failure> {
    let Some(rule) = set.find(id) else {
        return Err(Failure::new(format!("cannot find a rule {id}")).hint("audit rules list"));
    };
    let mut out = Out::open(globals);
    if globals.form() == Format::Text {
        let head = format!("{}  {}  {}", rule.id, rule.severity.name(), Safe::new(&rule.title));
        writeln!(out, "{}", text::painted(HEADING, &head))?;
        for (label, words) in [("why", &rule.why), ("do", &rule.todo)] {
            if !words.is_empty() {
                writeln!(out, "  {label:<6}{}", Safe::new(words.trim()))?;
            }
        }
        for reference in &rule.references {
            writeln!(out, "  see   {}", Safe::new(reference))?;
        }
        writeln!(out, "  from  {}:{}\n", Safe::new(&rule.from), rule.line)?;
        for line in rule.source.lines() {
            writeln!(out, "  {}", Safe::new(line).plain())?;
        }
    } else {
        text::write_json(&mut out, &object(rule), globals.form())?;
    }
    out.close()?;
    Ok(Answer::Yes)
}

/// The files themselves, and those in directories.
fn loaded(files: &[PathBuf]) -> Result<Result<RuleSet, Vec<Problem>>, Failure> {
    let mut loader = Loader::default();
    for path in files {
        for path in expanded(path) {
            loader.add(Layer::Given, &path.display().to_string(), &ruling::read(&path)?);
        }
    }
    Ok(loader.finish())
}

fn expanded(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return vec![path.to_owned()] };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .flat_map(|entry| expanded(&entry.path()))
        .filter(|path| path.extension().is_some_and(|name| name == "yml" || name == "yaml"))
        .collect();
    found.sort();
    found
}

fn check(files: &[PathBuf], globals: &Globals) -> Result<Answer, Failure> {
    let (set, problems) = match loaded(files)? {
        Ok(mut set) => {
            let warnings = std::mem::take(&mut set.warnings);
            (Some(set), warnings)
        }
        Err(problems) => (None, problems),
    };
    let mut out = Out::open(globals);
    if globals.form() == Format::Text {
        for problem in &problems {
            for line in problem.to_string().lines() {
                writeln!(out, "{}", Safe::new(line).plain())?;
            }
        }
        if let Some(set) = &set {
            for (id, why) in &set.unusable {
                writeln!(out, "not used: {}: {}", Safe::new(id), Safe::new(why))?;
            }
            let (good, not) = (set.rules.len() as u64, set.unusable.len());
            let rest = if not > 0 { format!(", {not} cannot be used here") } else { String::new() };
            writeln!(out, "{}{rest}", text::plural(good, "rule"))?;
        }
    } else {
        let all: Vec<Value> = problems
            .iter()
            .map(|problem| {
                json!({
                    "file": problem.file, "line": problem.line, "text": problem.shown,
                    "what": problem.what, "fatal": problem.fatal,
                })
            })
            .collect();
        let page = json!({
            "schema": "audit.rules.check", "version": 1, "problems": all,
            "rules": set.as_ref().map(|set| set.rules.len()),
            "not_used": set.as_ref().map(|set| set.unusable.clone()),
        });
        text::write_json(&mut out, &page, globals.form())?;
    }
    out.close()?;
    Ok(if set.is_some() { Answer::Yes } else { Answer::No })
}

fn test(files: &[PathBuf], globals: &Globals) -> Result<Answer, Failure> {
    let set = match files {
        [] => RuleSet::builtin(),
        _ => loaded(files)?.map_err(|problems| ruling::refusal(&problems))?,
    };
    let set = Arc::new(set);
    let (tested, wrong) = set.test();
    let mut out = Out::open(globals);
    for line in &wrong {
        writeln!(out, "{}", Safe::new(line).plain())?;
    }
    let (tests, failed) = (text::plural(tested as u64, "sample"), wrong.len());
    writeln!(out, "{}, {tests}, {failed} failed", text::plural(set.rules.len() as u64, "rule"))?;
    out.close()?;
    Ok(if wrong.is_empty() { Answer::Yes } else { Answer::No })
}

/// Adds an exception to the user's own file.
fn allow(args: &AllowArgs) -> Result<Answer, Failure> {
    let known = ruling::load(&crate::args::RuleArgs::default())?;
    if known.set.find(&args.id).is_none() {
        return Err(
            Failure::new(format!("cannot find a rule {}", args.id)).hint("audit rules list")
        );
    }
    let conditions = [("exe", &args.exe), ("path", &args.path), ("dest", &args.dest)];
    if conditions.iter().all(|(_, value)| value.is_none()) {
        return Err(Failure::new("cannot allow everything: say which")
            .hint("one of --exe, --path, --dest; `disable:` in a file takes a rule away"));
    }
    let mut entry = format!("  - rule: {}\n", args.id);
    let rest = [("until", &args.until), ("why", &args.why)];
    for (key, value) in conditions.into_iter().chain(rest) {
        if let Some(value) = value {
            // JSON strings are YAML.
            entry.push_str(&format!("    {key}: {}\n", json!(value)));
        }
    }
    let dir = ruling::user_dir().ok_or_else(|| Failure::new("cannot find your home directory"))?;
    let path = dir.join("allow.yml");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let after = if before.is_empty() { format!("allow:\n{entry}") } else { before + &entry };
    let mut loader = Loader::default();
    loader.add_builtin();
    loader.add(Layer::User, &path.display().to_string(), &after);
    if let Err(problems) = loader.finish() {
        return Err(ruling::refusal(&problems));
    }
    let attempt = || format!("cannot write {}", path.display());
    fs::create_dir_all(&dir).map_err(|why| Failure::because(attempt(), &why))?;
    let new = dir.join(".allow.new");
    fs::write(&new, after).map_err(|why| Failure::because(attempt(), &why))?;
    fs::rename(&new, &path).map_err(|why| Failure::because(attempt(), &why))?;
    Ok(Answer::Yes)
}
