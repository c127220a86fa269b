//! Flags that every command takes, and where the store is.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

/// Form of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR or TERM=dumb
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How times of events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Times {
    /// From the start of the run: +1.234s
    Rel,
    /// Clock time in UTC
    Abs,
    /// Both
    Both,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Where the runs are kept [default: $XDG_STATE_HOME/audit or ~/.local/state/audit]
    #[arg(long, global = true, value_name = "DIR", env = "AUDIT_HOME", hide_env = true)]
    pub home: Option<PathBuf>,
    /// Form of the output
    #[arg(long, global = true, value_name = "FORM", value_enum, default_value = "text")]
    pub format: Format,
    /// Short for --format json
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: ColorWhen,
    /// Do not start a pager
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Times of events: from the start of the run, clock, or both
    #[arg(long, global = true, value_name = "HOW", value_enum, default_value = "rel")]
    pub ts: Times,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing that is not asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Globals {
    /// The form to print, `--json` taken into account.
    #[must_use]
    pub fn form(&self) -> Format {
        match self.format {
            Format::Text if self.json => Format::Json,
            form => form,
        }
    }

    /// Returns the directory of the store as an absolute path; it need not exist.
    #[must_use]
    pub fn store_dir(&self) -> PathBuf {
        let chosen = match &self.home {
            Some(home) if !home.as_os_str().is_empty() => home.clone(),
            _ => default_store(|name| std::env::var_os(name)),
        };
        std::path::absolute(&chosen).unwrap_or(chosen)
    }
}

/// Returns where runs are kept when the user says nothing; `var` looks up the environment.
///
/// Relative paths in the variables are ignored, as the XDG base directory specification asks.
fn default_store(var: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(state) = absolute("XDG_STATE_HOME") {
        return state.join("audit");
    }
    if let Some(home) = absolute("HOME") {
        return home.join(".local/state/audit");
    }
    // A system service has no home; systemd names its state directories, separated by colons.
    let first = var("STATE_DIRECTORY").and_then(|list| first_of(&list));
    first.unwrap_or_else(|| PathBuf::from("/var/lib/audit-run"))
}

fn first_of(list: &OsString) -> Option<PathBuf> {
    let first = list.to_str()?.split(':').next()?;
    Some(Path::new(first)).filter(|path| path.is_absolute()).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(vars: &[(&str, &str)]) -> PathBuf {
        default_store(|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_state_home_comes_before_the_home() {
        let both = store(&[("HOME", "/home/ana"), ("XDG_STATE_HOME", "/state")]);
        assert_eq!(both, Path::new("/state/audit"));
        assert_eq!(store(&[("HOME", "/home/ana")]), Path::new("/home/ana/.local/state/audit"));
    }

    #[test]
    fn a_service_without_a_home_uses_its_state_directory() {
        assert_eq!(store(&[("STATE_DIRECTORY", "/var/lib/a:/b")]), Path::new("/var/lib/a"));
        assert_eq!(store(&[]), Path::new("/var/lib/audit-run"));
    }

    #[test]
    fn relative_directories_in_the_environment_are_ignored() {
        let relative = store(&[("XDG_STATE_HOME", "state"), ("HOME", "/root")]);
        assert_eq!(relative, Path::new("/root/.local/state/audit"));
    }
}
