//! `audit config show`: what is set, and where.

use std::io::Write;

use clap::{ArgMatches, CommandFactory, parser::ValueSource};
use serde_json::json;

use crate::{
    args::{Cli, Format, Globals},
    config::{self, KEYS, Key, Setting},
    dispatch::Answer,
    failure::Failure,
    text::{self, Align, Out, Screen, Table},
};

/// A setting as it is in force.
struct Shown {
    key: Key,
    values: Vec<String>,
    origin: String,
}

/// Prints the page.
pub(crate) fn config(origin: bool, globals: &Globals) -> Result<Answer, Failure> {
    let settings = config::settings()?;
    let shown = shown(&settings)?;
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => {
            let mut table = Table::new(&[Align::Left, Align::Left, Align::Left]);
            for it in &shown {
                let values =
                    if it.values.is_empty() { "-".to_owned() } else { it.values.join(", ") };
                let origin = if origin { it.origin.clone() } else { String::new() };
                table.row([it.key.name(), values, origin]);
            }
            out.write_all(table.render(Screen::of_stdout().room).as_bytes())?;
        }
        form => {
            let list = shown
                .iter()
                .map(|it| json!({"key": it.key.name(), "values": it.values, "origin": it.origin}));
            let list: Vec<_> = list.collect();
            let page = json!({"schema": "audit.config", "version": 1, "settings": list});
            text::write_json(&mut out, &page, form)?;
        }
    }
    out.close()?;
    Ok(Answer::Yes)
}

/// Asks the tree of arguments itself what a command without flags would be given.
fn shown(settings: &[Setting]) -> Result<Vec<Shown>, Failure> {
    let mut tree = config::with(Cli::command(), settings);
    tree.build();
    let given = |line: &[&str]| {
        let found = tree.clone().try_get_matches_from(line);
        found.map_err(|why| Failure::new(format!("cannot use the settings: {why}")))
    };
    let (run, ship) = (given(&["audit", "run", "true"])?, given(&["audit", "ship"])?);
    let show = |key: Key| {
        let (of, found) =
            if key.command() == Some("ship") { ("ship", &ship) } else { ("run", &run) };
        Some(show(key, tree.find_subcommand(of)?, found.subcommand_matches(of)?, settings))
    };
    Ok(KEYS.into_iter().filter_map(show).collect())
}

fn show(key: Key, of: &clap::Command, run: &ArgMatches, settings: &[Setting]) -> Shown {
    let arg = of.get_arguments().find(|arg| arg.get_long() == Some(key.long));
    let id = arg.map(|arg| arg.get_id().as_str()).unwrap_or_default();
    let raw = run.try_get_raw(id).ok().flatten();
    let values = raw.into_iter().flatten().map(|value| value.to_string_lossy().into_owned());
    let values: Vec<String> = values.collect();
    let origin = match run.try_contains_id(id).ok().and_then(|_| run.value_source(id)) {
        Some(ValueSource::EnvVariable) => {
            format!("environment {}", key.variable().unwrap_or_default())
        }
        _ => match settings.iter().rfind(|setting| setting.key == key) {
            Some(setting) => setting.place.clone(),
            None => "default".to_owned(),
        },
    };
    Shown { key, values, origin }
}
