//! A run as one file: every command takes it, another machine can import it, a stranger can check it.
#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rustix::process::{Signal, kill_process};
use xtests::Lab;

/// `audit` with a cache of its own.
fn audit(lab: &Lab) -> Command {
    let mut command = lab.audit();
    command.env("XDG_CACHE_HOME", lab.root().join("cache"));
    command
}

fn said(output: &Output) -> String {
    let all = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// What `audit` says, which must end with this status.
fn answer(lab: &Lab, status: i32, args: &[&str]) -> String {
    let output = audit(lab).args(args).output().expect("audit starts");
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}", said(&output));
    said(&output)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is UTF-8")
}

/// A run with files, findings and a connection that fails, in a store and as a bundle.
fn recorded(lab: &Lab) -> (String, PathBuf) {
    fs::write(lab.work().join("rules.yml"), RULES).expect("room");
    let run = lab.run(["sh", "-c", "echo x >made.txt; cat made.txt; rm made.txt"]);
    let run = run.with(["--rules", "rules.yml"]).record();
    assert!(run.status.success(), "{}", run.errors());
    let id = run.dir.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let bundle = lab.root().join("run.tar.zst");
    answer(lab, 0, &["export", &id, "--format", "bundle", "-o", text(&bundle)]);
    (id, bundle)
}

const RULES: &str = "rules:\n  - id: MADE\n    title: A file was made\n    severity: high\n    \
                     when:\n      file: {op: write, path: '*/made.txt'}\n";

#[test]
fn every_reading_command_takes_a_bundle_for_a_run() {
    let lab = Lab::new();
    let (id, bundle) = recorded(&lab);
    let bundle = text(&bundle);
    let empty = lab.root().join("empty");
    let elsewhere = ["--home", text(&empty)];
    for command in [
        &["query", "RUN", "--all"][..],
        &["query", "RUN", "--type", "finding", "--json"],
        &["query", "RUN", "--count", "by", "exe"],
        &["query", "RUN", "--sql", "select type, count(*) from events group by type"],
        &["view", "RUN", "--tree"],
        &["view", "RUN", "--files"],
        &["explain", "RUN", "--path", "made.txt"],
        &["report", "RUN", "--format", "sarif"],
        &["tail", "RUN"],
        &["export", "RUN", "--format", "csv"],
        &["export", "RUN", "--format", "bundle"],
    ] {
        let with = |run: &str| -> Vec<String> {
            command.iter().map(|word| word.replace("RUN", run)).collect()
        };
        let of_run = audit(&lab).args(with(&id)).output().expect("audit starts");
        let of_bundle = audit(&lab).args(with(bundle)).args(elsewhere).output();
        let of_bundle = of_bundle.expect("audit starts");
        assert!(of_run.status.success(), "{command:?}: {}", said(&of_run));
        assert_eq!(said(&of_bundle), said(&of_run), "{command:?}");
    }
    let view = answer(&lab, 0, &["view", bundle, elsewhere[0], elsewhere[1]]);
    assert!(view.contains("the bundle") && view.contains("run.tar.zst"), "{view}");
    let diff = answer(&lab, 0, &["diff", &id, bundle, "--exit-code"]);
    assert!(!diff.contains("cannot"), "{diff}");
    // Where the command is: by its mere name, too, and where `tail` takes files.
    let by_name = audit(&lab).current_dir(lab.root()).args(["view", "run.tar.zst"]).output();
    assert!(by_name.expect("audit starts").status.success());
    let file = answer(&lab, 0, &["tail", "--file", bundle]);
    assert_eq!(file, answer(&lab, 0, &["tail", &id]));
    // What removes runs does not take it for the one of its id.
    let refused = answer(&lab, 2, &["prune", bundle]);
    assert!(refused.contains("it is a file"), "{refused}");
    answer(&lab, 0, &["view", &id]);
}

#[test]
fn a_bundle_is_verified_here_and_elsewhere_by_the_hosts_key() {
    let lab = Lab::new();
    let _ = lab.run(["true"]).record();
    let (_, bundle) = recorded(&lab);
    let bundle = text(&bundle);
    let key = lab.root().join("key");
    fs::write(&key, lab.told(["keys"])).expect("room");
    answer(&lab, 0, &["verify", bundle]);
    let empty = lab.root().join("empty");
    let there = |status, more: &[&str]| {
        let args = [&["verify", bundle, "--home", text(&empty)][..], more].concat();
        answer(&lab, status, &args)
    };
    let unknown = there(1, &[]);
    assert!(unknown.contains("which is not known here (--key, --allowed-signers)"), "{unknown}");
    // The key of the first run; how that of this run comes from it is in the bundle.
    let known = there(0, &["--key", text(&key)]);
    assert!(known.contains("a key that was named, epoch 1"), "{known}");
    let bytes = fs::read(bundle).expect("it is there");
    let other = lab.root().join("other.tar.zst");
    for (what, bytes) in [
        ("changed", [&bytes[..bytes.len() / 2], b"x", &bytes[bytes.len() / 2 + 1..]].concat()),
        ("cut", bytes[..bytes.len() - 1].to_vec()),
        ("empty", Vec::new()),
    ] {
        fs::write(&other, bytes).expect("room");
        let said = answer(&lab, 3, &["verify", text(&other), "--key", text(&key)]);
        assert!(said.contains("as a bundle"), "{what}: {said}");
    }
}

