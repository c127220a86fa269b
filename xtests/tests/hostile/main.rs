//! Run directories and words that somebody hostile made: nothing hangs, follows a link, takes the machine's
//! memory, or reaches the terminal as it is (docs/security.md, Reading a record).
#![forbid(unsafe_code)]

mod index;

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use xtests::{Lab, Recorded};

/// What a page may take of address space: far more than it needs, far less than the files pretend.
const MEMORY: &str = "--as=3000000000";

/// No page of a run of a few events takes this long, seconds, on however busy a machine.
const PATIENCE: &str = "60";

/// Text that no terminal may get as it is: escapes, OSC 8, C1, bidi, line ends, a byte that is no UTF-8.
pub(crate) const EVIL: &[u8] =
    b"\x1b[2Jx\x1b]8;;e:e\x1b\\y\x07\xc2\x9b31mz\xe2\x80\xaeq\xe2\x81\xa6\r\nlast\x7f\xff";

/// A run to spoil.
pub(crate) fn spoiled(lab: &Lab) -> Recorded {
    let run = lab.run([lab.nothing()]).succeed();
    let supervisor = lab.program("audit-supervisor");
    xtests::wait::until_true("the recorder's end", || {
        xtests::processes_running(&supervisor).is_empty()
    });
    run
}

/// Each page about the run, bounded in time and memory.
fn pages(lab: &Lab, id: &str) -> Vec<(String, Output)> {
    let lines: [&[&str]; 4] =
        [&["runs"], &["view", id], &["query", id, "--all", "--format", "jsonl"], &["verify", id]];
    bounded(lab, &lines)
}

/// What `audit` says to these words, bounded in time and memory.
pub(crate) fn bounded(lab: &Lab, lines: &[&[&str]]) -> Vec<(String, Output)> {
    let look = |words: &&[&str]| {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", PATIENCE, "prlimit", MEMORY]).arg(lab.program("audit"));
        command.args(*words).env("AUDIT_HOME", lab.home()).current_dir(lab.work());
        (words.join(" "), command.output().expect("timeout starts"))
    };
    lines.iter().map(look).collect()
}

/// Each page comes to an end with a status of its own: it is neither killed nor does it panic.
pub(crate) fn assert_sane(what: &str, pages: &[(String, Output)]) {
    for (page, output) in pages {
        let said = String::from_utf8_lossy(&output.stderr);
        // 101 is a panic, 137 the patience, 134 an abort: no memory.
        assert!(
            output.status.code().is_some_and(|code| code < 100),
            "{what}: {page}: {}: {said}",
            output.status
        );
        assert!(!said.contains("panicked"), "{what}: {page}: {said}");
        assert_clean(&format!("{what}: {page}"), &output.stderr);
        if !page.contains("jsonl") {
            assert_clean(&format!("{what}: {page}"), &output.stdout);
        }
    }
}

/// Nothing that a terminal would act upon.
fn assert_clean(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|why| panic!("{what}: {why}"));
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    let bad: Vec<char> = text.chars().filter(|c| acts(*c)).collect();
    assert!(bad.is_empty(), "{what}: {bad:?} in {text}");
}

/// Puts something at the first path; the second is a file that is nobody's to read.
type Put = fn(&Path, &Path);

/// Makes a file.
type Make = Box<dyn Fn(&Path)>;

/// Ways to put something else where a file of a run was.
const PLACES: [(&str, Put); 5] = [
    ("a link", |path, secret| symlink(secret, path).expect("room")),
    ("a FIFO", |path, _| {
        assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
    }),
    ("a link to itself", |path, _| symlink(path, path).expect("room")),
    ("a device", |path, _| {
        assert!(
            Command::new("mknod")
                .arg(path)
                .args(["c", "1", "5"])
                .status()
                .expect("mknod")
                .success()
        );
    }),
    ("a directory", |path, _| fs::create_dir(path).expect("room")),
];

#[test]
fn something_else_in_place_of_a_file_of_a_run_is_neither_followed_nor_waited_for() {
    let lab = Lab::new();
    let run = spoiled(&lab);
    let secret = lab.root().join("root-secret");
    fs::write(&secret, "not-for-readers\n").expect("room");
    for file in ["meta.json", "events.jsonl.zst", "index.sqlite", "segments/000001.seg", "segments"]
    {
        let places = if xtests::long() { &PLACES[..] } else { &PLACES[..2] };
        for (what, put) in places {
            let path = run.dir.join(file);
            let kept = lab.root().join("kept");
            fs::rename(&path, &kept).expect("it is there");
            put(&path, &secret);
            let pages = pages(&lab, run.id());
            assert_sane(&format!("{what} for {file}"), &pages);
            for (page, output) in &pages {
                let all = [output.stdout.as_slice(), &output.stderr].concat();
                let told = all.windows(15).any(|window| window == b"not-for-readers");
                assert!(!told, "{page} shows what {what} for {file} leads to");
            }
            assert_eq!(
                fs::read(&secret).expect("it is there"),
                b"not-for-readers\n",
                "written through {what}"
            );
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            fs::rename(&kept, &path).expect("the place is free");
        }
    }
}

