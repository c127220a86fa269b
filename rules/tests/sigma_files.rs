//! What one file says for the Sigma rules of others: values of placeholders, and filters.
#![forbid(unsafe_code)]

mod common;

use std::sync::Arc;

use common::exec;
use rules::{Layer, Loader, RuleSet};

/// Ids of what is found in a command line, with these files.
fn found(files: &[(Layer, &str)], line: &str) -> (Arc<RuleSet>, String) {
    let mut loader = Loader::default();
    for (layer, text) in files {
        loader.add(*layer, "file", text);
    }
    let set = Arc::new(loader.finish().expect("they are sound"));
    let ids = set.held(&[exec(line)], Default::default());
    (set, ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" "))
}

fn rule(item: &str) -> String {
    format!(
        "title: one\nid: one\nname: first\nlogsource: {{category: process_creation, product: linux}}\ndetection:\n  s: {{{item}}}\n  condition: s\n"
    )
}

#[test]
fn a_placeholder_is_each_of_its_values() {
    let values = "values:\n  hosts: [alpha, 'b*a']\n  ports: [22]\n";
    let is = |item: &str, line: &str| {
        let files = [(Layer::Given, &*rule(item)), (Layer::User, values)];
        let (set, ids) = found(&files, line);
        assert_eq!(set.unusable, [], "{item}");
        !ids.is_empty()
    };
    let item = "CommandLine|contains|expand: ' %hosts%:%ports% '";
    assert!(is(item, "x alpha:22 y") && is(item, "x beta:22 y"));
    assert!(!is(item, "x gamma:22 y") && !is(item, "x alpha:23 y"));
    assert!(is("CommandLine|expand: 'x \\%hosts% %ports%'", "x %hosts% 22"));
    assert!(is("CommandLine|expand|re: '^x %ports%$'", "x 22"));
    assert!(!is("CommandLine: 'x %ports%'", "x 22"), "only under `expand`");
    assert!(is("CommandLine|contains|all|expand: ['%hosts%', '%ports%']", "x beta 22"));
}

#[test]
fn the_last_file_says_what_a_placeholder_is_but_never_the_project() {
    let text = rule("CommandLine|expand: 'x %p%'");
    let files = |project: &'static str| {
        [
            (Layer::System, "values: {p: [a]}\n"),
            (Layer::User, "values: {p: [b]}\n"),
            (Layer::Project, project),
        ]
    };
    let holds = |line: &str| {
        let mut all = files("values: {p: [c]}\n").to_vec();
        all.push((Layer::Given, &text));
        let (set, ids) = found(&all, line);
        let warnings: Vec<String> = set.warnings.iter().map(|it| it.what.clone()).collect();
        assert_eq!(warnings, ["values of placeholders of the recorded project have no effect"]);
        !ids.is_empty()
    };
    assert!(holds("x b") && !holds("x a") && !holds("x c"));
}

#[test]
fn placeholders_that_grow_are_refused() {
    let many: Vec<String> = (0..200).map(|at| format!("v{at}")).collect();
    let values = format!("values: {{p: [{}]}}\n", many.join(", "));
    let text = rule("CommandLine|expand: '%p%%p%%p%'");
    let (set, _) = found(&[(Layer::Given, &text), (Layer::User, &values)], "x");
    assert!(set.unusable[0].1.contains("more than 10000 values"), "{:?}", set.unusable);
}

/// A filter for the rule of [`rule`].
fn filter(rules: &str, category: &str) -> String {
    format!(
        "title: not these\nlogsource: {{category: {category}, product: linux}}\nfilter:\n  rules: [{rules}]\n  people: {{CommandLine|contains: ' ok'}}\n  condition: not people\n"
    )
}

#[test]
fn a_filter_is_one_more_condition_of_the_rules_that_it_names() {
    let text = rule("Image|endswith: /x");
    let with = |filter: &str, layer: Layer, line: &str| {
        let (set, ids) = found(&[(Layer::Given, &text), (layer, filter)], line);
        let warnings = set.warnings.iter().map(|it| it.what.clone());
        (ids, warnings.collect::<Vec<_>>().join(" "))
    };
    let told = |ids: &str, warning: &str| (ids.to_owned(), warning.to_owned());
    for name in ["one", "first"] {
        let filter = filter(name, "process_creation");
        assert_eq!(with(&filter, Layer::User, "x ok"), told("", ""));
        assert_eq!(with(&filter, Layer::User, "x no"), told("one", ""));
    }
    let own = filter("one", "process_creation");
    let warning = "filters of the recorded project have no effect";
    assert_eq!(with(&own, Layer::Project, "x ok"), told("one", warning));
    let other = filter("two", "process_creation");
    assert_eq!(with(&other, Layer::User, "x ok"), told("one", "there is no rule two"));
    let files = filter("one", "file_event");
    assert_eq!(with(&files, Layer::User, "x ok"), told("one", "one is of another log source"));
}

#[test]
fn a_filter_of_what_is_not_recorded_is_listed() {
    let text = filter("one", "process_access");
    let (set, _) = found(&[(Layer::Given, &text)], "x");
    assert_eq!(set.unusable[0].0, "not-these (not these)");
}
