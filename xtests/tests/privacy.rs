//! Secrets on command lines are nowhere in what a run leaves behind, and what is told instead is enough
//! to see that two of them are the same (docs/security.md, Secrets).
#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use xtests::{Lab, Recorded};

/// No rule knows it by its form, and nothing else on the machine has it.
const SECRET: &str = "hunter2-Zq9";

/// Everything below `dir`.
fn all_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("it reads").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(all_files(&path));
        }
        found.push(path);
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Names of the files below `dir` that hold the text.
fn files_with(dir: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = if path.is_file() { fs::read(path).expect("it reads") } else { Vec::new() };
        let blocks = bytes.strip_prefix(&event::frame::MAGIC_BLOCKS);
        let frames = blocks.map(|blocks| event::frame::unpacked(blocks, usize::MAX));
        holds(&bytes, text) || frames.is_some_and(|frames| holds(frames.as_slice(), text))
    };
    all_files(dir).into_iter().filter(holds).collect()
}

/// The marks in a run's execs.
fn marks(run: &Recorded) -> BTreeSet<String> {
    let words = run.of("exec", "").flat_map(|exec| {
        let words: Vec<String> = exec.list("argv").iter().map(ToString::to_string).collect();
        words
    });
    let mark = |word: String| {
        let (_, rest) = word.split_once("[redacted:")?;
        Some(rest.split_once(']')?.0.to_owned())
    };
    words.filter_map(mark).collect()
}

/// A command with the secret in every place of the table in docs/security.md.
fn telling(lab: &Lab) -> Vec<String> {
    let script = format!(
        "exec 2>&1\n\
         N={nothing}\n\
         $N --password={SECRET} --token {SECRET}\n\
         $N curl -u me:{SECRET} -H 'Authorization: Bearer {SECRET}' https://me:{SECRET}@h/a?token={SECRET}\n\
         $N mysql -p{SECRET}; $N sshpass -p {SECRET} ssh h\n\
         env DB_PASSWORD={SECRET} $N\n\
         sh -c '$0 --api-key {SECRET} && $0 --header=\"X-Api-Key: {SECRET}\"' $N\n",
        nothing = lab.nothing().display()
    );
    ["sh", "-c", &script].map(str::to_owned).to_vec()
}

#[test]
fn no_file_and_no_page_of_a_run_holds_a_secret_of_its_command_lines() {
    let lab = Lab::new();
    let run =
        lab.run(telling(&lab)).with(["--summary", "always", "--tag", &format!("token={SECRET}")]);
    let run = run.succeed();
    run.assert_whole();
    assert_eq!(files_with(&lab.home(), SECRET), Vec::<PathBuf>::new());
    assert!(!holds(&run.stderr, SECRET) && !holds(&run.stdout, SECRET), "{}", run.errors());
    for page in [&["view"][..], &["view", "--tree"], &["status"], &["query"], &["query", "--json"]]
    {
        let out = lab.ask(page.iter().copied().chain((page[0] != "status").then_some(run.id())));
        assert!(!holds(&out.stdout, SECRET) && !holds(&out.stderr, SECRET), "{page:?}");
    }
    // One secret, wherever it stood: the shell's text as a whole, the front's and the kernel's argv.
    let marks = marks(&run);
    assert_eq!(marks.len(), 1, "{marks:?}");
    let mark = marks.first().expect("one");
    let start = run.of("start", "").next().expect("the first line");
    assert!(start.0["command"].to_string().contains(mark), "{start:?}");
    let places: u64 = run.of("exec", "").filter_map(|exec| exec.number("redacted")).sum();
    assert!(places >= 20, "{places} places");
}