#[test]
fn an_import_is_verified_first_and_says_where_it_is_from() {
    let lab = Lab::new();
    let (id, bundle) = recorded(&lab);
    let bundle = text(&bundle);
    let key = lab.root().join("key");
    fs::write(&key, lab.told(["keys"])).expect("room");
    let other = lab.root().join("other");
    let there =
        |status, args: &[&str]| answer(&lab, status, &[args, &["--home", text(&other)]].concat());
    assert!(there(1, &["import", bundle]).contains("not taken"));
    assert!(!other.join("runs").join(&id).exists());
    assert!(there(0, &["import", bundle, "--key", text(&key)]).contains("imported"));
    assert!(there(0, &["import", bundle, "--key", text(&key)]).contains("is here already"));
    assert!(there(0, &["runs"]).contains(", imported"), "{}", there(0, &["runs"]));
    let view = there(0, &["view", "last"]);
    assert!(view.contains("run.tar.zst") && view.contains("it was verified then"), "{view}");
    there(0, &["verify", "last", "--record-only", "--key", text(&key)]);
    there(1, &["verify", "last", "--record-only"]);
    // Another run that says to have the same id.
    fs::write(other.join("runs").join(&id).join("segments/seal"), "{}").expect("room");
    assert!(there(2, &["import", bundle, "--key", text(&key)]).contains("another run of this id"));
    let third = lab.root().join("third");
    let args = ["import", bundle, "--unknown-key", "--home", text(&third)];
    assert!(answer(&lab, 0, &args).contains("not known here"));
}

#[test]
fn a_truncated_run_is_packed_and_said_to_be_and_a_live_one_is_not() {
    let lab = Lab::new();
    let mut running = lab.run(["sh", "-c", "echo up; read go"]).start_ungated();
    running.expect("up");
    let dir = running.dir();
    let bundle = lab.root().join("run.tar.zst");
    let args = ["export", text(&dir), "--format", "bundle", "-o", text(&bundle)];
    assert!(answer(&lab, 2, &args).contains("it is still being recorded"));
    assert!(!bundle.exists());
    kill_process(running.supervisor(), Signal::KILL).expect("it is there");
    running.go();
    let (status, errors) = running.end();
    assert!(status.success(), "{errors}");
    assert!(answer(&lab, 0, &args).contains("the bundle is one of a truncated run"));
    assert!(answer(&lab, 2, &["verify", text(&bundle)]).contains("it has no seal"));
    assert!(answer(&lab, 0, &["view", text(&bundle)]).contains("truncated"));
}

/// The commands of docs/verify.md, "Without this program", block by block.
fn documented() -> Vec<String> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify.md"));
    let page = page.expect("it is there");
    let (_, part) = page.split_once("## Without this program").expect("the chapter");
    part.split("```\n").skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn a_stranger_checks_a_bundle_with_what_the_document_says() {
    let lab = Lab::new();
    let (id, bundle) = recorded(&lab);
    let blocks = documented();
    let [unpack, check, signers, rules] = blocks.as_slice() else {
        panic!("the chapter has other blocks: {blocks:?}")
    };
    assert!(signers.starts_with("audit-run cert-authority,namespaces=\"audit-seal\" ssh-ed25519 "));
    let place = lab.root().join("stranger");
    fs::create_dir(&place).expect("room");
    fs::copy(&bundle, place.join(format!("{id}.tar.zst"))).expect("room");
    let shell = |script: &str| {
        let script = script.replace("RUN", &id);
        let output = Command::new("sh").args(["-ec", &script]).current_dir(&place).output();
        let output = output.expect("sh starts");
        (output.status.success(), said(&output))
    };
    let good = |script: &str| {
        let (good, said) = shell(script);
        assert!(good, "{script}: {said}");
        said
    };
    good(unpack);
    let key = lab.told(["keys"]);
    let line = format!("audit-run cert-authority,namespaces=\"audit-seal\" {key}");
    fs::write(place.join(&id).join("segments/allowed_signers"), line).expect("room");
    let said = good(check);
    assert!(said.contains("Good \"audit-seal\" signature for audit-run"), "{said}");
    assert!(said.contains("000001.seg: OK") && said.contains(&id), "{said}");
    // The machine's own, or the one that is unpacked below target/validators.
    let unpacked = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/validators/debian/root/usr/bin");
    let b3sum = format!("export PATH=\"$PATH:{unpacked}\"");
    if shell(&format!("{b3sum}; b3sum --version")).0 {
        good(&format!("{b3sum}; ls {id}/rules | grep -q yml; cd {id}/segments; {rules}"));
        let rule = fs::read_dir(place.join(&id).join("rules")).expect("rules").next();
        let rule = rule.expect("a rule").expect("an entry").path();
        fs::write(&rule, "other").expect("room");
        assert!(!shell(&format!("{b3sum}; cd {id}/segments; {rules}")).0, "another rule is told");
    } else {
        xtests::not_run("rules in a bundle by their hash", "there is no b3sum");
    }
    // The same commands say no to another record.
    let segment = place.join(&id).join("segments/000001.seg");
    let mut bytes = fs::read(&segment).expect("it is there");
    bytes[100] ^= 1;
    fs::write(&segment, bytes).expect("room");
    let (good, said) = shell(check);
    assert!(!good && said.contains("FAILED"), "{said}");
}
