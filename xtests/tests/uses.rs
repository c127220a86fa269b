//! Read, written, created and truncated are told apart from merely opened, with sizes
//! (docs/decisions/0004-how-a-file-was-used.md).
#![forbid(unsafe_code)]

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use xtests::{Event, Lab, Recorded, Tmpfs, wait};

/// What the old files hold.
const TEXT: &[u8] = b"0123456789abcdef";

/// Makes a file for each way and uses it so; returns what its event tells.
fn use_files(lab: &Lab, dir: &Path, ways: &[&str]) -> (Recorded, Vec<String>) {
    for way in ways.iter().filter(|way| !way.starts_with("w-create")) {
        fs::write(dir.join(way), TEXT).expect("room");
    }
    wait_until_old(dir, ways);
    let script: Vec<String> = ways.iter().map(|way| format!("\"$0\" {way} \"$1\"/{way}")).collect();
    let tester = lab.tester("uses");
    let run = lab
        .run([
            "bash".as_ref(),
            "-ec".as_ref(),
            script.join("\n").as_ref(),
            tester.as_os_str(),
            dir.as_os_str(),
        ])
        .succeed();
    run.assert_adds_up();
    let told = ways.iter().map(|way| told(&run, &dir.join(way))).collect();
    (run, told)
}

/// Changes that are older than a twentieth of a second show when they are followed by others.
fn wait_until_old(dir: &Path, ways: &[&str]) {
    let old = |path: &Path| {
        let Ok(meta) = fs::metadata(path) else { return true };
        let age = SystemTime::now().duration_since(meta.modified().expect("it has a time"));
        age.is_ok_and(|age| age > Duration::from_millis(200))
    };
    let all = || ways.iter().all(|way| old(&dir.join(way))).then_some(());
    wait::until("the files to be old", all);
}

/// What the accesses of a file are told as: each op with its count and what else it says.
fn told(run: &Recorded, path: &Path) -> String {
    let path = path.as_os_str().as_encoded_bytes();
    let of_file = |event: &&Event| event.bytes("path").as_deref() == Some(path);
    let events = run.of("file", "").filter(of_file);
    let uses = events.filter(|event| ["open", "read", "write"].contains(&event.op()));
    uses.map(words).collect::<Vec<_>>().join("; ")
}

fn words(event: &Event) -> String {
    let mut words = vec![format!("{} x{}", event.op(), event.count())];
    assert!(event.flag("count_exact"), "{event:?}");
    words.extend(
        ["created", "truncated", "mapped"]
            .into_iter()
            .filter(|it| event.flag(it))
            .map(String::from),
    );
    if let (Some(before), Some(after)) = (event.number("size_before"), event.number("size_after")) {
        words.push(format!("{before} to {after}"));
    }
    words.join(" ")
}

fn check(found: &(Recorded, Vec<String>), ways: &[&str], expected: &[&str]) {
    let found: Vec<_> = ways.iter().copied().zip(found.1.iter().map(String::as_str)).collect();
    let expected: Vec<_> = ways.iter().copied().zip(expected.iter().copied()).collect();
    assert_eq!(found, expected);
}

/// Ways to use a file for reading, and what is told of each on ext4.
const READS: [(&str, &str); 16] = [
    ("open", "open x1"),
    ("seek", "open x1"),
    ("dup", "open x1"),
    ("exit", "open x1"),
    ("exec", "open x1"),
    ("child-closes", "open x1"),
    ("close-range", "open x1"),
    ("read", "read x1"),
    ("pread", "read x1"),
    ("seek-read", "read x1"),
    ("sendfile", "read x1"),
    ("splice", "read x1"),
    ("child", "read x1"),
    ("direct", "read x1"),
    ("map-read", "read x1 mapped"),
    ("map-kept", "read x1 mapped"),
];

/// Ways to use a file for writing, and what is told of each.
const WRITES: [(&str, &str); 12] = [
    ("w-open", "open x1"),
    ("w-read", "read x1"),
    ("w-write", "write x1 16 to 16"),
    ("w-pwrite", "write x1 16 to 16"),
    ("w-append", "write x1 16 to 21"),
    ("w-ftruncate", "write x1 16 to 3"),
    ("w-fallocate", "write x1 16 to 8192"),
    ("w-map", "write x1 mapped 16 to 16"),
    ("w-map-kept", "write x1 mapped 16 to 16"),
    ("w-trunc", "write x1 truncated"),
    ("w-create", "write x1 created 0 to 0"),
    ("w-create-write", "write x1 created 0 to 5"),
];

#[test]
fn what_was_read_is_told_apart_from_what_was_merely_opened() {
    let lab = Lab::new();
    let (ways, expected): (Vec<_>, Vec<_>) = READS.into_iter().unzip();
    let found = use_files(&lab, &lab.work(), &ways);
    check(&found, &ways, &expected);
}

