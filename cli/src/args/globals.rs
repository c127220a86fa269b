//! Flags that every command takes, and where the store is.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use clap::{
    Args, ValueEnum, ValueHint,
    builder::{OsStringValueParser, PossibleValue, TypedValueParser},
};

use crate::{failure::Failure, installed};

/// Form of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
    /// Markdown, for a pull request: diff and report
    Md,
    /// One self-contained page: report
    Html,
    /// SARIF 2.1.0, for code scanning: report
    Sarif,
    /// JUnit XML, for CI servers: report
    Junit,
    /// Step summary and annotations of GitHub Actions: report
    Github,
    /// A format of `export` by its name in the table there
    Export(&'static str),
}

/// The forms of pages, with what they are for.
const PAGES: [(Format, &str, &str); 8] = [
    (Format::Text, "text", "For people"),
    (Format::Json, "json", "One JSON document"),
    (Format::Jsonl, "jsonl", "One JSON document a line"),
    (Format::Md, "md", "Markdown, for a pull request: diff and report"),
    (Format::Html, "html", "One self-contained page: report"),
    (Format::Sarif, "sarif", "SARIF 2.1.0, for code scanning: report"),
    (Format::Junit, "junit", "JUnit XML, for CI servers: report"),
    (Format::Github, "github", "Step summary and annotations of GitHub Actions: report"),
];

impl Format {
    /// What `--format` calls it, and what it is.
    fn words(self) -> (&'static str, &'static str) {
        if let Format::Export(name) = self {
            return (name, export::find(name).map_or("", |format| format.says));
        }
        let of_page = PAGES.iter().find(|(form, ..)| *form == self);
        of_page.map_or(("", ""), |(_, name, says)| (name, says))
    }

    /// What `--format` calls it.
    pub(crate) fn name(self) -> &'static str {
        self.words().0
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<Format>> = LazyLock::new(|| {
            let pages = || PAGES.iter().map(|(form, ..)| *form);
            let others = export::FORMATS.iter().map(|format| format.name);
            let others = others.filter(|name| pages().all(|form| form.name() != *name));
            pages().chain(others.map(Format::Export)).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, says) = self.words();
        Some(PossibleValue::new(name).help(says))
    }
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
    /// Where the runs are kept [default: ~/.local/state/audit, with `audit setup`: /var/lib/audit-run/UID, for root /var/lib/audit-run]
    // An empty AUDIT_HOME is none, as for all such variables: `storage::home` says so.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "AUDIT_HOME",
        hide_env = true,
        value_parser = OsStringValueParser::new().map(PathBuf::from),
        value_hint = ValueHint::DirPath
    )]
    pub home: Option<PathBuf>,
    /// Form of the output: text, json, or jsonl (one document a line); diff: also md; report: also html,
    /// md, sarif, junit, github; export: see `audit help export`
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        value_enum,
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
    /// Short for --format json
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour the output: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: ColorWhen,
    /// Do not start a pager
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Times of events: rel (from the start of the run), abs (clock, UTC) or both
    #[arg(
        long,
        global = true,
        value_name = "HOW",
        value_enum,
        default_value = "rel",
        hide_possible_values = true
    )]
    pub ts: Times,
    /// Say more: whole ids in lists
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing that is not asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Default for Globals {
    fn default() -> Self {
        Globals {
            home: None,
            format: Format::Text,
            json: false,
            color: ColorWhen::Auto,
            no_pager: false,
            ts: Times::Rel,
            verbose: 0,
            quiet: false,
        }
    }
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
    pub(crate) fn store_dir(&self) -> Result<PathBuf, Failure> {
        let home = self.around(storage::home).map_err(|error| Failure::of(&error))?;
        Ok(std::path::absolute(&home).unwrap_or(home))
    }

    /// Returns the store.
    pub(crate) fn store(&self) -> Result<storage::Store, Failure> {
        let cache = self.around(storage::cache);
        Ok(self.record_store()?.with_cache(cache))
    }

    /// Returns the store for those who look at records alone: what is derived lies with them.
    pub(crate) fn record_store(&self) -> Result<storage::Store, Failure> {
        let cache = self.around(storage::cache);
        Ok(storage::Store::open(&self.store_dir()?).with_bundles(cache))
    }

    /// Returns the store whose key makes marks of secrets: where the installed recorder keeps the runs, the
    /// key is kept beside what is derived from them.
    pub(crate) fn key_store(&self) -> Result<storage::Store, Failure> {
        let store = self.store()?;
        let sealed = store.path().starts_with(event::install::STORE)
            && !rustix::process::geteuid().is_root();
        match self.around(storage::cache).filter(|_| sealed) {
            Some(cache) => Ok(storage::Store::open(&cache)),
            None => Ok(store),
        }
    }

    /// Returns what the user keeps beside the runs: in the store, or in the state directory where the
    /// installed recorder has the store.
    pub(crate) fn beside(&self) -> Result<storage::Beside, Failure> {
        let own = |around: &storage::Surroundings<'_>| {
            storage::home(&storage::Surroundings { installed: false, ..*around })
        };
        let dir = self.around(own).map_err(|error| Failure::of(&error))?;
        Ok(storage::Beside::open(&std::path::absolute(&dir).unwrap_or(dir)))
    }

    /// Whether the user, or a service manager, says where runs are kept.
    pub(crate) fn is_store_chosen(&self) -> bool {
        self.around(storage::is_chosen)
    }

    fn around<T>(&self, ask: impl FnOnce(&storage::Surroundings<'_>) -> T) -> T {
        let var = |name: &str| std::env::var_os(name);
        let (state, xdg, home) = (var("STATE_DIRECTORY"), var("XDG_STATE_HOME"), var("HOME"));
        let cache = var("XDG_CACHE_HOME");
        ask(&storage::Surroundings {
            audit_home: self.home.as_deref().map(Path::as_os_str),
            state_directory: state.as_deref(),
            xdg_state_home: xdg.as_deref(),
            xdg_cache_home: cache.as_deref(),
            home: home.as_deref(),
            uid: rustix::process::geteuid().as_raw(),
            installed: installed::keeps_runs(),
        })
    }
}
