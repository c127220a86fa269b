//! Correlations of Sigma: what they add up, for whom, and what is not evaluated.
#![forbid(unsafe_code)]

mod common;

use std::sync::Arc;

use common::{by, exec, file, load};
use event::model::{Event, What};
use rules::{Layer, Loader, RuleSet};

fn base(name: &str, part: &str) -> String {
    format!(
        "title: {name}\nid: {name}\nname: {name}\nlogsource: {{category: process_creation}}\ndetection:\n  s: {{CommandLine|contains: {part}}}\n  condition: s\n"
    )
}

/// An event `seconds` after the first.
fn at(event: Event, seconds: i64) -> Event {
    let seq = event.seq + seconds as u64;
    Event { ts_ns: event.ts_ns + seconds * 1_000_000_000, seq, ..event }
}

fn later(line: &str, seconds: i64) -> Event {
    at(exec(line), seconds)
}

/// The correlation `many` over rules that look for aa, bb and cc.
fn correlation(rest: &str) -> Arc<RuleSet> {
    let text = format!("title: many\nid: many\ncorrelation:\n  timespan: 1m\n{rest}");
    load(&[&base("a", "aa"), &base("b", "bb"), &base("c", "cc"), &text])
}

/// Ids of what is found.
fn held(rest: &str, events: &[Event]) -> String {
    let set = correlation(rest);
    assert_eq!(set.unusable, [], "{rest}");
    ids(&set, events)
}

