//! `audit diff`: two runs side by side.

use std::{
    io::{self, Write},
    time::Duration,
};

use rules::Pattern;

use super::{nanoseconds, runs::short_date};
use crate::{
    args::{CompareArgs, DiffArgs, Format, Globals},
    derive::Opened,
    diff::{Change, Collector, Difference, Facts, Kind, Section, compare, normal::Rule},
    dispatch::Answer,
    failure::Failure,
    text::{self, Align, BAD, CAUTION, FAINT, GOOD, HEADING, Out, Safe, Screen, Table},
};

/// Reads `--normalize`.
pub(super) fn rules_of(names: &[String]) -> Vec<Rule> {
    if names.iter().any(|name| name == "none") {
        return Vec::new();
    }
    let all = names.iter().any(|name| name == "all");
    Rule::ALL.into_iter().filter(|rule| all || names.iter().any(|n| n == rule.name())).collect()
}

/// Reads `--ignore`.
pub(super) fn ignored(globs: &[String]) -> Result<Vec<Pattern>, Failure> {
    let read =
        |glob: &String| Pattern::path(glob).map_err(|error| Failure::of(&error).hint(error.hint()));
    globs.iter().map(read).collect()
}

/// What a run did.
pub(super) fn facts(opened: &Opened, rules: &[Rule]) -> Result<Facts, Failure> {
    let mut collector = Collector::default();
    super::view::each(opened, &storage::Query::default(), &mut |row, line| {
        collector.add(row.ts_ns, &line);
        Ok(())
    })?;
    Ok(collector.finish(rules))
}

/// Prints what differs.
pub(crate) fn diff(args: &DiffArgs, globals: &Globals) -> Result<Answer, Failure> {
    let runs = [super::open(globals, &args.a)?, super::open(globals, &args.b)?];
    let (difference, facts) = compared([&runs[0], &runs[1]], &args.compare)?;
    let page = Page {
        title: titles(&runs),
        difference: &difference,
        facts: &facts,
        show: args.compare.show_normalised,
        normalised: !rules_of(&args.compare.normalize).is_empty(),
    };
    let mut out = Out::open(globals);
    match globals.form() {
        Format::Text => page.text(&mut out, Screen::of_stdout())?,
        Format::Md => page.markdown(&mut out)?,
        form => {
            let ids = [&runs[0], &runs[1]].map(|run| run.run.id().as_str());
            text::write_json(&mut out, &page.object(ids), form)?;
        }
    }
    out.close()?;
    Ok(if args.exit_code && !difference.changes.is_empty() { Answer::No } else { Answer::Yes })
}

/// What differs between two runs, and what was compared.
pub(crate) fn compared(
    [a, b]: [&Opened; 2],
    args: &CompareArgs,
) -> Result<(Difference, [Facts; 2]), Failure> {
    let rules = rules_of(&args.normalize);
    let ignore = ignored(&args.ignore)?;
    let facts = [facts(a, &rules)?, facts(b, &rules)?];
    let slack = u64::try_from(args.slack.as_millis()).unwrap_or(u64::MAX);
    Ok((compare(&facts[0], &facts[1], &ignore, slack), facts))
}

/// `+ write /etc/cron.d/backup2  by cp`: a change in a line of a few words.
pub(crate) fn brief(change: &Change) -> String {
    let (mark, _) = mark(change.kind);
    let note = note(change);
    let gap = if note.is_empty() { "" } else { "  " };
    format!("{mark} {:<9} {}{gap}{note}", change.section.name(), what(change))
}

/// The first line: name, both runs with their dates, and how long they took.
fn titles(runs: &[Opened; 2]) -> [String; 2] {
    let [a, b] = runs;
    let name = [a, b].map(|run| run.meta.about.name.as_deref().unwrap_or_default());
    let name = if name[0] == name[1] && !name[0].is_empty() {
        format!("{}  ", Safe::new(name[0]))
    } else {
        String::new()
    };
    let one = |run: &Opened| {
        let date = nanoseconds(&run.meta.started).map(short_date).unwrap_or_default();
        format!("{} {date}", run.run.id().suffix())
    };
    let took = |run: &Opened| {
        if let Some(took) = run.meta.took_ns {
            return Some(Duration::from_nanos(took));
        }
        let start = nanoseconds(&run.meta.started)?;
        let end = nanoseconds(run.meta.ended.as_deref()?)?;
        u64::try_from(end.checked_sub(start)?).ok().map(Duration::from_nanos)
    };
    let time = match (took(a), took(b)) {
        (Some(a), Some(b)) => {
            let ratio = b.as_secs_f64() / a.as_secs_f64().max(0.001);
            let ratio = if (0.67..1.5).contains(&ratio) {
                String::new()
            } else {
                format!(" ({ratio:.1}x)")
            };
            format!("{} -> {}{ratio}", text::elapsed(a), text::elapsed(b))
        }
        _ => String::new(),
    };
    [format!("{name}{}  ->  {}", one(a), one(b)), time]
}

