//! Each capability of the engine (docs/rules.md) on a recorded run: what a rule says holds, and its
//! near miss beside it does not.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    net::{SocketAddr, TcpListener},
};

use xtests::{Lab, Recorded};

/// A capability: its name, a rule that holds for [`SCRIPT`], and one that does not.
type Capability = (&'static str, &'static str, &'static str);

/// PORT is a server on loopback that reads what it is sent.
const SCRIPT: &str = r"
    mkdir d; rm --recursive --force d; truncate -s 0 cut
    head -c 1 secret; ln secret other; cat other; cat plain
    head -c 2097152 /dev/zero > big
    for i in 1 2 3 4 5; do echo > made-$i; done
    i=0; while [ $i -lt 40 ]; do (:); i=$((i+1)); done
    mkdir sub; cd sub; sh -c 'true; sh -c /bin/true; exit 0'; cd ..
    sh -c 'read x < credential; exec 3<>/dev/tcp/127.0.0.1/PORT; head -c 200000 /dev/zero >&3'
    sh -c 'read x < second; exec 3<>/dev/tcp/127.0.0.1/PORT; echo >&3'
    cp /bin/true fetched; ./fetched; mv made-5 moved-5
";

const CAPABILITIES: &[Capability] = &[
    (
        "argv token by token",
        "when: {exec: {}, command: 'rm -fr'}",
        "when: {exec: {}, command: 'ncat,cat -s'}",
    ),
    ("argv by place", "when: {exec: {argv.1: --recursive}}", "when: {exec: {argv.2: --recursive}}"),
    (
        "exe by name and glob",
        "when: {exec: {exe: [truncate, '/nowhere/*']}}",
        "when: {exec: {exe: cate}}",
    ),
    (
        "parent",
        "when: {exec: {exe: truncate, parent: bash}}",
        "when: {exec: {exe: truncate, parent: cat}}",
    ),
    (
        "ancestor",
        "when: {exec: {exe: 'true', ancestor: bash}}",
        "when: {exec: {exe: 'true', ancestor: cat}}",
    ),
    (
        "cwd",
        "when: {exec: {exe: 'true', cwd: '*/sub'}}",
        "when: {exec: {exe: truncate, cwd: '*/sub'}}",
    ),
    ("user", "when: {exec: {exe: cat, user: root}}", "when: {exec: {exe: cat, user: nobody}}"),
    (
        "number of the user",
        "when: {exec: {exe: cat, uid: 0}}",
        "when: {exec: {exe: cat, uid: {above: 0}}}",
    ),
    (
        "path as glob",
        "when: {file: {op: read, path: '*/pla?n'}}",
        "when: {file: {op: read, path: '*/pla?'}}",
    ),
    (
        "path as prefix",
        "when: {file: {op: read, path: {prefix: /}, exe: cat}}",
        "when: {file: {op: read, path: {prefix: plain}}}",
    ),
    (
        "path as regex",
        "when: {file: {op: read, path: {regex: '/pl[a-z]+$'}}}",
        "when: {file: {op: read, path: {regex: '^pl[a-z]+$'}}}",
    ),
    (
        "another name of the inode",
        "when: {file: {op: read, exe: cat, path: '*/secret'}}",
        "when: {file: {op: read, exe: cat, path: '*/credential'}}",
    ),
    (
        "both names of a rename",
        "when: {file: {op: rename, path: '*/made-5'}}",
        "when: {file: {op: rename, path: '*/made-4'}}",
    ),
    (
        "operation",
        "when: {file: {op: [truncate, write], path: '*/cut'}}",
        "when: {file: {op: delete, path: '*/cut'}}",
    ),
    (
        "negation",
        "when: {file: {op: read, path: '*/plain'}, not: {exe: less}}",
        "when: {file: {op: read, path: '*/plain'}, not: {exe: cat}}",
    ),
    (
        "any and all",
        "when: {any: [{exec: {exe: nothing}}, {file: {path: '*/plain'}}]}",
        "when: {all: [{exec: {exe: cat}}, {exec: {exe: truncate}}]}",
    ),
    (
        "exceptions",
        "when: {file: {op: read, path: '*/plain'}}\n    except: [{exe: less}]",
        "when: {file: {op: read, path: '*/plain'}}\n    except: [{exe: cat, why: it may}]",
    ),
    (
        "expiry of an exception",
        "when: {file: {op: read, path: '*/plain'}}\n    except: [{exe: cat, until: 2020-01-31}]",
        "when: {file: {op: read, path: '*/plain'}}\n    except: [{exe: cat, until: 2199-01-31}]",
    ),
    (
        "address and CIDR",
        "when: {net: {op: connect, ip: 127.0.0.0/8}}",
        "when: {net: {op: connect, ip: [10.0.0.0/8, '::1']}}",
    ),
    (
        "port",
        "when: {net: {op: connect, port: '>=1024'}}",
        "when: {net: {op: connect, port: 1-1023}}",
    ),
    (
        "bytes sent",
        "when: {net: {op: flow, sent_bytes: {above: 100000}}}",
        "when: {net: {op: flow, sent_bytes: {above: 1MiB}}}",
    ),
    (
        "total sent",
        "when: {net: {op: flow}}\n    sum: {of: sent_bytes, above: 150KiB, within: 5m, by: ip}",
        "when: {net: {op: flow}}\n    sum: {of: sent_bytes, above: 1MiB, within: 5m, by: ip}",
    ),
    (
        "total written",
        "when: {file: {op: write}}\n    sum: {of: size_after, above: 1MiB, within: 5m}",
        "when: {file: {op: write}}\n    sum: {of: size_after, above: 50MiB, within: 5m}",
    ),
    (
        "rate of processes",
        "when: {process: {op: fork}}\n    count: {above: 40, within: 5m, by: exe}",
        "when: {process: {op: fork}}\n    count: {above: 500, within: 5m, by: exe}",
    ),
    (
        "different values",
        "when: {file: {op: create, path: '*/made-*'}}\n    distinct: {of: path, above: 4, within: 5m}",
        "when: {file: {op: create, path: '*/made-*'}}\n    distinct: {of: path, above: 5, within: 5m}",
    ),
    (
        "a secret is read, then a host not seen before is contacted",
        "sequence: {within: 5m, steps: [{file: {op: read, path: '*/credential'}}, {same: lineage, net: {op: connect, new_peer: true}}]}",
        "sequence: {within: 5m, steps: [{file: {op: read, path: '*/second'}}, {same: lineage, net: {op: connect, new_peer: true}}]}",
    ),
    (
        "a file is written, then executed",
        "sequence: {within: 5m, steps: [{file: {op: [create, write], path: '*/fetched'}}, {same: file, file: {op: exec}}]}",
        "sequence: {within: 5m, steps: [{file: {op: [create, write], path: '*/plain'}}, {same: file, file: {op: exec}}]}",
    ),
    (
        "a sequence within one process",
        "sequence: {within: 5m, steps: [{file: {op: read, path: '*/credential'}}, {same: process, net: {op: connect}}]}",
        "sequence: {within: 5m, steps: [{file: {op: read, path: '*/plain'}}, {same: process, net: {op: connect}}]}",
    ),
];

/// Takes all that is sent to it.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || client.read_to_end(&mut Vec::new()));
        }
    });
    address
}

