//! Both engines find the same, or the difference is one that docs/rules.md tells.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sigma_oracle::{Corpus, Happening, Ours, Theirs, files};

/// The texts of rules, one each.
fn texts(dir: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let texts = files(&dir).into_iter().map(|path| fs::read_to_string(path).expect("it is text"));
    texts
        .flat_map(|text| text.split("\n---\n").map(|one| format!("{one}\n")).collect::<Vec<_>>())
        .collect()
}

/// Where the other engine is wrong: the rule, a word of the happenings that show it, and why.
const THEIR_MISTAKES: &[(&str, &str, &str)] = &[
    (
        "a39d7fa7-3fbd-4dc2-97e1-d87f546b1bbc",
        "/public_html/",
        "under `startswith`, a value with a wildcard inside is looked for at the end",
    ),
    (
        "base64-wide",
        "eABoAHQAdABwADoA",
        "the last letter of what `base64offset` looks for has bits of what follows in the log",
    ),
];

/// What both engines found.
#[derive(Default)]
struct Tally {
    happenings: usize,
    hits: usize,
    rules: BTreeMap<String, usize>,
    mistakes: usize,
    differences: Vec<String>,
}

impl Tally {
    fn print(&self) {
        println!(
            "{} happenings, {} rules that hold, {} hits, {} known mistakes of theirs, {} differences",
            self.happenings,
            self.rules.len(),
            self.hits,
            self.mistakes,
            self.differences.len()
        );
    }
}

/// Lets both engines judge `each` happenings about each rule.
fn judged(texts: &[String], each: usize) -> Tally {
    let ours = Ours::load(texts);
    let word = |id: &str| id.split(' ').next().unwrap_or_default().to_owned();
    let unused: BTreeSet<String> = ours.set.unusable.iter().map(|(id, _)| word(id)).collect();
    let theirs = Theirs::load(texts, &unused);
    let mut tally = Tally::default();
    let mut corpus = Corpus::new(20_261_122);
    for text in texts {
        for happening in corpus.about(text, each) {
            let (one, other) = (ours.hold(&happening), theirs.hold(&happening));
            tally.happenings += 1;
            tally.hits += other.len();
            for id in &other {
                *tally.rules.entry(id.clone()).or_default() += 1;
            }
            let mistake = |id: &&String| {
                let of_rule = THEIR_MISTAKES.iter().filter(|(rule, ..)| id == rule);
                let shown = happening.fields.values();
                of_rule.into_iter().any(|(_, word, _)| shown.clone().any(|it| it.contains(word)))
            };
            let differing: Vec<&String> = one.symmetric_difference(&other).collect();
            tally.mistakes += differing.iter().filter(|id| mistake(id)).count();
            if !differing.iter().all(mistake) {
                tally.differences.push(told(&one, &other, &happening));
            }
        }
    }
    tally
}

fn told(one: &BTreeSet<String>, other: &BTreeSet<String>, happening: &Happening) -> String {
    let (more, less): (Vec<_>, Vec<_>) =
        (one.difference(other).collect(), other.difference(one).collect());
    format!("only ours: {more:?}, only theirs: {less:?}\n  {happening:?}")
}

#[test]
fn engines_agree_on_the_public_sample() {
    let texts = texts("../tests/sigma-sample");
    let tally = judged(&texts, 60);
    tally.print();
    assert!(tally.happenings >= 2_000);
    assert!(tally.differences.is_empty(), "{}", tally.differences.join("\n"));
    assert!(tally.hits >= 1_000 && tally.rules.len() >= 50, "{:?}", tally.rules);
}

#[test]
fn engines_agree_on_every_modifier_and_condition() {
    let texts = texts("rules");
    let tally = judged(&texts, 60);
    tally.print();
    assert!(tally.differences.is_empty(), "{}", tally.differences.join("\n"));
    let never: Vec<&str> = texts
        .iter()
        .filter_map(|text| text.lines().find_map(|line| line.strip_prefix("id: ")))
        .filter(|id| !tally.rules.contains_key(*id))
        .collect();
    assert_eq!(never, Vec::<&str>::new(), "no happening is so");
}