/// What is printed.
pub(super) struct Page<'d> {
    /// Which runs, and their times.
    pub(super) title: [String; 2],
    /// What differs.
    pub(super) difference: &'d Difference,
    /// What was compared.
    pub(super) facts: &'d [Facts],
    /// Show what was called alike.
    pub(super) show: bool,
    /// Something was called alike at all.
    pub(super) normalised: bool,
}

impl Page<'_> {
    /// Writes the page for people.
    pub(super) fn text(&self, out: &mut impl Write, screen: Screen) -> io::Result<()> {
        let [left, right] = &self.title;
        let used = text::width(left) + text::width(right);
        let gap = " ".repeat(screen.width.saturating_sub(used).max(2));
        writeln!(out, "{}{gap}{right}\n", text::painted(HEADING, left))?;
        for section in Section::ALL {
            let numbers = self.numbers(section);
            if numbers.is_empty() {
                continue;
            }
            let head = format!("{:<11}", section.name().to_uppercase());
            writeln!(out, "{}{numbers}", text::painted(HEADING, &head))?;
            let mut table = Table::new(&[Align::Left, Align::CutMiddle, Align::Left]).indent(2);
            for change in self.difference.of(section) {
                let (mark, style) = mark(change.kind);
                let cells =
                    [(mark.to_owned(), style), (what(change), style), (note(change), FAINT)];
                table.styled(cells);
            }
            out.write_all(table.render(screen.room).as_bytes())?;
        }
        if self.difference.changes.is_empty() {
            writeln!(out, "No difference.")?;
        }
        self.alike(out)
    }

    /// `1 new, 0 gone, 38 same`; nothing where neither run has anything.
    pub(super) fn numbers(&self, section: Section) -> String {
        let of = |kind| self.difference.of(section).filter(|change| change.kind == kind).count();
        let (new, gone, changed) = (of(Kind::New), of(Kind::Gone), of(Kind::Changed));
        let same = self.difference.same.get(&section).copied().unwrap_or(0);
        if new + gone + changed == 0 && same == 0 {
            return String::new();
        }
        let mut parts = Vec::new();
        for (number, word) in [(new, "new"), (gone, "gone"), (changed, "changed")] {
            if number > 0 {
                parts.push(format!("{} {word}", text::count(number as u64)));
            }
        }
        parts.push(format!("{} same", text::count(same)));
        parts.join(", ")
    }

    /// What was called alike, in a line or at length.
    fn alike(&self, out: &mut impl Write) -> io::Result<()> {
        let mut counts = Vec::new();
        for rule in Rule::ALL {
            let times = self.facts.iter().filter_map(|facts| facts.notes.get(&rule)).map(|n| n.0);
            let times: u64 = times.sum();
            if times > 0 {
                counts.push(format!("{} {}", text::count(times), rule.name()));
            }
        }
        if self.difference.ignored > 0 {
            counts.push(format!("{} by --ignore", text::count(self.difference.ignored)));
        }
        if counts.is_empty() {
            return Ok(());
        }
        let hint = if self.show || !self.normalised {
            ""
        } else {
            " (--show-normalised; --normalize none)"
        };
        let words = format!("\nIgnored: {}{hint}", counts.join(", "));
        writeln!(out, "{}", text::painted(FAINT, &words))?;
        if !self.show {
            return Ok(());
        }
        for (at, facts) in self.facts.iter().enumerate() {
            for (rule, (_, examples)) in &facts.notes {
                for (was, is) in examples {
                    writeln!(out, "  {} {:<8} {was} = {is}", ["a", "b"][at.min(1)], rule.name())?;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn mark(kind: Kind) -> (&'static str, anstyle::Style) {
    match kind {
        Kind::New => ("+", GOOD),
        Kind::Gone => ("-", BAD),
        Kind::Changed => ("~", CAUTION),
    }
}

/// `write /etc/cron.d/backup2`.
pub(super) fn what(change: &Change) -> String {
    let words: Vec<&str> = change.fact.words.iter().map(String::as_str).collect();
    match change.section {
        Section::Files if change.kind != Kind::Changed => {
            format!("{} {}", words.join(","), change.name)
        }
        _ => change.name.clone(),
    }
}

pub(super) fn note(change: &Change) -> String {
    if let Some((from, to)) = &change.values {
        return format!("{from} -> {to}");
    }
    let fact = &change.fact;
    let sent = fact.sent.map(|sent| format!("{} out", text::bytes(sent)));
    let size = fact.size.map(text::bytes);
    let by = (!fact.by.is_empty()).then(|| format!("by {}", fact.by));
    [sent, size, by].into_iter().flatten().collect::<Vec<_>>().join("  ")
}
