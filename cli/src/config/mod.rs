//! Settings: the machine's, the user's, the project's, the environment's, and flags, each over those
//! before it.
//!
//! A setting is a flag by its long name. What files say becomes the flag's default, so that a value is
//! read and checked in one way wherever it stands.

mod file;
mod keys;
mod read;

use std::path::PathBuf;

use clap::{
    ArgAction, Command, CommandFactory, FromArgMatches, Parser, builder::BoolishValueParser,
};

pub(crate) use file::Setting;
pub(crate) use keys::{KEYS, Key};
pub(crate) use read::{PROJECT, project};

use crate::{
    args::{self, Cli, OnError},
    failure::Failure,
};

/// The machine's file.
pub(crate) const SYSTEM: &str = "/etc/audit-run/config.toml";

/// What could not be understood.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// The command line.
    Usage(Box<clap::Error>),
    /// A file of settings, or a variable; and whether it was `audit run` that asked.
    Setting {
        /// Which, and why.
        failure: Failure,
        /// The command was `audit run`: nothing was started.
        run: bool,
    },
}

/// Reads the command line of this process, settings taken into account.
pub(crate) fn parse() -> Result<Cli, Wrong> {
    // Settings make nothing right that is wrong without them.
    let plain = Cli::try_parse().map_err(|wrong| Wrong::Usage(Box::new(wrong)))?;
    match set() {
        Ok(cli) => Ok(cli.unwrap_or(plain)),
        Err(failure) if runs_anyway(&plain) => {
            failure.hint("--on-error run: going on without settings").print();
            Ok(plain)
        }
        Err(failure) => {
            let run = matches!(plain.command, args::Command::Run(_));
            Err(Wrong::Setting { failure, run })
        }
    }
}

/// The command line with settings; `None` where nothing is set.
fn set() -> Result<Option<Cli>, Failure> {
    let settings = settings()?;
    let variables = KEYS.into_iter().filter_map(Key::variable).any(|name| is_set(&name));
    if settings.is_empty() && !variables && project().ignore.is_empty() {
        return Ok(None);
    }
    let tree = with(Cli::command(), &settings);
    let cli = tree.try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    cli.map(Some).map_err(|wrong| culprit(&settings, &wrong))
}

fn runs_anyway(cli: &Cli) -> bool {
    matches!(&cli.command, args::Command::Run(run) if run.on_error == OnError::Run)
}

/// What the machine's file sets, then what the user's does: the later counts.
pub(crate) fn settings() -> Result<Vec<Setting>, Failure> {
    read::all()
}

/// The tree of arguments with `settings` as defaults, and the environment over them.
pub(crate) fn with(mut tree: Command, settings: &[Setting]) -> Command {
    for key in KEYS {
        let of = settings.iter().rfind(|setting| setting.key == key);
        tree = change(tree, key, |mut arg| {
            let variable = key.variable().filter(|name| is_set(name));
            if matches!(arg.get_action(), ArgAction::SetTrue) {
                arg = arg.value_parser(BoolishValueParser::new());
            }
            if let Some(variable) = variable {
                arg = arg.env(variable).hide_env(true);
            }
            match of {
                Some(setting) => arg.default_values(&setting.values),
                None => arg,
            }
        });
    }
    for (command, at) in [("diff", None), ("baseline", Some("check"))] {
        let ignore = project().ignore;
        if ignore.is_empty() {
            break;
        }
        let set = |of: Command| of.mut_arg("ignore", |arg| arg.default_values(ignore));
        tree = tree.mut_subcommand(command, |of| match at {
            None => set(of),
            Some(at) => of.mut_subcommand(at, set),
        });
    }
    tree
}

fn change(tree: Command, key: Key, how: impl FnOnce(clap::Arg) -> clap::Arg) -> Command {
    let set = |of: Command| {
        let id = of.get_arguments().find(|arg| arg.get_long() == Some(key.long));
        match id.map(|arg| arg.get_id().clone()) {
            Some(id) => of.mut_arg(id, how),
            None => of,
        }
    };
    match key.command() {
        Some(command) => tree.mut_subcommand(command, set),
        None => set(tree),
    }
}

/// An empty variable is none.
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Which setting is why `wrong` was said.
fn culprit(settings: &[Setting], wrong: &clap::Error) -> Failure {
    for setting in settings {
        for value in &setting.values {
            let flag = flag(setting.key, value);
            let line = match setting.key.command() {
                Some("ship") => vec!["audit".to_owned(), "ship".to_owned(), flag],
                Some(_) => ["audit", "run", &flag, "true"].map(str::to_owned).to_vec(),
                None => ["audit", &flag, "run", "true"].map(str::to_owned).to_vec(),
            };
            if let Err(why) = with_flags_that_take_values().try_get_matches_from(line) {
                let why = why.render().to_string();
                let why = why.lines().next().unwrap_or_default();
                let why = why.strip_prefix("error: ").unwrap_or(why);
                return Failure::new(format!("{}: {why}", setting.place));
            }
        }
    }
    let why = wrong.render().to_string();
    let why = why.lines().next().unwrap_or_default();
    let why = why.strip_prefix("error: ").unwrap_or(why);
    Failure::new(format!("cannot use the settings: {why}"))
        .hint("audit config show --origin says where each comes from")
}

fn flag(key: Key, value: &str) -> String {
    format!("--{}={value}", key.long)
}

/// As on the command line, but `--hash=true` is understood as a file's `hash = true` is.
fn with_flags_that_take_values() -> Command {
    let mut tree = Cli::command();
    for key in KEYS {
        tree = change(tree, key, |arg| match arg.get_action() {
            ArgAction::SetTrue => {
                arg.action(ArgAction::Set).value_parser(BoolishValueParser::new())
            }
            _ => arg,
        });
    }
    tree
}

/// The user's file.
pub(crate) fn user_file() -> Option<PathBuf> {
    crate::ruling::user_config().map(|dir| dir.join("config.toml"))
}
