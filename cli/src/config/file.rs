//! One file of settings: TOML, a table for each section, flags by their long names.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use toml::{Spanned, Value};

use super::keys::Key;
use crate::failure::Failure;

/// Longest file.
const MAX: u64 = 64 * 1024;

/// A setting, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// What it sets.
    pub(crate) key: Key,
    /// The values, as on the command line; several only for what may be given several times.
    pub(crate) values: Vec<String>,
    /// File and line.
    pub(crate) place: String,
}

/// What a project asks for: only more rules, and what its comparisons pass over.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Project {
    /// Files of rules, relative to the project.
    #[serde(default)]
    pub(crate) rules: Vec<String>,
    /// Globs for `--ignore`.
    #[serde(default)]
    pub(crate) ignore: Vec<String>,
}

/// Reads a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Failure> {
    let attempt = || format!("cannot read {}", path.display());
    // Who may not read it is not whom it is for: `HOME` may be of who called sudo.
    let none = [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::PermissionDenied];
    let file = match File::open(path) {
        Err(why) if none.contains(&why.kind()) => return Ok(None),
        other => other.map_err(|why| Failure::because(attempt(), &why))?,
    };
    let mut text = String::new();
    file.take(MAX + 1)
        .read_to_string(&mut text)
        .map_err(|why| Failure::because(attempt(), &why))?;
    if text.len() as u64 > MAX {
        return Err(Failure::new(format!("{}: longer than {} KiB", attempt(), MAX >> 10)));
    }
    Ok(Some(text))
}

/// Reads the settings in `text`, which is the file `name`.
pub(crate) fn settings(name: &str, text: &str) -> Result<Vec<Setting>, Failure> {
    type Table = BTreeMap<Spanned<String>, Spanned<Value>>;
    let tables: BTreeMap<Spanned<String>, Spanned<Table>> =
        toml::from_str(text).map_err(|why| broken(name, text, &why))?;
    let mut settings = Vec::new();
    for (section, table) in &tables {
        for (long, value) in table.get_ref() {
            let place = place(name, text, long.span().start);
            let key = Key::find(section.get_ref(), long.get_ref()).ok_or_else(|| {
                Failure::new(format!(
                    "{place}: there is no setting {}.{}",
                    section.get_ref(),
                    long.get_ref()
                ))
                .hint("audit config show lists them all")
            })?;
            let values = words(value.get_ref()).ok_or_else(|| {
                Failure::new(format!("{place}: {} is no text, number, true or false", key.name()))
            })?;
            if values.len() != 1 && key.variable().is_some() {
                return Err(Failure::new(format!("{place}: {} takes one value", key.name())));
            }
            settings.push(Setting { key, values, place });
        }
    }
    Ok(settings)
}

/// Reads what a project asks for.
pub(crate) fn project(name: &str, text: &str) -> Result<Project, Failure> {
    toml::from_str(text).map_err(|why| {
        broken(name, text, &why)
            .hint("a project sets only rules = [FILE, ...] and ignore = [GLOB, ...]")
    })
}

fn broken(name: &str, text: &str, why: &toml::de::Error) -> Failure {
    let at = why.span().map_or(0, |span| span.start);
    Failure::new(format!("{}: {}", place(name, text, at), why.message()))
}

fn place(name: &str, text: &str, at: usize) -> String {
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    format!("{name}:{line}")
}

/// The value as words of a command line.
fn words(value: &Value) -> Option<Vec<String>> {
    let word = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is) => Some(is.to_string()),
        _ => None,
    };
    match value {
        Value::Array(list) => list.iter().map(word).collect(),
        one => Some(vec![word(one)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match settings("c.toml", text) {
            Ok(settings) => {
                let one = |it: &Setting| {
                    format!("{}={} ({})", it.key.name(), it.values.join(","), it.place)
                };
                settings.iter().map(one).collect::<Vec<_>>().join(" ")
            }
            Err(failure) => failure.message().to_owned(),
        }
    }

    #[test]
    fn settings_are_flags_by_their_names() {
        let text = "# ours\n[run]\nhash = true\nlinger = \"1m\"\nenv = [\"CI\", \"LANG\"]\n\
                    [store]\nretain-runs = 7\n";
        assert_eq!(
            said(text),
            "run.env=CI,LANG (c.toml:5) run.hash=true (c.toml:3) run.linger=1m (c.toml:4) \
             store.retain-runs=7 (c.toml:7)"
        );
        assert_eq!(said(""), "");
    }

    #[test]
    fn what_is_no_setting_is_named_with_its_line() {
        assert_eq!(said("[run]\n\nlingre = 5"), "c.toml:3: there is no setting run.lingre");
        assert_eq!(said("[run]\nname = 'x'"), "c.toml:2: there is no setting run.name");
        assert_eq!(said("[run]\nlinger = [1, 2]"), "c.toml:2: run.linger takes one value");
        assert_eq!(
            said("[run]\nlinger = 1979-05-27"),
            "c.toml:2: run.linger is no text, number, true or false"
        );
        assert!(said("[run]\nlinger = ").starts_with("c.toml:2: "), "{}", said("[run]\nlinger = "));
        assert!(said("linger = 5").starts_with("c.toml:1: "), "{}", said("linger = 5"));
    }

    #[test]
    fn a_project_sets_rules_and_what_is_ignored_and_nothing_else() {
        let asked = project("p", "rules = ['a.yml']\nignore = ['*.log']").expect("it reads");
        assert_eq!(
            (asked.rules, asked.ignore),
            (vec!["a.yml".to_owned()], vec!["*.log".to_owned()])
        );
        let failure = project("p", "home = '/x'").expect_err("a project says nothing of that");
        assert!(failure.message().starts_with("p:1: "), "{failure}");
    }
}
