//! The head of the dashboard: which run, how it ended, what the record can and cannot say.

use std::{
    io::{self, Write},
    time::Duration,
};

use jiff::tz::TimeZone;
use storage::{Meta, Summary};

use crate::{
    derive::Opened,
    pages::{describe, instant, line::Line, nanoseconds, runs::verdict_style},
    text::{self, HEADING, Safe, Screen, command_line, plural},
};

/// Columns before what a line says.
const LABELS: usize = 12;

/// Reasons and damages that are listed; the JSON has all.
const REASONS: usize = 12;

/// Writes the head.
pub(super) fn write(
    opened: &Opened,
    summary: &Summary,
    end: Option<&Line>,
    screen: Screen,
    out: &mut impl Write,
) -> io::Result<()> {
    let meta = &opened.meta;
    title(opened, summary, screen, out)?;
    let mut labelled = |label: &str, words: &str| -> io::Result<()> {
        let room = screen.width.saturating_sub(LABELS).max(20);
        for (at, line) in text::wrap(words, room).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            writeln!(out, "  {label:<10}{line}")?;
        }
        Ok(())
    };
    labelled("command", &command(meta))?;
    labelled("in", &Safe::bytes(&meta.about.cwd()).to_string())?;
    labelled("by", &by(meta))?;
    if let Some(words) = from(opened) {
        labelled("from", &words)?;
    }
    labelled("when", &when(opened, summary))?;
    labelled("record", &record(opened, summary))?;
    if let Some(words) = end.and_then(opens) {
        labelled("opens", &words)?;
    }
    if !meta.coverage.is_empty() {
        labelled("coverage", &coverage(meta))?;
    }
    if !meta.effects_outside.is_empty() {
        let names = meta.effects_outside.iter().map(String::as_str);
        labelled("outside", &describe::effects_outside(names))?;
    }
    for words in statements(meta) {
        labelled("", &words)?;
    }
    Ok(())
}

/// Writes the first line.
pub(super) fn title(
    opened: &Opened,
    summary: &Summary,
    screen: Screen,
    out: &mut impl Write,
) -> io::Result<()> {
    let meta = &opened.meta;
    let verdict = Safe::new(&meta.verdict).to_string();
    let exit = match meta.exit {
        Some(exit) => describe::exit_words(exit),
        None if opened.live => "not over".to_owned(),
        None => "exit unknown".to_owned(),
    };
    let time = span(meta, summary).map_or_else(|| "-".to_owned(), text::elapsed);
    let left = format!("Run {}", opened.run.id());
    let middle = format!("{exit} | {time} | ");
    let used = [&left, &middle, &verdict].map(|part| text::width(part)).iter().sum::<usize>();
    let gap = " ".repeat(screen.width.saturating_sub(used).max(2));
    let verdict = text::painted(verdict_style(&meta.verdict), &verdict);
    writeln!(out, "{}{gap}{middle}{verdict}", text::painted(HEADING, &left))
}

/// From the first frame to the last; of a live run, to its last event.
fn span(meta: &Meta, summary: &Summary) -> Option<Duration> {
    if let Some(took) = meta.took_ns {
        return Some(Duration::from_nanos(took));
    }
    let start = nanoseconds(&meta.started)?;
    let end = last_sign(meta, summary)?;
    u64::try_from(end.checked_sub(start)?).ok().map(Duration::from_nanos)
}

/// The later of what the record says of its end and its last event: a record that was cut says less.
fn last_sign(meta: &Meta, summary: &Summary) -> Option<i64> {
    let said = meta.ended.as_deref().and_then(nanoseconds);
    said.max(summary.span_ns.map(|(_, last)| last))
}

fn command(meta: &Meta) -> String {
    let mut words = command_line(meta.about.command());
    if meta.about.command_cut {
        words.push_str(" … (cut)");
    }
    if words.is_empty() { "unknown: the record does not say".to_owned() } else { words }
}

fn by(meta: &Meta) -> String {
    let mut words = match meta.about.user.as_str() {
        "" => format!("uid {}", meta.about.uid),
        user => Safe::new(user).to_string(),
    };
    if !meta.host.is_empty() {
        words.push_str(&format!(" on {}", Safe::new(&meta.host)));
    }
    if !meta.kernel.is_empty() {
        words.push_str(&format!(" (Linux {})", Safe::new(&meta.kernel)));
    }
    if let Some(name) = &meta.about.name {
        words.push_str(&format!(", named {}", Safe::new(name)));
    }
    words
}

