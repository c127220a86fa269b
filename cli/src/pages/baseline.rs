//! `audit baseline`: what a job always does and sometimes does, learned from several runs.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rules::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::diff::{Page, facts, ignored, rules_of};
use crate::{
    args::{BaselineAct, Format, Globals},
    diff::{Difference, Fact, Facts, Kind, Section, compare, normal::Rule},
    dispatch::Answer,
    failure::{Failure, system_text},
    text::{self, Align, FAINT, HEADING, Out, Safe, Screen, Table},
};

/// Longest baseline that is read.
const LARGEST: u64 = 256 << 20;

/// What several runs did.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Baseline {
    schema: String,
    version: u32,
    /// Runs that it was learned from.
    runs: Vec<String>,
    /// What was called alike.
    rules: Vec<String>,
    /// In how many runs each thing was, and as what.
    sections: BTreeMap<Section, BTreeMap<String, Known>>,
}

/// Something that some of the runs did.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    runs: u64,
    /// As the runs had it: each other way once.
    seen: Vec<Fact>,
}

/// Does what is asked.
pub(crate) fn baseline(act: &BaselineAct, globals: &Globals) -> Result<Answer, Failure> {
    match act {
        BaselineAct::Save { name, runs, normalize } => save(name, runs, normalize, globals),
        BaselineAct::Show { name: None } => list(globals),
        BaselineAct::Show { name: Some(name) } => show(name, globals),
        BaselineAct::Check { name, run, ignore, slack } => {
            let slack = u64::try_from(slack.as_millis()).unwrap_or(u64::MAX);
            check(name, run, &ignored(ignore)?, slack, globals)
        }
    }
}

fn folder(globals: &Globals) -> Result<PathBuf, Failure> {
    Ok(globals.store_dir()?.join("baselines"))
}

fn save(
    name: &str,
    runs: &[String],
    normalize: &[String],
    globals: &Globals,
) -> Result<Answer, Failure> {
    let rules = rules_of(normalize);
    let mut made = Baseline {
        schema: "audit.baseline".to_owned(),
        version: 1,
        rules: rules.iter().map(|rule| rule.name().to_owned()).collect(),
        ..Baseline::default()
    };
    for run in runs {
        let opened = super::open(globals, run)?;
        made.runs.push(opened.run.id().to_string());
        made.learn(facts(&opened, &rules)?);
    }
    let folder = folder(globals)?;
    let path = folder.join(format!("{name}.json"));
    write(&folder, &path, &serde_json::to_vec(&made).unwrap_or_default()).map_err(|why| {
        Failure::new(format!("cannot write {}: {}", path.display(), system_text(&why)))
    })?;
    if !globals.quiet {
        let runs = text::plural(made.runs.len() as u64, "run");
        let _ = writeln!(
            anstream::stderr(),
            "audit: baseline {name} of {runs} is in {}",
            Safe::path(&path)
        );
    }
    Ok(Answer::Yes)
}

/// Beside it first, so that a reader finds the old one or the new one.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = path.with_extension("json.new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn read(name: &str, globals: &Globals) -> Result<Baseline, Failure> {
    let path = folder(globals)?.join(format!("{name}.json"));
    let failed = |why: String| {
        Failure::new(format!("cannot read the baseline {name}: {why}"))
            .hint("audit baseline show; audit baseline save NAME RUN...")
    };
    let len = fs::metadata(&path).map_err(|why| failed(system_text(&why)))?.len();
    if len > LARGEST {
        return Err(failed(format!("it has {}", text::bytes(len))));
    }
    let bytes = fs::read(&path).map_err(|why| failed(system_text(&why)))?;
    serde_json::from_slice(&bytes).map_err(|why| failed(why.to_string()))
}

impl Baseline {
    fn learn(&mut self, facts: Facts) {
        for (section, facts) in facts.sections {
            let known = self.sections.entry(section).or_default();
            for (name, fact) in facts {
                let known = known.entry(name).or_default();
                known.runs += 1;
                let other = |was: &Fact| {
                    (&was.words, was.size, was.sent, was.millis)
                        != (&fact.words, fact.size, fact.sent, fact.millis)
                };
                if known.seen.iter().all(other) {
                    known.seen.push(fact);
                }
            }
        }
    }

