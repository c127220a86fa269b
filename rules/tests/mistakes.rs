//! Mistakes in rules are told with file, line and text; hostile ones are refused in bounded time.
#![forbid(unsafe_code)]

mod common;

use common::problems;
use rules::{Layer, Loader};

fn check(text: &str, expected: &str) {
    let found = problems(text);
    assert!(found.iter().any(|it| it.contains(expected)), "{text}: {found:?}");
}

/// A rule with these conditions.
fn when(conditions: &str) -> String {
    format!("rules:\n  - id: X\n    title: t\n    severity: low\n    when: {conditions}\n")
}

#[test]
fn each_mistake_is_told_with_its_place_and_text() {
    check(
        &when("{exec: {exee: sh}}"),
        "rules.yml:5: there is no field 'exee'\n  | when: {exec: {exee: sh}}",
    );
    check(&when("{exec: {port: 1}}"), "rules.yml:5: events of exec have no 'port'");
    check(&when("{net: {port: x}}"), "'x' is no number");
    check(&when("{net: {ip: 10.0.0.0/40}}"), "is no address");
    check(&when("{file: {op: eat}}"), "file has no op 'eat', but create, exec");
    check(&when("{file: {path: {regex: '('}}}"), "cannot read the pattern");
    check(&when("{exec: {}, exe: '[a'}"), "unclosed");
    check("rule: []\n", "unknown key 'rule', expected one of rules, disable");
    check("rules:\n  - {id: X, title: t, severity: big, when: {exec: {}}}\n", "a severity is info");
    check("rules:\n  - {id: X, title: t, severity: low}\n", "a rule has `when`");
    check(
        "rules:\n  - {id: 'a b', title: t, severity: low, when: {exec: {}}}\n",
        "an id has letters",
    );
    check("rules:\n  - {title: t, severity: low, when: {exec: {}}}\n", "the rule lacks `id`");
    check(
        "rules:\n  - {id: X, tilte: t, severity: low, when: {exec: {}}}\n",
        "unknown key 'tilte'",
    );
    check("a: [\n", "cannot read it as YAML");
    check("disable: [NO-SUCH]\n", "warning: there is no rule NO-SUCH");
}

#[test]
fn an_id_is_there_once() {
    let text = when("{exec: {}}");
    check(
        &format!("{text}  - {{id: X, title: t, severity: low, when: {{exec: {{}}}}}}\n"),
        "the id X is taken",
    );
}

#[test]
fn a_rule_that_can_never_hold_is_a_warning() {
    check(&when("{exec: {}, port: 80}"), "warning: X can never hold");
    check(&when("{all: [{exec: {}}, {net: {}}]}"), "warning: X can never hold");
    check(&when("{exec: {}, exe: []}"), "warning: an empty list never holds");
}

#[test]
fn what_is_too_much_is_refused() {
    let long = "x".repeat(70 << 10);
    check(&when(&format!("{{exec: {{}}, exe: {long}}}")), "a rule longer than 64 KiB");
    check(&"#".repeat((1 << 20) + 1), "longer than 1024 KiB");
    check(&format!("rules: {}", "[".repeat(100_000)), "cannot read it as YAML");
    check("a: &a [x, x]\nb: [*a, *a]\n", "aliases are not taken");
    for pattern in ["(a{1000}){1000}", "((((a{100}){100}){100}){100})", "(?:x{65535}){99}"] {
        check(
            &when(&format!("{{file: {{path: {{regex: '{pattern}'}}}}}}")),
            "cannot read the pattern",
        );
    }
    let nested = format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000));
    check(&when(&format!("{{file: {{path: {{regex: '{nested}'}}}}}}")), "cannot read the pattern");
    let mut many = String::from("rules:\n");
    for number in 0..5_001 {
        many.push_str(&format!(
            "  - {{id: X{number}, title: t, severity: low, when: {{exec: {{}}}}}}\n"
        ));
    }
    check(&many, "more than 5000 rules");
}

#[test]
fn files_of_the_recorded_project_can_only_add() {
    let mut loader = Loader::default();
    loader.add_builtin();
    let before = rules::RuleSet::builtin().rules.len();
    let text = "rules:\n  - {id: MINE, title: t, severity: low, when: {exec: {}}}\n\
                disable: [PERSIST-CRON]\noverride: {PERSIST-SHELL: info, PERSIST-ETC: critical}\n\
                allow: [{rule: CRED-READ-SSH, path: '~/.ssh/'}]\n";
    loader.add(Layer::Project, "project.yml", text);
    loader.add(Layer::Project, "broken.yml", "rules: [");
    let set = loader.finish().expect("a project does not stop a recording");
    assert_eq!(set.rules.len(), before + 1);
    let weight = |id: &str| set.find(id).map(|rule| rule.severity.name());
    assert_eq!(weight("PERSIST-SHELL"), Some("high"));
    assert_eq!(weight("PERSIST-ETC"), Some("critical"), "more weight hides nothing");
    let told: Vec<String> = set.warnings.iter().map(ToString::to_string).collect();
    for what in ["disabled rules", "lower severities", "exceptions"] {
        let words = format!("{what} of the recorded project have no effect");
        assert!(told.iter().any(|told| told.contains(&words)), "{told:?}");
    }
    let set = std::sync::Arc::new(set);
    let held = set.held(&[common::file("read", "/root/.ssh/id_rsa")], Default::default());
    assert!(held.iter().any(|id| &**id == "CRED-READ-SSH"), "{held:?}");
}

#[test]
fn a_user_can_switch_off_reweigh_and_allow_until_a_day() {
    let held = |text: &str| {
        let mut loader = Loader::default();
        loader.add_builtin();
        loader.add(Layer::User, "user.yml", text);
        let set = std::sync::Arc::new(loader.finish().expect("it is sound"));
        let event = common::file("read", "/root/.ssh/id_rsa");
        set.held(&[event], Default::default()).iter().any(|id| &**id == "CRED-READ-SSH")
    };
    // The event is of 2026-11-22.
    assert!(held("override: {CRED-READ-SSH: info}\n"));
    assert!(!held("disable: [CRED-READ-SSH]\n"));
    assert!(!held("allow: [{rule: CRED-READ-SSH, path: '~/.ssh/id_rsa'}]\n"));
    assert!(held("allow: [{rule: CRED-READ-SSH, path: '~/.ssh/id_dsa'}]\n"));
    assert!(held("allow: [{rule: CRED-READ-SSH, exe: x, until: 2026-11-20}]\n"));
    assert!(!held("allow: [{rule: CRED-READ-SSH, exe: x, until: 2026-12-31}]\n"));
}
