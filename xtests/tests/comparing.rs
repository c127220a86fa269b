//! The same job is the same however often it is recorded, and what is new in it is told.
#![forbid(unsafe_code)]

use std::fs;

use serde_json::Value;
use xtests::Lab;

/// A job with a temporary file, an output, a dated name and a child.
const SHELL: &str = "rm -f out.txt log-*.txt; t=$(mktemp); echo \"$$\" >\"$t\"; cat \"$t\" /etc/hostname >out.txt; \
                     cp out.txt \"log-$(date +%Y%m%d-%H%M%S).txt\"; rm \"$t\"; \
                     ls -d \"/proc/$$\" >/dev/null";

/// A compilation in two steps: the compiler hands its assembly over in a file of a random name.
const COMPILE: &str = "rm -f job job.o; cc -c job.c -o job.o; cc job.o -o job; ./job";

/// Temporary directory and file, a name made of a UUID, an output that replaces the one before, a child.
const PYTHON: &str = r#"
import json, os, subprocess, tempfile, time, uuid
with tempfile.TemporaryDirectory() as place:
    part = os.path.join(place, f"part-{os.getpid()}.json")
    with open(part, "w") as out:
        json.dump({"at": time.time(), "id": str(uuid.uuid4())}, out)
    subprocess.run(["sort", "-o", "sorted.txt", part], check=True)
with tempfile.NamedTemporaryFile(dir=".", delete=False) as out:
    out.write(b"x" * 1000)
os.replace(out.name, "result.bin")
with open(f"trace-{uuid.uuid4()}.log", "w") as log:
    log.write("done\n")
"#;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// Records the command again and again; each recording is held against the last.
fn is_always_the_same(lab: &Lab, name: &str, command: &[&str]) {
    let times = if xtests::long() { 20 } else { 5 };
    // The first one finds no files of the one before.
    for _ in 0..=times {
        lab.run(command).with(["--name", name]).succeed().assert_whole();
    }
    let last = format!("@{name}");
    for back in 1..times {
        let before = format!("@{name}~{back}");
        let output = lab.ask(["diff", &before, &last, "--exit-code", "--slack", "60s"]);
        let page = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{page}");
        assert!(page.contains("No difference."), "{page}");
    }
    eprintln!("{name}: {times} recordings, {} comparisons, no difference", times - 1);
}

#[test]
fn the_same_job_is_the_same_however_often_it_is_recorded() {
    let lab = Lab::new();
    is_always_the_same(&lab, "shell", &["bash", "-c", SHELL]);
    // Without calling alike what differs by nature it is not.
    let raw = lab.ask(["diff", "@shell~1", "@shell", "--exit-code", "--normalize", "none"]);
    assert_eq!(raw.status.code(), Some(1));
    let shown = lab.told(["diff", "@shell~1", "@shell", "--show-normalised"]);
    assert!(shown.contains("tmp") && shown.contains(" = "), "{shown}");
}

#[test]
fn the_same_compilation_is_the_same_however_often_it_is_recorded() {
    let lab = Lab::new();
    fs::write(lab.work().join("job.c"), "int main(void) { return 0; }\n").expect("room");
    is_always_the_same(&lab, "compile", &["bash", "-c", COMPILE]);
}

#[test]
fn the_same_python_program_is_the_same_however_often_it_is_recorded() {
    let lab = Lab::new();
    fs::write(lab.work().join("job.py"), PYTHON).expect("room");
    is_always_the_same(&lab, "python", &["python3", "job.py"]);
}

