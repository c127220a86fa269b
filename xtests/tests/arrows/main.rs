//! The arrows of docs/architecture.md hold: crates use what the design lets them use.
//!
//! Each check is shown to fail on a made-up workspace before it is believed on the real one.
#![forbid(unsafe_code)]

mod check;
mod house;
mod linked;
mod unsafety;
mod workspace;

use serde_json::{Value, json};

use house::Unsafe;
use workspace::{Package, described_by_cargo, packages};

const NOTHING: [String; 0] = [];

#[test]
fn the_workspace_is_the_house_of_the_design() {
    assert_eq!(check::strangers(&described_by_cargo()), NOTHING);
}

#[test]
fn every_arrow_between_crates_is_in_the_design() {
    assert_eq!(check::wrong_arrows(&described_by_cargo()), NOTHING);
}

#[test]
fn both_programs_share_only_the_ground_floor() {
    assert!(check::shared_by_both_programs(&described_by_cargo()).is_empty());
}

#[test]
fn every_crate_of_others_is_in_the_row_of_its_user() {
    assert_eq!(check::wrong_guests(&described_by_cargo()), NOTHING);
}

#[test]
fn the_privileged_program_is_made_of_the_crates_that_are_documented() {
    assert_eq!(linked::of_the_supervisor(), linked::documented(), "docs/security.md has the list");
}

/// Crates that speak to a network or encrypt what is said there, and those that write columns.
const OF_NETWORKS: [&str; 13] = [
    "curl",
    "http",
    "httparse",
    "hyper",
    "native-tls",
    "openssl",
    "reqwest",
    "ring",
    "rustls",
    "socket2",
    "tokio",
    "ureq",
    "webpki-roots",
];

#[test]
fn only_the_shipper_is_made_of_what_talks_to_a_network() {
    let found = |package: &str, features: &[&str], crates: &[&str]| -> Vec<String> {
        let linked = linked::of(package, features);
        linked.into_iter().filter(|name| crates.contains(&name.as_str())).collect()
    };
    assert_eq!(found("supervisor", &[], &OF_NETWORKS), NOTHING);
    assert_eq!(found("cli", &[], &OF_NETWORKS), NOTHING);
    assert_eq!(found("cli", &["parquet"], &OF_NETWORKS), NOTHING);
    assert_eq!(found("ship", &[], &["rustls", "ureq"]), ["rustls", "ureq"], "the check sees them");
    assert_eq!(linked::of("ship", &["nats"]), linked::of("ship", &[]), "NATS takes no crate");
}

#[test]
fn columns_are_in_the_build_that_asks_for_them_and_in_no_other() {
    let has =
        |package, features: &[&str]| linked::of(package, features).contains(&"parquet".to_owned());
    assert!(has("cli", &["parquet"]));
    assert!(!has("cli", &[]) && !has("supervisor", &[]) && !has("ship", &[]));
}

#[test]
fn unsafe_code_is_forbidden_or_in_one_module() {
    assert_eq!(unsafety::on_disk(&described_by_cargo()), NOTHING);
}

#[test]
fn an_arrow_that_the_design_does_not_have_is_found() {
    for kind in [Value::Null, json!("build"), json!("dev")] {
        let made_up =
            one_crate("storage", &[json!({"name": "bpf", "path": "/x/bpf", "kind": kind})]);
        assert_eq!(
            check::wrong_arrows(&made_up),
            ["storage -> bpf: the design has no such arrow"],
            "kind {kind}"
        );
    }
}

#[test]
fn the_suites_may_use_the_house_in_tests_and_nowhere_else() {
    let uses = |kind| one_crate("xtests", &[json!({"name": "event", "path": "/x", "kind": kind})]);
    assert_eq!(check::wrong_arrows(&uses(json!("dev"))), NOTHING);
    assert_eq!(
        check::wrong_arrows(&uses(Value::Null)),
        ["xtests -> event: the design has no such arrow"]
    );
}

#[test]
fn a_crate_of_others_in_the_wrong_row_is_found() {
    let made_up = one_crate(
        "netmon",
        &[
            json!({"name": "aya", "path": null, "kind": null}),
            json!({"name": "aes", "path": null, "kind": null}),
            json!({"name": "proptest", "path": null, "kind": "dev"}),
            json!({"name": "tempfile", "path": null, "kind": null}),
        ],
    );
    assert_eq!(
        check::wrong_guests(&made_up),
        [
            "netmon -> aya: not in its row of the design",
            "netmon -> tempfile: not in its row of the design"
        ]
    );
}

#[test]
fn a_crate_that_reaches_both_programs_by_a_detour_is_found() {
    let inside = |name: &str| json!({"name": name, "path": "/x", "kind": null});
    let mut made_up = one_crate("cli", &[inside("storage")]);
    made_up.extend(one_crate("storage", &[inside("event"), inside("glue")]));
    made_up.extend(one_crate("supervisor", &[inside("glue"), inside("event")]));
    let shared = check::shared_by_both_programs(&made_up);
    assert_eq!(shared.into_iter().collect::<Vec<_>>(), ["glue"]);
}

#[test]
fn a_new_crate_a_missing_one_and_a_misplaced_one_are_found() {
    let mut made_up = described_by_cargo();
    made_up.retain(|package| package.name != "rules");
    made_up.extend(one_crate("helpers", &[]));
    made_up.iter_mut().filter(|p| p.name == "event").for_each(|p| p.folder = "/x/common".into());
    assert_eq!(
        check::strangers(&made_up),
        [
            "helpers is not in the design",
            "rules is not in the workspace",
            "event lies in /x/common, not in a folder of its name"
        ]
    );
}

#[test]
fn a_root_that_does_not_forbid_unsafe_code_is_found() {
    let root = [("lib.rs".into(), "//! Pure.\n#![deny(unsafe_code)]\n".to_owned())];
    assert_eq!(
        unsafety::wrong(Unsafe::Forbid, &root, &root),
        ["lib.rs does not say #![forbid(unsafe_code)]"]
    );
    assert_eq!(unsafety::wrong(Unsafe::OneModule, &root, &root), NOTHING);
}

#[test]
fn a_second_module_with_unsafe_code_is_found() {
    let root = ("lib.rs".into(), "#![deny(unsafe_code)]\nmod a;\nmod b;\n".to_owned());
    let a = ("a.rs".into(), "#![expect(unsafe_code, reason = \"x\")]\n".to_owned());
    let b = ("b.rs".into(), "fn f() {}\n#[allow(unsafe_code)]\nfn g() {}\n".to_owned());
    let roots = [root.clone()];
    assert_eq!(unsafety::wrong(Unsafe::OneModule, &roots, &[root.clone(), a.clone()]), NOTHING);
    assert_eq!(
        unsafety::wrong(Unsafe::OneModule, &roots, &[root, a, b]),
        ["unsafe code may be let in 1 times: a.rs:1, b.rs:2"]
    );
}

fn one_crate(name: &str, dependencies: &[Value]) -> Vec<Package> {
    packages(&json!({"packages": [{
        "name": name,
        "manifest_path": format!("/x/{name}/Cargo.toml"),
        "targets": [],
        "dependencies": dependencies,
    }]}))
}