    /// What all runs did, or what any did, as facts of the closest kind.
    fn facts(&self, like: &Facts, slack: u64) -> Facts {
        let mut all = Facts::default();
        for (section, known) in &self.sections {
            let into = all.sections.entry(*section).or_default();
            for (name, known) in known {
                let is = like.sections.get(section).and_then(|facts| facts.get(name));
                let always = known.runs == self.runs.len() as u64;
                // What only some runs did is no loss when it is not done.
                if is.is_none() && !always {
                    continue;
                }
                let same = |was: &&Fact| is.is_some_and(|is| alike(*section, name, was, is, slack));
                let fact = known.seen.iter().find(same).or(known.seen.first());
                into.extend(fact.map(|fact| (name.clone(), fact.clone())));
            }
        }
        all
    }
}

fn alike(section: Section, name: &str, was: &Fact, is: &Fact, slack: u64) -> bool {
    let one = |fact: &Fact| {
        let facts = BTreeMap::from([(name.to_owned(), fact.clone())]);
        Facts { sections: BTreeMap::from([(section, facts)]), ..Facts::default() }
    };
    compare(&one(was), &one(is), &[], slack).of(section).next().is_none()
}

fn check(
    name: &str,
    run: &str,
    ignore: &[Pattern],
    slack: u64,
    globals: &Globals,
) -> Result<Answer, Failure> {
    let baseline = read(name, globals)?;
    let rules: Vec<Rule> = rules_of(&baseline.rules);
    let opened = super::open(globals, run)?;
    let is = [facts(&opened, &rules)?];
    let was = baseline.facts(&is[0], slack);
    let difference: Difference = compare(&was, &is[0], ignore, slack);
    let runs = text::plural(baseline.runs.len() as u64, "run");
    let title = format!("baseline {name} ({runs})  ->  {}", opened.run.id().suffix());
    let page = Page {
        title: [title, String::new()],
        difference: &difference,
        facts: &is,
        show: false,
        normalised: !rules.is_empty(),
    };
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => page.text(&mut out, Screen::of_stdout())?,
        Format::Md => page.markdown(&mut out)?,
        form => text::write_json(&mut out, &page.object([name, opened.run.id().as_str()]), form)?,
    }
    out.close()?;
    let counts = |kind| difference.changes.iter().filter(|change| change.kind == kind).count();
    let clean = [Kind::New, Kind::Gone, Kind::Changed].into_iter().all(|kind| counts(kind) == 0);
    Ok(if clean { Answer::Yes } else { Answer::No })
}

fn list(globals: &Globals) -> Result<Answer, Failure> {
    let entries = fs::read_dir(folder(globals)?).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text if names.is_empty() => {
            writeln!(out, "No baselines yet. Make one: audit baseline save NAME RUN...")?;
        }
        Format::Text => names.iter().try_for_each(|name| writeln!(out, "{}", Safe::new(name)))?,
        form => text::write_json(&mut out, &names, form)?,
    }
    out.close()?;
    Ok(Answer::Yes)
}

fn show(name: &str, globals: &Globals) -> Result<Answer, Failure> {
    let baseline = read(name, globals)?;
    let mut out = Out::open(globals);
    if globals.form() != Format::Text {
        text::write_json(&mut out, &json!(baseline), globals.form())?;
        out.close()?;
        return Ok(Answer::Yes);
    }
    let all = baseline.runs.len() as u64;
    let head = format!("Baseline {name} of {}", text::plural(all, "run"));
    writeln!(out, "{}", text::painted(HEADING, &head))?;
    for (section, known) in &baseline.sections {
        let always = known.values().filter(|known| known.runs == all).count();
        let words = format!("{always} always, {} sometimes", known.len() - always);
        let head = format!("{:<11}", section.name().to_uppercase());
        writeln!(out, "\n{}{words}", text::painted(HEADING, &head))?;
        let mut table = Table::new(&[Align::Left, Align::CutMiddle]).indent(2);
        for (name, known) in known {
            let how = if known.runs == all {
                "always".to_owned()
            } else {
                format!("{} of {all}", known.runs)
            };
            // From a file that somebody may have written: nothing in it is taken for safe.
            table.styled([
                (how, FAINT),
                (Safe::new(name).plain().to_string(), anstyle::Style::new()),
            ]);
        }
        out.write_all(table.render(Screen::of_stdout().room).as_bytes())?;
    }
    out.close()?;
    Ok(Answer::Yes)
}
