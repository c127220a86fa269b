//! `audit report`: a run written down for others.

mod data;
mod html;
mod svg;
mod systems;
mod words;

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use self::data::Report;
use crate::{
    args::{Format, Globals, ReportArgs},
    dispatch::Answer,
    failure::{Failure, system_text},
    text::{self, Out},
};

/// Largest step summary that GitHub takes is 1,024 KiB; more is thrown away whole.
const STEP_SUMMARY: usize = 900 * 1024;

/// Writes the report.
pub(crate) fn report(args: &ReportArgs, globals: &Globals) -> Result<Answer, Failure> {
    let form = form(globals.form(), args.output.as_deref());
    let opened = super::open(globals, &args.run)?;
    let report = Report::of(&opened)?;
    if form == Format::Github {
        return github(&report, args, globals);
    }
    let page = page(&report, form)?;
    match &args.output {
        Some(path) => {
            fs::write(path, page).map_err(|why| failed(path, &why))?;
        }
        None => {
            let mut out = Out::open(&Globals { no_pager: true, ..globals.clone() });
            out.write_all(page.as_bytes())?;
            out.close()?;
        }
    }
    Ok(Answer::Yes)
}

fn failed(path: &Path, why: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {}", path.display(), system_text(why)))
}

/// What was asked for; without that, what the file's name says; else a page for a browser.
fn form(asked: Format, output: Option<&Path>) -> Format {
    if asked != Format::Text {
        return asked;
    }
    match output.and_then(Path::extension).and_then(|ending| ending.to_str()) {
        Some("md") => Format::Md,
        Some("sarif") => Format::Sarif,
        Some("xml") => Format::Junit,
        Some("json") => Format::Json,
        _ => Format::Html,
    }
}

/// The report in a form.
fn page(report: &Report<'_>, form: Format) -> Result<String, Failure> {
    let json = |page: &serde_json::Value| {
        let mut bytes = Vec::new();
        text::write_json(&mut bytes, page, form)?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(match form {
        // Formats of `export` are refused before.
        Format::Html | Format::Text | Format::Export(_) => html::page(report),
        Format::Md | Format::Github => words::markdown(report),
        Format::Sarif => json(&systems::sarif(report))?,
        Format::Junit => systems::junit(report),
        Format::Json | Format::Jsonl => json(&words::object(report))?,
    })
}

/// For a step of GitHub Actions: the summary to its file, findings as annotations on standard output.
fn github(report: &Report<'_>, args: &ReportArgs, globals: &Globals) -> Result<Answer, Failure> {
    let mut summary = words::markdown(report);
    if summary.len() > STEP_SUMMARY {
        let end = summary.floor_char_boundary(STEP_SUMMARY);
        summary.truncate(end);
        summary.push_str("\n\n(cut: the run has more)\n");
    }
    let step = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
    let path = args.output.clone().or(step.map(Into::into));
    let mut out = Out::open(&Globals { no_pager: true, ..globals.clone() });
    match &path {
        Some(path) => {
            let file = fs::OpenOptions::new().append(true).create(true).open(path);
            file.and_then(|mut file| file.write_all(summary.as_bytes()))
                .map_err(|why| failed(path, &why))?;
        }
        None => out.write_all(summary.as_bytes())?,
    }
    out.write_all(systems::annotations(report).as_bytes())?;
    out.close()?;
    Ok(Answer::Yes)
}

#[cfg(test)]
pub(super) fn pages(opened: &crate::derive::Opened) -> Vec<(&'static str, String)> {
    let report = Report::of(opened).expect("it reads");
    [
        ("html", Format::Html),
        ("md", Format::Md),
        ("sarif", Format::Sarif),
        ("junit", Format::Junit),
        ("json", Format::Json),
    ]
    .into_iter()
    .map(|(name, form)| (name, page(&report, form).expect("memory takes it")))
    .chain([("annotations", systems::annotations(&report))])
    .collect()
}
