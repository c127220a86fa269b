//! The rules that come with the program are sound, explained, and hold on their own samples.
#![forbid(unsafe_code)]

use std::sync::Arc;

use rules::{Loader, RuleSet};

fn builtin() -> Arc<RuleSet> {
    let mut loader = Loader::default();
    loader.add_builtin();
    Arc::new(loader.finish().unwrap_or_else(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    }))
}

#[test]
fn every_rule_finds_its_example_and_not_its_near_miss() {
    let set = builtin();
    let (tested, wrong) = set.test();
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(set.untested(), Vec::<&str>::new(), "each has an example and a near miss");
    assert_eq!(tested, 2 * set.rules.len());
}

#[test]
fn every_rule_says_why_and_what_to_do_and_where_to_read_more() {
    for rule in &builtin().rules {
        assert!(!rule.why.is_empty() && !rule.todo.is_empty(), "{}", rule.id);
        assert!(!rule.references.is_empty(), "{}", rule.id);
        assert!(
            rule.references
                .iter()
                .all(|it| it.starts_with("https://attack.mitre.org/techniques/T"))
        );
    }
}

#[test]
fn nothing_in_them_is_without_effect() {
    let shown: Vec<String> = builtin().warnings.iter().map(ToString::to_string).collect();
    assert_eq!(shown, Vec::<String>::new());
}