/// The script, recorded and judged by these rules.
fn recorded(lab: &Lab, rules: &str) -> Recorded {
    for name in ["secret", "plain", "credential", "second"] {
        fs::write(lab.work().join(name), "nothing\n").expect("room");
    }
    let path = lab.root().join("rules.yml");
    fs::write(&path, rules).expect("room");
    let script = SCRIPT.replace("PORT", &server().port().to_string()).replace("sh -c", "bash -c");
    lab.run(["bash", "-c", &script]).with(["--rules", path.to_str().expect("text")]).record()
}

fn found(run: &Recorded) -> BTreeSet<String> {
    run.of("finding", "").map(|event| event.text("rule").to_owned()).collect()
}

#[test]
fn each_capability_holds_on_a_recorded_run_and_its_near_miss_does_not() {
    let mut rules = String::from("rules:\n");
    for (at, (_, holds, misses)) in CAPABILITIES.iter().enumerate() {
        for (id, body) in [(format!("HOLDS-{at}"), holds), (format!("MISSES-{at}"), misses)] {
            rules.push_str(&format!("  - id: {id}\n    title: t\n    severity: low\n    {body}\n"));
        }
    }
    let lab = Lab::new();
    let run = recorded(&lab, &rules);
    let found = found(&run);
    let mut wrong = Vec::new();
    for (at, (name, ..)) in CAPABILITIES.iter().enumerate() {
        if !found.contains(&format!("HOLDS-{at}")) {
            wrong.push(format!("{name}: not found"));
        }
        if found.contains(&format!("MISSES-{at}")) {
            wrong.push(format!("{name}: its near miss is found"));
        }
    }
    println!("{} capabilities, {} wrong", CAPABILITIES.len(), wrong.len());
    assert_eq!(wrong, Vec::<String>::new(), "{}", run.errors());
}

#[test]
fn rules_are_reweighed_switched_off_and_allowed_by_others() {
    let rule = |id: &str| {
        format!(
            "  - {{id: {id}, title: t, severity: low, when: {{file: {{op: read, path: '*/plain'}}}}}}\n"
        )
    };
    let mut rules = String::from("rules:\n");
    ["KEPT", "HEAVIER", "OFF", "ALLOWED", "EXPIRED"]
        .iter()
        .for_each(|id| rules.push_str(&rule(id)));
    rules.push_str(
        "disable: [OFF]\noverride: {HEAVIER: critical}\nallow:\n  \
         - {rule: ALLOWED, exe: cat, path: '*/plain', until: 2199-01-31}\n  \
         - {rule: EXPIRED, exe: cat, until: 2020-01-31}\n",
    );
    let lab = Lab::new();
    let run = recorded(&lab, &rules);
    let found: Vec<(String, String)> = run
        .of("finding", "")
        .map(|event| (event.text("rule").to_owned(), event.text("severity").to_owned()))
        .collect();
    let pair = |rule: &str, weight: &str| (rule.to_owned(), weight.to_owned());
    let expected = [pair("EXPIRED", "low"), pair("HEAVIER", "critical"), pair("KEPT", "low")];
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected.into_iter().collect());
    let first = run.of("finding", "").next().expect("there are some");
    let cause = first.number("cause").expect("it has one");
    let caused = run.events.iter().find(|event| event.number("seq") == Some(cause));
    assert_eq!(caused.map(|event| event.kind().to_owned()).as_deref(), Some("file"));
    assert!(first.list("matched").iter().any(|part| part.starts_with("path=")), "{first:?}");
}