#[test]
fn a_secret_has_one_mark_in_all_runs_of_a_store_and_another_in_another_store() {
    let lab = Lab::new();
    let word = format!("--password={SECRET}");
    let nothing = lab.nothing();
    let run = |word: &str| lab.run([nothing.as_os_str(), word.as_ref()]).succeed();
    let (one, two, other) = (run(&word), run(&word), run("--password=another"));
    assert_eq!(marks(&one), marks(&two));
    assert_ne!(marks(&one), marks(&other));
    let key =
        |run: &Recorded| run.of("start", "").next().expect("one").text("redaction_key").to_owned();
    assert_eq!(key(&one), key(&other));
    fs::remove_file(lab.home().join("redaction.key")).expect("it is there");
    let elsewhere = run(&word);
    assert_ne!(key(&elsewhere), key(&one));
    assert_ne!(marks(&elsewhere), marks(&one));
}

#[test]
fn with_no_redact_a_command_line_is_stored_as_it_was() {
    let lab = Lab::new();
    let (nothing, word) = (lab.nothing(), format!("--password={SECRET}"));
    let run = lab.run([nothing.as_os_str(), word.as_ref()]).with(["--no-redact"]).succeed();
    let exec = run.execs_of(&nothing).next().expect("it ran");
    assert_eq!(exec.list("argv")[1], word);
    assert_eq!(exec.number("redacted"), None);
    assert!(run.of("start", "").next().is_some_and(|start| start.text("redaction_key").is_empty()));
    assert!(!files_with(&lab.home(), SECRET).is_empty());
}

#[test]
fn secrets_in_a_long_argv_are_marks_wherever_its_pieces_end() {
    let lab = Lab::new();
    let nothing = lab.nothing();
    // Pieces are 16 KiB: the secret lies across the end of the first, in the third, and beyond 128 KiB.
    let words: Vec<String> = [16_340, 20_000, 60_000, 50_000]
        .iter()
        .flat_map(|len| ["x".repeat(*len), format!("--password={SECRET}")])
        .collect();
    let run = lab.run(std::iter::once(nothing.display().to_string()).chain(words)).succeed();
    run.assert_whole();
    assert_eq!(files_with(&lab.home(), SECRET), Vec::<PathBuf>::new());
    let exec = run.execs_of(&nothing).next().expect("it ran");
    assert!(exec.flag("argv_cut"), "{}", exec.text("argv_hash_missing"));
    assert_eq!(exec.number("redacted"), Some(3));
    assert_eq!(exec.list("argv").iter().filter(|word| word.starts_with("--password=[")).count(), 3);
}

#[test]
fn of_the_environment_only_named_variables_are_told_and_their_secrets_are_marks() {
    let lab = Lab::new();
    let mut run =
        lab.run([lab.nothing()]).with(["--env", "TESTER_COLOUR", "--env", "TESTER_TOKEN"]);
    run.process.env("TESTER_COLOUR", "green").env("TESTER_TOKEN", SECRET);
    run.process.env("TESTER_OTHER", "not-to-be-told");
    let run = run.with(["--env", "TESTER_UNSET"]).succeed();
    let start = run.of("start", "").next().expect("the first line");
    let told = start.list("env");
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "TESTER_COLOUR=green");
    assert!(told[1].starts_with("TESTER_TOKEN=[redacted:"), "{told:?}");
    for text in [SECRET, "not-to-be-told"] {
        assert_eq!(files_with(&lab.home(), text), Vec::<PathBuf>::new());
    }
}

#[test]
fn files_are_their_owners_alone_whatever_the_mask() {
    let lab = Lab::new();
    for mask in ["000", "022", "077"] {
        let home = lab.root().join(format!("home-{mask}"));
        let audit = lab.program("audit");
        let line = format!("umask {mask}; {} run -- {}", audit.display(), lab.nothing().display());
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", &line]).env("AUDIT_HOME", &home).current_dir("/").status();
        assert!(status.expect("a shell").success());
        let mode =
            |path: &Path| fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777;
        assert_eq!(mode(&home), 0o700, "mask {mask}");
        let files = all_files(&home);
        assert!(files.len() >= 6, "{files:?}");
        for path in files {
            // The public halves of the host's keys are for everybody, wherever that directory lies.
            let public = path.ends_with("keys/epochs");
            let expected = match () {
                () if path.is_dir() => 0o700,
                () if public => 0o644,
                () => 0o600,
            };
            assert_eq!(mode(&path), expected, "mask {mask}: {}", path.display());
        }
    }
}