fn ids(set: &Arc<RuleSet>, events: &[Event]) -> String {
    let ids = set.held(events, Default::default());
    ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

/// Why the correlation is not used.
fn refused(rest: &str) -> String {
    let set = correlation(rest);
    let [(id, why)] = set.unusable.as_slice() else { panic!("{rest}: {:?}", set.unusable) };
    assert_eq!(id, "many (many)");
    why.clone()
}

#[test]
fn events_and_values_are_counted_within_the_timespan() {
    let five: Vec<Event> = (0..5).map(|at| later("aa", at)).collect();
    let count = "  type: event_count\n  rules: [a]\n  group-by: [Image]\n  condition: {gte: 5}\n";
    assert_eq!(held(count, &five), "many");
    assert_eq!(held(count, &five[..4]), "");
    let slow: Vec<Event> = (0..5).map(|at| later("aa", at * 50)).collect();
    assert_eq!(held(count, &slow), "", "not within the minute");
    let values = "  type: value_count\n  rules: [a]\n  condition: {gte: 2, field: CommandLine}\n";
    assert_eq!(held(values, &five), "");
    assert_eq!(held(values, &[later("aa", 0), later("aa c", 1)]), "many");
    let both =
        "  type: value_count\n  rules: [a]\n  condition: {gte: 3, field: [CommandLine, Image]}\n";
    let by = |exe: &str, line: &str, seconds| at(common::by(exe, exec(line).what), seconds);
    let pairs = [by("/x", "aa", 0), by("/y", "aa", 1), by("/x", "aa", 2), by("/x", "aa c", 3)];
    assert_eq!(held(both, &pairs[..3]), "");
    assert_eq!(held(both, &pairs), "many");
}

#[test]
fn rules_hold_together_and_in_their_order() {
    let ordered = "  type: temporal_ordered\n  rules: [a, b]\n";
    let (first, second) = (later("aa", 0), later("bb", 5));
    assert_eq!(held(ordered, &[first.clone(), second.clone()]), "many");
    let together = "  type: temporal\n  rules: [a, b]\n  generate: true\n";
    assert_eq!(held(together, &[first.clone(), second]), "a b many");
    assert_eq!(held(ordered, &[later("bb", 0), later("aa", 5)]), "");
    let three = "  type: temporal_ordered\n  rules: [a, b, c]\n";
    // The first again in between takes nothing away.
    assert_eq!(held(three, &[first, later("bb", 1), later("aa", 2), later("cc", 3)]), "many");
    assert_eq!(held(three, &[later("aa", 0), later("cc", 1), later("bb", 2)]), "");
    assert_eq!(held(three, &[later("aa", 0), later("bb", 30), later("cc", 61)]), "", "too late");
}

#[test]
fn a_condition_may_name_the_rules() {
    let named = |condition: &str, lines: &[&str]| {
        let rest = format!("  type: temporal\n  rules: [a, b, c]\n  condition: {condition}\n");
        let events: Vec<Event> = (0..).zip(lines).map(|(at, line)| later(line, at)).collect();
        held(&rest, &events)
    };
    assert_eq!(named("a and (b or c)", &["cc", "aa"]), "many");
    assert_eq!(named("a and (b or c)", &["bb", "cc"]), "");
    assert_eq!(named("all of them", &["cc", "aa", "bb"]), "many");
    let rest = "  type: temporal\n  rules: [a, b]\n  condition: a and not b\n";
    assert!(refused(rest).contains("known at the end of the timespan only"));
}

#[test]
fn sums_means_and_percentiles_are_of_numbers() {
    let with = |pids: &[u32], rest: &str| {
        let events: Vec<Event> = (0..)
            .zip(pids)
            .map(|(seconds, pid)| {
                let mut event = later("aa", seconds);
                event.actor.as_mut().expect("somebody did it").id.pid = *pid;
                event
            })
            .collect();
        held(&format!("  rules: [a]\n{rest}"), &events)
    };
    let sum = "  type: value_sum\n  condition: {field: ProcessId, gt: 300, lte: 400}\n";
    assert_eq!(with(&[100, 200], sum), "");
    assert_eq!(with(&[100, 201], sum), "many");
    assert_eq!(with(&[100, 301], sum), "", "it was never in the range");
    let mean = "  type: value_avg\n  condition: {field: ProcessId, gte: 150.5}\n";
    assert_eq!(with(&[100, 200], mean), "");
    assert_eq!(with(&[100, 201], mean), "many");
    assert_eq!(
        with(&[300, 1], "  type: value_avg\n  condition: {field: ProcessId, lt: 151}\n"),
        "many"
    );
    let median =
        "  type: value_percentile\n  condition: {field: ProcessId, percentile: 50, gte: 150}\n";
    assert_eq!(with(&[100, 199], median), "");
    assert_eq!(with(&[100, 200], median), "many");
    assert_eq!(with(&[1, 900, 2], median), "many");
    assert_eq!(with(&[1, 2, 900], median), "");
}

#[test]
fn a_number_may_be_in_a_range_or_equal() {
    let counted = |condition: &str, events: i64| {
        let rest = format!("  type: event_count\n  rules: [a]\n  condition: {condition}\n");
        let events: Vec<Event> = (0..events).map(|at| later("aa", at)).collect();
        held(&rest, &events)
    };
    assert_eq!(counted("{gt: 2, lte: 4}", 2), "");
    assert_eq!(counted("{gt: 2, lte: 4}", 3), "many");
    assert_eq!(counted("{eq: 3}", 2), "");
    assert_eq!(counted("{eq: 3}", 3), "many");
    assert_eq!(counted("{gte: 3, neq: 3}", 3), "");
    assert_eq!(counted("{gte: 3, neq: 3}", 4), "many");
}

/// A file is written, and later a program runs from a file of that name.
const WRITTEN: &str = "title: written\nid: w-1\nname: written\nlogsource: {category: file_event}\n\
     detection:\n  s: {TargetFilename|startswith: /tmp/}\n  condition: s\n";

fn dropped(aliases: &str) -> Arc<RuleSet> {
    let text = format!(
        "title: dropped\nid: dropped\ncorrelation:\n  type: temporal_ordered\n  rules: [w-1, a]\n  \
         group-by: [program]\n  timespan: 1m\n  aliases:\n    program: {aliases}\n"
    );
    load(&[WRITTEN, &base("a", "aa"), &text])
}

#[test]
fn an_alias_joins_fields_of_other_names() {
    let set = dropped("{written: TargetFilename, a: Image}");
    assert_eq!(set.unusable, []);
    let run = |exe: &str| at(by(exe, exec("aa").what), 5);
    let written = file("write", "/tmp/x");
    assert_eq!(ids(&set, &[written.clone(), run("/tmp/x")]), "dropped");
    assert_eq!(ids(&set, &[written, run("/tmp/y")]), "");
    for (aliases, why) in [
        ("{written: TargetFilename}", "its alias 'program' has no field for a"),
        ("{written: TargetFilename, a: Hashes}", "our events have no 'Hashes'"),
    ] {
        let set = dropped(aliases);
        let [(id, reason)] = set.unusable.as_slice() else { panic!("{:?}", set.unusable) };
        assert_eq!((id.as_str(), reason.as_str()), ("dropped (dropped)", why));
    }
}

#[test]
fn what_cannot_be_evaluated_is_listed_with_the_reason() {
    for (rest, why) in [
        ("  type: event_count\n  rules: [a]\n  condition: {lt: 3}\n", "known at the end only"),
        ("  type: event_count\n  rules: [a]\n", "its condition is none of gt"),
        ("  type: value_sum\n  rules: [a]\n  condition: {gt: 3}\n", "lacks the `field`"),
        ("  type: value_avg\n  rules: [a]\n  condition: {gt: 3, field: Image}\n", "is no number"),
        (
            "  type: value_percentile\n  rules: [a]\n  condition: {lte: 1, field: ProcessId}\n",
            "does not say of which percentile",
        ),
        ("  type: value_median\n  rules: [a]\n  condition: {gt: 3}\n", "'value_median' are not"),
        ("  type: event_count\n  rules: [a]\n  condition: a or b\n", "`temporal` only"),
        ("  type: event_count\n  rules: [z]\n  condition: {gt: 1}\n", "there is no rule z in use"),
    ] {
        let reason = refused(rest);
        assert!(reason.contains(why), "{reason}");
    }
}

#[test]
fn a_correlation_of_what_cannot_be_used_is_listed_and_silences_the_rest() {
    let other = "title: o\nid: other\nlogsource: {product: windows}\ndetection:\n  s: {a: b}\n  condition: s\n";
    let first = "title: f\nid: first\ncorrelation:\n  type: temporal\n  rules: [a, other]\n  timespan: 1m\n";
    let second = "title: s\nid: second\ncorrelation:\n  type: event_count\n  rules: [first]\n  \
                  timespan: 1m\n  condition: {gt: 1}\n";
    let set = load(&[&base("a", "aa"), other, first, second]);
    let why: Vec<String> = set.unusable.iter().map(|(id, why)| format!("{id}: {why}")).collect();
    assert_eq!(
        why,
        [
            "other (o): it is for windows",
            "first (f): there is no rule other in use",
            "second (s): it looks at first, which cannot be used"
        ]
    );
    // A part of a correlation is no finding by itself.
    assert_eq!(ids(&set, &[later("aa", 0)]), "");
}

#[test]
fn a_correlation_of_the_project_silences_its_own_rules_only() {
    let mut loader = Loader::default();
    loader.add(Layer::User, "user", &base("a", "aa"));
    loader.add(Layer::Project, "mine", &base("b", "bb"));
    let many = "title: m\nid: m\ncorrelation:\n  type: temporal\n  rules: [a, b]\n  timespan: 1m\n";
    loader.add(Layer::Project, "project", &format!("{}---\n{many}", base("c", "cc")));
    let set = Arc::new(loader.finish().expect("they are sound"));
    assert_eq!(ids(&set, &[later("aa", 0)]), "a");
    assert_eq!(ids(&set, &[later("bb", 0), later("aa", 1)]), "b a m");
}

#[test]
fn nobody_did_it_for_everybody() {
    let rest = "  type: event_count\n  rules: [a]\n  group-by: [CurrentDirectory]\n  condition: {gte: 1}\n";
    assert_eq!(held(rest, &[later("aa", 0)]), "", "the directory is not known");
    let What::Exec(mut what) = exec("aa").what else { panic!("it is an exec") };
    what.cwd = Some(b"/srv".to_vec());
    assert_eq!(held(rest, &[by("/usr/bin/aa", What::Exec(what))]), "many");
}