#[test]
fn what_was_written_is_told_apart_with_its_sizes() {
    let lab = Lab::new();
    let (ways, expected): (Vec<_>, Vec<_>) = WRITES.into_iter().unzip();
    let found = use_files(&lab, &lab.work(), &ways);
    check(&found, &ways, &expected);
    let created: Vec<_> = found.0.of("file", "create").map(|e| e.text("path").to_owned()).collect();
    assert_eq!(created.len(), 2, "{created:?}");
}

#[test]
fn in_memory_writes_are_told_apart_and_reads_are_not() {
    let lab = Lab::new();
    let memory = Tmpfs::new(&lab.root().join("memory"), 4096);
    let dir = lab.root().join("memory");
    // tmpfs notes nowhere that a file was read: what was opened for reading may have been.
    let (ways, expected): (Vec<_>, Vec<_>) = WRITES.into_iter().unzip();
    let expected: Vec<_> =
        expected.into_iter().map(|told| told.replace("open x1", "read x1")).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    let found = use_files(&lab, &dir, &ways);
    check(&found, &ways, &expected);
    drop(found);
    let found = use_files(&lab, &dir, &["open", "read", "pread", "map-read"]);
    check(
        &found,
        &["open", "read", "pread", "map-read"],
        &["read x1", "read x1", "read x1", "read x1 mapped"],
    );
    drop(memory);
}

#[test]
fn on_an_overlay_nothing_is_said_to_be_unread() {
    let lab = Lab::new();
    let memory = Tmpfs::new(&lab.root().join("layers"), 4096);
    let base = lab.root().join("layers");
    let script = "cd \"$1\"; mkdir low up tmp all
        for way in open read pread map-read; do echo 0123456789abcde >low/$way; done
        mount -t overlay -o lowerdir=low,upperdir=up,workdir=tmp none all";
    let made = std::process::Command::new("sh").args(["-ec", script, "sh"]).arg(&base).status();
    assert!(made.expect("sh starts").success(), "an overlay can be mounted");
    let all = base.join("all");
    let ways = ["open", "read", "pread", "map-read"];
    let script: Vec<String> = ways.iter().map(|way| format!("\"$0\" {way} $PWD/{way}")).collect();
    let tester = lab.tester("uses");
    let command = ["bash".as_ref(), "-ec".as_ref(), script.join("\n").as_ref(), tester.as_os_str()]
        .map(std::ffi::OsStr::to_owned);
    let mut start = lab.run(command);
    start.process.current_dir(&all);
    let run = start.succeed();
    let done = std::process::Command::new("umount").arg(&all).status();
    assert!(done.expect("umount starts").success());
    drop(memory);
    let ops = |way: &str| -> Vec<String> {
        let events = run.events.iter().filter(|event| {
            event.kind() == "file" && Path::new(event.text("path")) == all.join(way)
        });
        let tester = events.filter(|event| event.text("exe").ends_with("/uses"));
        let accesses = tester.filter(|event| ["open", "read", "write"].contains(&event.op()));
        accesses.map(|event| format!("{} x{}", event.op(), event.count())).collect()
    };
    assert_eq!(ways.map(ops), ["read x1"; 4].map(|told| vec![told.to_owned()]));
}

#[test]
fn a_file_that_was_changed_just_before_is_not_called_unwritten() {
    let lab = Lab::new();
    let path = lab.work().join("fresh");
    let script = "echo x >fresh; \"$0\" w-open \"$PWD/fresh\"; true";
    let run =
        lab.run(["bash".as_ref(), "-ec".as_ref(), script.as_ref(), lab.tester("uses").as_os_str()]);
    let run = run.succeed();
    assert_eq!(told(&run, &path), "write x1 created 0 to 2; write x1 2 to 2");
}

#[test]
fn opens_that_were_reads_and_opens_that_were_none_are_reads_together() {
    let lab = Lab::new();
    let (merely, read) = (lab.work().join("merely"), lab.work().join("read"));
    for path in [&merely, &read] {
        File::create(path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, TEXT))
            .expect("room");
    }
    let script = "for n in 1 2 3; do exec 3<merely 3<&- 3<read 3<&-; done; exec 3<read; read -n 1 <&3 line; exec 3<&-";
    let run = lab.run(["bash", "-ec", script]).succeed();
    let ops = |path: &Path| -> Vec<(String, u64)> {
        let events = run.of("file", "").filter(|e| Path::new(e.text("path")) == path);
        events.map(|e| (e.op().to_owned(), e.count())).collect()
    };
    assert_eq!(ops(&merely), [("open".to_owned(), 3)]);
    assert_eq!(ops(&read), [("read".to_owned(), 4)]);
}