/// Where the run came from, when it was not recorded into this store.
fn from(opened: &Opened) -> Option<String> {
    if let Some((path, _)) = opened.run.bundle() {
        return Some(format!("the bundle {}", Safe::new(&path.to_string_lossy())));
    }
    let it = opened.run.imported()?;
    let verified = match it.result.as_str() {
        "verified" => "verified",
        "no_end" => "verified as far as it goes: it has no end",
        _ => "signed by nobody known here",
    };
    let (host, at, bundle) = (Safe::new(&it.host), Safe::new(&it.at), Safe::new(&it.bundle));
    Some(format!("imported {at} from {bundle}, recorded on {host}; it was {verified} then"))
}

fn when(opened: &Opened, summary: &Summary) -> String {
    let meta = &opened.meta;
    let clock = |ns: i64, form: &str| {
        instant(ns).map(|at| at.to_zoned(TimeZone::UTC).strftime(form).to_string())
    };
    let start = nanoseconds(&meta.started).and_then(|ns| clock(ns, "%Y-%m-%d %H:%M:%S"));
    let end = last_sign(meta, summary).filter(|_| !opened.live);
    let end = end.and_then(|ns| clock(ns, "%H:%M:%S"));
    match (start, end) {
        (Some(start), Some(end)) => format!("{start} to {end} UTC"),
        (Some(start), None) => format!("{start} UTC"),
        (None, _) => "unknown".to_owned(),
    }
}

/// How many events there are and what is missing: always both numbers.
fn record(opened: &Opened, summary: &Summary) -> String {
    let meta = &opened.meta;
    let events: u64 = summary.types.iter().map(|kind| kind.events).sum();
    let mut words = plural(events, "event");
    if opened.live {
        words.push_str(" so far, still being recorded");
        return words;
    }
    let lost = meta.coverage.values().fold(0_u64, |sum, of| sum.saturating_add(of.lost));
    words.push_str(&format!(", lost {}", text::count(lost)));
    if summary.malformed > 0 {
        words.push_str(&format!(", {} unreadable", plural(summary.malformed, "line")));
    }
    if !meta.trust.is_empty() {
        words.push_str(&format!(", trust {}", Safe::new(&meta.trust)));
    }
    words
}

/// Where the exact counts of opens went; the numbers add up.
fn opens(end: &Line) -> Option<String> {
    let seen = text::count(end.number("opens_seen")?);
    let of = |name| text::count(end.number(name).unwrap_or(0));
    let (named, unnamed, lost) = (of("opens_in_events"), of("opens_unnamed"), of("opens_lost"));
    Some(format!("{seen} counted: {named} in events, {unnamed} of no event, {lost} lost"))
}

/// In one line where there is nothing to say of any source.
fn coverage(meta: &Meta) -> String {
    if meta.coverage.values().all(|of| of.state == "on" && of.lost == 0) {
        let names = meta.coverage.keys().map(|source| Safe::new(source).to_string());
        return format!("all on: {}", names.collect::<Vec<_>>().join(", "));
    }
    let states = meta.coverage.iter().map(|(source, of)| {
        let state = of.state.replace('_', " ");
        let lost = match of.lost {
            0 => String::new(),
            lost => format!(", lost {}", text::count(lost)),
        };
        format!("{} {}{lost}", Safe::new(source), Safe::new(&state))
    });
    states.collect::<Vec<_>>().join(" | ")
}

/// Why the record is not complete, and what is damaged, in sentences; each once.
pub(super) fn statements(meta: &Meta) -> Vec<String> {
    let damage = meta.derived_from.damage.iter();
    let mut all: Vec<String> = Vec::new();
    for words in meta.reasons.iter().chain(damage) {
        let words = format!("- {}", Safe::new(words).plain());
        if !all.contains(&words) {
            all.push(words);
        }
    }
    let more = all.len().saturating_sub(REASONS);
    if more > 0 {
        all.truncate(REASONS);
        all.push(format!("- and {more} more (--json has them)"));
    }
    all
}