/// Files of a size or shape that a reader must not take whole.
fn shapes() -> Vec<(&'static str, &'static str, Make)> {
    let sparse = |len: u64| -> Make {
        Box::new(move |path| File::create(path).and_then(|file| file.set_len(len)).expect("room"))
    };
    let bytes =
        |bytes: Vec<u8>| -> Make { Box::new(move |path| fs::write(path, &bytes).expect("room")) };
    let deep = |count: usize| "[".repeat(count).into_bytes();
    let sql = |page: [u8; 2]| {
        let mut file = b"SQLite format 3\0".to_vec();
        file.extend(page);
        file.resize(65_536, 0xff);
        file
    };
    let huge_frame = [b"AUDSEG01".as_slice(), &u32::MAX.to_le_bytes(), &[0xff; 60]].concat();
    let long_frame = [b"AUDSEG01".as_slice(), &(1_u32 << 20).to_le_bytes(), &[0; 28]].concat();
    vec![
        ("events.jsonl.zst", "1 GB of nothing", sparse(1 << 30)),
        ("events.jsonl.zst", "a line of 64 MB", bytes(xtests::packed(&vec![b'x'; 64 << 20]))),
        ("meta.json", "8 GB", sparse(8 << 30)),
        ("index.sqlite", "8 GB", sparse(8 << 30)),
        ("segments/000001.seg", "64 MB of nothing", sparse(64 << 20)),
        ("segments/000001.seg", "8 GB of nothing", sparse(8 << 30)),
        ("segments/000002.seg", "8 TB of nothing, beyond the end", sparse(8 << 40)),
        ("meta.json", "deep nesting", bytes(deep(900_000))),
        (
            "events.jsonl.zst",
            "deep nesting",
            bytes(xtests::packed(&[deep(2_000_000), b"\n".to_vec()].concat())),
        ),
        ("index.sqlite", "pages of one byte", bytes(sql([0, 0]))),
        ("index.sqlite", "pages of 64 KiB", bytes(sql([0, 1]))),
        ("segments/000001.seg", "a frame of 4 GB", bytes(huge_frame)),
        ("segments/000001.seg", "a frame of 1 MiB that is not there", bytes(long_frame)),
    ]
}

#[test]
fn files_that_pretend_to_be_huge_or_deep_take_neither_memory_nor_time() {
    let lab = Lab::new();
    let run = spoiled(&lab);
    for (file, what, make) in shapes() {
        let path = run.dir.join(file);
        let kept = lab.root().join("kept");
        let was_there = fs::rename(&path, &kept).is_ok();
        make(&path);
        assert_sane(&format!("{what} for {file}"), &pages(&lab, run.id()));
        fs::remove_file(&path).expect("it is there");
        if was_there {
            fs::rename(&kept, &path).expect("the place is free");
        }
    }
}

#[test]
fn thousands_of_files_that_are_none_of_a_run_are_passed_over() {
    let lab = Lab::new();
    let run = spoiled(&lab);
    let count = if xtests::long() { 1_000_000 } else { 10_000 };
    let dirs: [PathBuf; 2] = [run.dir.join("segments"), lab.home().join("runs")];
    for dir in dirs {
        for number in 0..count / 2 {
            File::create(dir.join(format!("x{number:07}"))).expect("room");
        }
    }
    let pages = pages(&lab, run.id());
    assert_sane("many files", &pages);
    assert!(pages.iter().all(|(_, output)| output.status.success()), "{pages:?}");
}

#[test]
fn no_text_of_a_run_or_of_a_caller_reaches_the_terminal_as_it_is() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let lab = Lab::new();
    let evil = OsStr::from_bytes(EVIL);
    let dir = lab.work().join(evil);
    fs::create_dir(&dir).expect("a name may be anything");
    let script = "cp \"$0\" \"$1\" && \"./$1\" \"$1\"; cat \"./no-$1\"; rm \"$1\"; exit 0";
    let words = ["sh", "-c", script].map(OsStr::new);
    let nothing = lab.nothing();
    let command = words.into_iter().chain([nothing.as_os_str(), evil]);
    let mut run = lab.run(command).with(["--summary", "always", "--env", "EVIL"]);
    run.process.current_dir(&dir).env("EVIL", evil);
    let run = run.succeed();
    assert_sane("a run with such names", &pages(&lab, run.id()));
    let summary: Vec<&str> = std::str::from_utf8(&run.stderr)
        .map(|text| text.lines().filter(|line| !line.starts_with("cat:")).collect())
        .unwrap_or_default();
    assert_clean("the summary", summary.join("\n").as_bytes());
    for words in [
        &["view"][..],
        &["query", "--path"],
        &["query", "--type"],
        &["query", "--dest"],
        &["query", "--since"],
        &["run", "--name"],
        &["run", "--user"],
        &["--home"],
        &["run", "--"],
        &[],
    ] {
        let mut audit = lab.audit();
        let output = audit.args(words).arg(evil).output().expect("audit starts");
        assert!(!output.status.success() || words.contains(&"--path"), "{words:?}");
        assert_clean(&format!("{words:?}"), &output.stderr);
    }
}