#[test]
fn what_a_job_does_for_the_first_time_is_told_and_nothing_else() {
    let lab = Lab::new();
    for _ in 0..2 {
        lab.run(["bash", "-c", SHELL]).with(["--name", "job"]).succeed().assert_whole();
    }
    let secret = lab.work().join(".ssh");
    fs::create_dir_all(&secret).expect("room");
    fs::write(secret.join("id_ed25519"), "x").expect("room");
    let more = format!("{SHELL}; read -r x <.ssh/id_ed25519; head -c 5000 /dev/zero >new.bin");
    lab.run(["bash", "-c", &more]).with(["--name", "job"]).succeed().assert_whole();
    let page = json(&lab.told(["diff", "@job~1", "@job", "--slack", "60s", "--json"]));
    let names = |section: &str, kind: &str| -> Vec<String> {
        let list = page["sections"][section][kind].as_array().expect("a list");
        list.iter().map(|it| it["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("programs", "new"), ["/usr/bin/head"]);
    let mut files = names("files", "new");
    files.retain(|name| name.split('/').any(|part| part == "work"));
    let ends = |at: usize, end: &str| files.get(at).is_some_and(|name| name.ends_with(end));
    assert!(files.len() == 2 && ends(0, "/.ssh/id_ed25519") && ends(1, "/new.bin"), "{files:?}");
    assert_eq!(names("files", "gone"), Vec::<String>::new());
    let markdown = lab.told(["diff", "@job~1", "@job", "--format", "md"]);
    assert!(markdown.contains("- `+` "), "{markdown}");
}

#[test]
fn a_baseline_knows_what_a_job_always_does_and_sometimes() {
    let lab = Lab::new();
    for script in ["cat /etc/hostname", "cat /etc/hostname; ls /", "cat /etc/hostname"] {
        lab.run(["sh", "-c", script]).with(["--name", "b"]).succeed().assert_whole();
    }
    lab.told(["baseline", "save", "nightly", "@b~2", "@b~1"]);
    let shown = json(&lab.told(["baseline", "show", "nightly", "--json"]));
    assert_eq!(shown["sections"]["programs"]["/usr/bin/cat"]["runs"], 2);
    assert_eq!(shown["sections"]["programs"]["/usr/bin/ls"]["runs"], 1);
    let check = |slack: &str| {
        lab.ask([
            "baseline",
            "check",
            "nightly",
            "@b",
            "--slack",
            slack,
            "--ignore",
            "/usr/bin/dash: *",
        ])
    };
    let clean = check("60s");
    let page = String::from_utf8_lossy(&clean.stdout).into_owned();
    assert_eq!(clean.status.code(), Some(0), "{page}");
    lab.run(["sh", "-c", "cat /etc/hostname; id >x"])
        .with(["--name", "b"])
        .succeed()
        .assert_whole();
    let other = check("60s");
    let page = String::from_utf8_lossy(&other.stdout).into_owned();
    assert_eq!(other.status.code(), Some(1), "{page}");
    assert!(page.contains("/usr/bin/id"), "{page}");
    assert!(lab.told(["baseline", "show"]).contains("nightly"));
    assert_eq!(lab.ask(["baseline", "check", "unknown"]).status.code(), Some(2));
}

/// A job of which all that matters is in its script, so that its command line stays the same.
const BEFORE: &str = r#"
echo one >out/log.txt
printf '%01000d' 0 >out/data.bin
../bin/nothing --fast
../bin/planted
"#;

/// The same with twelve changes; the one that is not seen here is an option of the recording.
const AFTER: &str = r#"
printf '%05000d' 0 >out/data.bin
../bin/nothing --slow
../bin/other
read -r x <.ssh/id_ed25519
echo '# nothing' >CRON
HOST=SERVER SOCKET=service.sock WAIT=6 AS=65534 ../bin/planted
"#;

/// What finds the new file of cron.
const RULE: &str = "rules:\n  - id: PLANTED\n    title: A file of cron\n    severity: high\n    when:\n      file: {op: write, path: '/etc/cron.d/*'}\n";

/// A file that other programs of this machine look at, gone with the value.
struct Cron(std::path::PathBuf);

impl Drop for Cron {
    fn drop(&mut self) {
        // Where the job did not come to it there is none.
        let _ = fs::remove_file(&self.0);
    }
}

/// `section kind name`, of each difference; what lies below the place of the test by its last names.
fn told(lab: &Lab, page: &Value) -> Vec<String> {
    let work = lab.work();
    let place = format!("/{}/", work.file_name().expect("a name").display());
    let mut all = Vec::new();
    for section in page["sections"].as_object().expect("sections").iter() {
        for kind in ["new", "gone", "changed"] {
            for change in section.1[kind].as_array().expect("a list") {
                let name = change["name"].as_str().expect("a name");
                let name = name.split_once(&place).map_or(name, |(_, name)| name);
                let name = name.split_once("/bin/").map_or(name, |(_, name)| name);
                all.push(format!("{} {kind} {name}", section.0));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn twelve_planted_changes_are_twelve_and_only_these() {
    let lab = Lab::new();
    let cron = Cron(format!("/etc/cron.d/audit-x-{}", std::process::id()).into());
    fs::create_dir_all("/etc/cron.d").expect("root may");
    let (_, _) = (lab.nothing(), lab.tester("planted"));
    fs::copy(lab.nothing(), lab.bin().join("other")).expect("room");
    let work = lab.work();
    fs::create_dir(work.join(".ssh")).expect("room");
    fs::write(work.join(".ssh/id_ed25519"), "x\n").expect("room");
    fs::write(work.join("rules.yml"), RULE).expect("room");
    let listener = std::net::TcpListener::bind("127.0.0.2:0").expect("a port");
    let server = listener.local_addr().expect("an address").to_string();
    let _service = std::os::unix::net::UnixListener::bind(work.join("service.sock")).expect("room");
    let after = AFTER.replace("SERVER", &server).replace("CRON", cron.0.to_str().expect("plain"));
    let record = |script: &str, more: &[&str]| {
        // Each recording finds the directory as the one before did.
        let _ = fs::remove_dir_all(work.join("out"));
        fs::create_dir(work.join("out")).expect("room");
        fs::write(work.join("job.sh"), script).expect("room");
        let options = ["--name", "job", "--rules", "rules.yml"];
        lab.run(["bash", "job.sh"]).with(options).with(more).succeed().assert_whole();
    };
    record(BEFORE, &[]);
    record(BEFORE, &[]);
    let same = json(&lab.told(["diff", "@job~1", "@job", "--json"]));
    assert_eq!(told(&lab, &same), Vec::<String>::new(), "nothing was planted yet");
    record(&after, &["--no-host-names"]);
    let page = json(&lab.told(["diff", "@job~1", "@job", "--json"]));
    let cron = cron.0.to_str().expect("plain").to_owned();
    let mut expected = vec![
        "arguments changed nothing".to_owned(),
        "coverage changed hosts".to_owned(),
        format!("files new {cron}"),
        "files new .ssh/id_ed25519".to_owned(),
        "files gone out/log.txt".to_owned(),
        "files changed out/data.bin".to_owned(),
        format!("findings new high PLANTED {cron}"),
        "network new 127.0.0.2:PORT".to_owned(),
        "outcome changed duration".to_owned(),
        "programs new other".to_owned(),
        "unix new service.sock".to_owned(),
        "users new uid 65534".to_owned(),
    ];
    expected.sort();
    assert_eq!(told(&lab, &page), expected, "{page}");
    eprintln!("planted: {} changes, {} told", expected.len(), told(&lab, &page).len());
}
