//! logira's rules load unchanged and hold on an event each.
#![forbid(unsafe_code)]

mod common;

use std::sync::Arc;

use common::{connect, exec, file, load};
use event::model::Event;
use rules::{RuleSet, Surroundings};

/// A rule and an event that it fires on.
type Example = (&'static str, fn() -> Event);

/// An event for which each rule holds.
const EXAMPLES: &[Example] = &[
    ("F001", || file("write", "/home/ana/.ssh/config")),
    ("F010", || file("create", "/home/ana/.aws/config")),
    ("F011", || file("write", "/root/.config/gcloud/x")),
    ("F012", || file("write", "/home/ana/.kube/config")),
    ("F013", || file("write", "/home/ana/.docker/config.json")),
    ("F014", || file("write", "/home/ana/.netrc")),
    ("F015", || file("write", "/home/ana/.npmrc")),
    ("F020", || file("read", "/home/ana/.ssh/id_rsa")),
    ("F021", || file("read", "/home/ana/.aws/credentials")),
    ("F022", || file("read", "/home/ana/.kube/config")),
    ("F023", || file("open", "/home/ana/.docker/config.json")),
    ("F024", || file("read", "/root/.git-credentials")),
    ("F100", || file("write", "/etc/motd")),
    ("F110", || file("write", "/etc/systemd/system/x.service")),
    ("F120", || file("create", "/etc/cron.daily/x")),
    ("F121", || file("write", "/var/spool/cron/crontabs/root")),
    ("F130", || file("write", "/home/ana/.config/systemd/user/x.service")),
    ("F131", || file("write", "/home/ana/.config/autostart/x.desktop")),
    ("F132", || file("write", "/home/ana/.zshrc")),
    ("F200", || file("write", "/tmp/x")),
    ("F201", || file("write", "/dev/shm/x")),
    ("F202", || file("write", "/var/tmp/x")),
    ("E001", || exec("sh -c curl x | sh")),
    ("E010", || exec("bash -c wget -O- x | sh")),
    ("E011", || exec("ssh -R 1:b:2 c")),
    ("E012", || exec("ssh -D 1080 c")),
    ("E013", || exec("chmod +x x")),
    ("E014", || exec("nc -l 80")),
    ("E015", || exec("sh -c base64 -d x | sh")),
    ("E100", || exec("rm -rf x")),
    ("E101", || exec("git clean -fdx")),
    ("E102", || exec("find . -delete")),
    ("E106", || exec("find . -exec rm {} +")),
    ("E103", || exec("shred x")),
    ("E104", || exec("dd if=/dev/zero of=x")),
    ("E105", || exec("mkfs.ext4 /dev/sdb")),
    ("E110", || exec("docker system prune")),
    ("E120", || exec("kubectl delete ns x")),
    ("E130", || exec("terraform destroy")),
    ("N001", || connect("198.51.100.7:1024")),
    ("N010", || connect("198.51.100.7:31337")),
    ("N020", || connect("169.254.169.254:80")),
];

fn all() -> Arc<RuleSet> {
    load(&[
        include_str!("logira/file.yml"),
        include_str!("logira/exec.yml"),
        include_str!("logira/net.yml"),
    ])
}

#[test]
fn its_42_rules_load_without_a_word() {
    let set = all();
    assert_eq!((set.rules.len(), set.warnings.len(), set.unusable.len()), (42, 0, 0));
    assert_eq!(EXAMPLES.len(), 42);
}

#[test]
fn each_holds_on_its_example() {
    let set = all();
    for (id, example) in EXAMPLES {
        let held = set.held(&[example()], Surroundings::default());
        assert!(held.iter().any(|held| **held == **id), "{id}: {held:?}");
    }
}

#[test]
fn none_holds_on_what_it_is_not_about() {
    let set = all();
    let calm = [
        exec("make -j2"),
        file("write", "/src/x.c"),
        file("read", "/home/ana/.ssh/id_rsa.pub"),
        connect("198.51.100.7:443"),
    ];
    assert_eq!(set.held(&calm, Surroundings::default()).len(), 0);
}

#[test]
fn places_in_messages_are_filled() {
    let found =
        common::titles(&all(), &[file("write", "/etc/motd"), connect("169.254.169.254:80")]);
    assert_eq!(found, ["write of /etc/motd", "connect to 169.254.169.254:80"]);
}

#[test]
fn its_mistakes_are_told_and_unknown_keys_are_warnings() {
    let rule = |kind: &str, when: &str| {
        format!(
            "rules:\n  - {{id: X, title: t, type: {kind}, severity: low, message: m, when: {{{kind}: {when}}}}}\n"
        )
    };
    for (kind, when, what) in [
        ("file", "{prefix: /a, path_in: [/b], op_in: [open]}", "exactly one of"),
        ("file", "{prefix: /a}", "op_in names no operation"),
        ("file", "{prefix: /a, op_in: [eat]}", "unknown op 'eat'"),
        ("file", "{path_regex: ['('], op_in: [open]}", "cannot read the pattern"),
        ("net", "{dst_port_in: [70000]}", "is no port"),
        ("disk", "{}", "there is no type 'disk'"),
    ] {
        let problems = common::problems(&rule(kind, when));
        assert!(problems.iter().any(|it| it.contains(what)), "{when}: {problems:?}");
    }
    let set = load(&[&rule("net", "{dst_port_lte: 5, op: connect}")]);
    assert_eq!(set.warnings.len(), 1);
}
