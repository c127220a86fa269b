//! Both engines find the same, or the difference is one that docs/rules.md tells.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sigma_oracle::{Corpus, Happening, Kind, Ours, Theirs, files};

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

/// Programs that begin, one every few seconds: never as far apart as a window is long.
fn stream(corpus: &mut Corpus, count: usize) -> Vec<Happening> {
    let mut at = 0;
    (0..count)
        .map(|number| {
            at += [3, 3, 6, 9, 21][corpus.below(5)];
            let word = ["alpha", "beta", "gamma", "other", "other"][corpus.below(5)];
            let user = ["ana", "root"][corpus.below(2)];
            let value = corpus.below(6);
            let fields = BTreeMap::from([
                ("Image", format!("/usr/bin/{word}")),
                // The same again within 30 s would be told by its count.
                ("CommandLine", format!("{word} v{value} n{number}")),
                ("CurrentDirectory", format!("/srv/{value}")),
                ("User", user.to_owned()),
                ("ProcessId", (1_000 + number * 7_919 % 4_000).to_string()),
                // A name that another field has at other times.
                ("ParentImage", format!("/srv/{}", corpus.below(6))),
            ]);
            Happening { kind: Kind::Exec, at, fields }
        })
        .collect()
}

/// The correlations.
const IDS: [&str; 10] = [
    "count-3",
    "values-3",
    "both-any",
    "both-ordered",
    "by-alias",
    "three-ordered",
    "named",
    "range",
    "sum",
    "average",
];

/// What a correlation found: at which happening, and whose it was.
type Moment = (usize, String, String);

#[test]
fn engines_agree_on_correlations() {
    let texts = texts("correlations");
    let (mut ours, mut theirs) = (Ours::load(&texts), Theirs::load(&texts, &BTreeSet::new()));
    assert_eq!(ours.set.unusable, []);
    let happenings = stream(&mut Corpus::new(7), 6_000);
    let (mut of_ours, mut of_theirs): (BTreeSet<Moment>, BTreeSet<Moment>) = Default::default();
    for (at, happening) in happenings.iter().enumerate() {
        let user = happening.get("User").unwrap_or_default().to_owned();
        let moment = |id: String| (at, id, user.clone());
        of_ours.extend(ours.follow(happening).into_iter().map(moment));
        of_theirs.extend(theirs.follow(happening).into_iter().map(moment));
    }
    // The other engine tells each event while there are enough, ours when there come to be enough.
    let extra: Vec<&Moment> = of_ours.difference(&of_theirs).take(5).collect();
    assert!(extra.is_empty(), "only ours: {extra:?}");
    for (id, programs) in [
        ("count-3", &["/alpha"][..]),
        ("values-3", &["/alpha"]),
        ("both-any", &["/alpha", "/beta"]),
        ("named", &["/alpha", "/beta", "/gamma"]),
        ("range", &["/alpha"]),
        ("sum", &["/alpha"]),
        ("average", &["/alpha"]),
    ] {
        let missing = begins(&happenings, &of_theirs, id, programs);
        let missing: Vec<&Moment> = missing.iter().filter(|it| !of_ours.contains(*it)).collect();
        assert!(missing.is_empty(), "only theirs: {:?}", &missing[..missing.len().min(5)]);
    }
    for id in IDS {
        let of = |all: &BTreeSet<Moment>| all.iter().filter(|(_, it, _)| it == id).count();
        println!("{id}: {} times ours, {} events of theirs", of(&of_ours), of(&of_theirs));
        assert!(of(&of_ours) >= 20);
    }
}

/// The moments of `id` whose happening before, of the same user and these programs, is none.
fn begins(
    all: &[Happening],
    moments: &BTreeSet<Moment>,
    id: &str,
    programs: &[&str],
) -> Vec<Moment> {
    let mut found = Vec::new();
    for user in ["ana", "root"] {
        let mut before = false;
        for (at, happening) in all.iter().enumerate() {
            let image = happening.get("Image").unwrap_or_default();
            if happening.get("User") != Some(user)
                || !programs.iter().any(|program| image.ends_with(program))
            {
                continue;
            }
            let moment = (at, id.to_owned(), user.to_owned());
            let is = moments.contains(&moment);
            if is && !before {
                found.push(moment);
            }
            before = is;
        }
    }
    found
}
