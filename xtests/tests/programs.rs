//! What a program was called and what the kernel ran: without names, through interpreters, by a
//! loader, and while the caller rewrites what it says (docs/coverage.md).
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use xtests::{Event, Lab, Recorded, not_run};

fn name(path: &Path) -> &str {
    path.to_str().expect("the lab's names are text")
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("room");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("ours");
}

fn installed(name: &str) -> PathBuf {
    let mut places = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(name));
    let path = places.find(|path| path.exists()).expect("it is installed");
    path.canonicalize().expect("it is there")
}

fn shell() -> PathBuf {
    installed("sh")
}

/// Runs `witness` without a name in one of the ways of the tester `nameless`.
fn nameless(lab: &Lab, way: &str, program: &Path) -> (Recorded, Event) {
    let nameless = lab.tester("nameless");
    let run = lab.run([nameless.as_os_str(), way.as_ref(), program.as_ref()]).succeed();
    run.assert_whole();
    let execs: Vec<_> = run.of("exec", "").filter(|e| e.text("exe") != name(&nameless)).collect();
    let [exec] = execs.as_slice() else { panic!("{} execs: {execs:?}", execs.len()) };
    assert_eq!(exec.list("argv"), ["nameless", "argument"]);
    assert!(exec.flag("unlinked"), "{exec:?}");
    let exec = (*exec).clone();
    (run, exec)
}

/// The path that the program itself found as its own, as `witness` printed it.
fn own_path(run: &Recorded) -> String {
    let line = String::from_utf8_lossy(&run.stdout).into_owned();
    line.split('\t').nth(1).expect("pid, path, arguments").to_owned()
}

#[test]
fn what_each_program_of_a_process_did_is_told_of_it_however_late_it_is_read() {
    let lab = Lab::new();
    let chain = "exec env bash -c 'read x <a; echo 2 >b; exec cp b c'";
    for options in [&["--mount-ns", "off"][..], &["--mount-ns", "on"], &["--user", "4242"]] {
        let dir = lab.work();
        for name in ["a", "b", "c", "pid"] {
            let _ = fs::remove_file(dir.join(name));
        }
        let run = lab.run_while_stopped(&format!("echo 1 >a; {chain}"), options);
        let told = |exe: &Path| {
            let mut told = run.told_of(exe, &dir);
            told.retain(|line| !line.contains(" pid "));
            told
        };
        assert_eq!(told(&shell()), ["create a x1", "write a x1"], "{options:?}");
        assert_eq!(told(&installed("env")), [""; 0], "{options:?}");
        assert_eq!(
            told(&installed("bash")),
            ["create b x1", "read a x1", "write b x1"],
            "{options:?}"
        );
        assert_eq!(
            told(&installed("cp")),
            ["create c x1", "read b x1", "write c x1"],
            "{options:?}"
        );
        run.assert_whole();
        // And the page says so: the process is called after its last program.
        let page = lab.told(["explain", run.id(), "--path", name(&dir.join("b"))]);
        assert!(page.contains("write, as bash "), "{page}");
        assert!(page.contains("\n    read "), "{page}");
    }
}

#[test]
fn what_a_program_had_mapped_is_its_own_read_though_the_next_exec_closes_it() {
    let lab = Lab::new();
    let run = lab.run(["env", "bash", "-c", "exec env true"]).succeed();
    // A library that `env` and `true` do not have.
    let found = run.of("file", "read").filter(|event| event.text("path").contains("libtinfo"));
    let readers: Vec<_> = found.map(|event| event.text("exe")).collect();
    assert_eq!(readers, [name(&installed("bash"))]);
    run.assert_whole();
}

#[test]
fn a_memfd_by_fexecve_is_named_as_the_kernel_names_it() {
    let lab = Lab::new();
    let (run, exec) = nameless(&lab, "memfd", &lab.tester("witness"));
    assert_eq!(exec.text("exe"), "/memfd:secret");
    assert_eq!(own_path(&run), "/memfd:secret (deleted)");
    assert!(exec.text("file").starts_with("/dev/fd/"), "{exec:?}");
}

#[test]
fn a_memfd_by_execveat_with_an_empty_path_is_named_as_the_kernel_names_it() {
    let lab = Lab::new();
    let (run, exec) = nameless(&lab, "execveat", &lab.tester("witness"));
    assert_eq!(exec.text("exe"), "/memfd:secret");
    assert_eq!(own_path(&run), "/memfd:secret (deleted)");
    assert!(exec.text("file").starts_with("/dev/fd/"), "{exec:?}");
}

#[test]
fn a_program_deleted_before_its_exec_has_its_last_path() {
    let lab = Lab::new();
    let program = lab.work().join("gone");
    fs::copy(lab.tester("witness"), &program).expect("room");
    let inode = fs::metadata(&program).expect("it is there").ino();
    let (run, exec) = nameless(&lab, "deleted", &program);
    assert_eq!(exec.text("exe"), name(&program));
    assert_eq!(exec.number("exe_ino"), Some(inode));
    assert_eq!(own_path(&run), format!("{} (deleted)", program.display()));
}

#[test]
fn a_script_run_by_a_script_has_every_link_of_the_chain() {
    let lab = Lab::new();
    let (outer, inner) = (lab.work().join("outer"), lab.work().join("inner"));
    script(&inner, "#!/bin/sh\nexit 0\n");
    script(&outer, &format!("#!{} -x\nthis is no program of sh\n", inner.display()));
    let run = lab.run([outer.as_os_str(), "word".as_ref()]).succeed();
    run.assert_whole();
    let execs: Vec<_> = run.of("exec", "").collect();
    let [exec] = execs.as_slice() else { panic!("one exec: {execs:?}") };
    // What was asked for, what ran it in the end, and in argv all between, as the kernel put it.
    assert_eq!(exec.text("file"), name(&outer));
    assert_eq!(exec.text("interp"), "/bin/sh");
    assert_eq!(exec.text("exe"), name(&shell()));
    let chain = ["/bin/sh", name(&inner), "-x", name(&outer), "word"];
    assert_eq!(exec.list("argv"), chain);
    for file in [&outer, &inner, &shell()] {
        assert_eq!(run.at("exec", file).count(), 1, "{} was opened to be run", file.display());
    }
}

/// A format of binary files that the kernel gives to an interpreter, while this exists.
struct Format {
    mount: PathBuf,
    name: String,
}

impl Format {
    fn register(lab: &Lab, magic: &str, interpreter: &Path) -> Result<Format, String> {
        let mount = lab.root().join("formats");
        fs::create_dir(&mount).expect("room");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "binfmt_misc", "none"])
            .arg(&mount)
            .output()
            .expect("mount starts");
        if !mounted.status.success() {
            return Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned());
        }
        let name = format!("audit-x-{}", std::process::id());
        let line = format!(":{name}:M::{magic}::{}:", interpreter.display());
        let format = Format { mount, name };
        fs::write(format.mount.join("register"), line).map_err(|why| why.to_string())?;
        Ok(format)
    }
}

impl Drop for Format {
    fn drop(&mut self) {
        // Not there when it could not be registered.
        let _ = fs::write(self.mount.join(&self.name), "-1");
        // The recorder may still be letting go of it.
        let done = std::process::Command::new("umount").arg("--lazy").arg(&self.mount).status();
        assert!(done.is_ok_and(|status| status.success()), "{} stays", self.mount.display());
    }
}

#[test]
fn a_file_of_a_registered_format_has_its_interpreter() {
    let lab = Lab::new();
    let witness = lab.tester("witness");
    let magic = format!("AUDITX{}", std::process::id());
    let format = match Format::register(&lab, &magic, &witness) {
        Ok(format) => format,
        Err(why) => return not_run("binfmt_misc", &why),
    };
    let file = lab.work().join("image");
    script(&file, &format!("{magic} and more"));
    let run = lab.run([file.as_os_str(), "word".as_ref()]).succeed();
    drop(format);
    run.assert_whole();
    let execs: Vec<_> = run.of("exec", "").collect();
    let [exec] = execs.as_slice() else { panic!("one exec: {execs:?}") };
    assert_eq!(exec.text("file"), name(&file));
    assert_eq!(exec.text("interp"), name(&witness));
    assert_eq!(exec.text("exe"), name(&witness));
    assert_eq!(exec.list("argv"), [name(&witness), name(&file), "word"]);
    for file in [&file, &witness] {
        assert_eq!(run.at("exec", file).count(), 1, "{} was opened to be run", file.display());
    }
}

/// The dynamic loader that programs of this machine name.
fn loader() -> Option<PathBuf> {
    let known = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
    known.into_iter().find_map(|path| Path::new(path).canonicalize().ok())
}

#[test]
fn a_loader_used_as_a_launcher_tells_what_it_was_told_to_run() {
    let lab = Lab::new();
    let Some(loader) = loader() else { return not_run("ld.so as a launcher", "no glibc here") };
    let witness = lab.tester("witness");
    let words = [loader.as_os_str(), "--argv0".as_ref(), "innocent".as_ref(), witness.as_ref()];
    let run = lab.run(words).succeed();
    run.assert_whole();
    let execs: Vec<_> = run.of("exec", "").collect();
    let [exec] = execs.as_slice() else { panic!("one exec: {execs:?}") };
    assert_eq!(exec.text("exe"), name(&loader));
    assert!(exec.flag("loader"), "{exec:?}");
    assert_eq!(exec.text("launched"), name(&witness));
    assert!(run.at("read", &witness).count() >= 1, "the loader read it, no exec opened it");
    assert_eq!(run.at("exec", &witness).count(), 0);
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(printed.ends_with(&format!("{}\tinnocent\n", loader.display())), "{printed}");
    let page = lab.told(["query", run.id(), "--type", "exec"]);
    assert!(page.contains("a loader, told to run"), "{page}");
    // Of a program that the kernel loads by the same loader, there is nothing of the kind.
    let usual = lab.run([&witness]).succeed();
    let exec = usual.of("exec", "").next().expect("one");
    assert!(!exec.flag("loader") && exec.text("launched").is_empty(), "{exec:?}");
}

/// Rounds of the race; each is some milliseconds.
const ROUNDS: usize = 1_000;

#[test]
fn arguments_and_paths_rewritten_during_execve_are_recorded_as_the_program_got_them() {
    let lab = Lab::new();
    let racer = lab.tester("racer");
    let ends = ["1", "2"].map(|end| lab.work().join(format!("witness{end}")));
    for end in &ends {
        fs::copy(lab.tester("witness"), end).expect("room");
    }
    let witnessed = lab.work().join("witnessed");
    fs::write(&witnessed, "").expect("room");
    let rounds = ROUNDS.to_string();
    let words = [racer.as_os_str(), rounds.as_ref(), ends[0].as_ref(), ends[1].as_ref()];
    let mut run = lab.run(words);
    run.process.env("WITNESS", &witnessed);
    let run = run.succeed();
    run.assert_adds_up();
    assert_eq!(run.losses(), [], "lost events");
    let witnessed = fs::read_to_string(&witnessed).expect("text of ours");
    let expected: BTreeMap<String, Vec<&str>> = witnessed
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|fields| (fields.last().map(|round| (*round).to_owned()).expect("a round"), fields))
        .collect();
    assert_eq!((witnessed.lines().count(), expected.len()), (ROUNDS, ROUNDS));
    let torn = expected.values().filter(|fields| is_torn(fields[3])).count();
    assert!(torn > ROUNDS / 10, "only {torn} rounds were rewritten while they were read");
    let wrong: Vec<_> = run
        .of("exec", "")
        .filter(|event| event.text("exe") != name(&racer))
        .filter(|event| !is_as_witnessed(event, &expected))
        .collect();
    assert_eq!(wrong.len(), 0, "of {ROUNDS}; the first: {:?}", wrong.first());
    let execs = run.of("exec", "").count();
    assert_eq!(execs, ROUNDS + 1, "the racer, and each round");
}

/// Whether a word has letters of several turns.
fn is_torn(word: &str) -> bool {
    let first = word.chars().next();
    word.chars().any(|letter| Some(letter) != first)
}

/// Whether pid, program, name and arguments are what the program itself found.
fn is_as_witnessed(event: &Event, expected: &BTreeMap<String, Vec<&str>>) -> bool {
    let argv = event.list("argv");
    let Some(fields) = argv.last().and_then(|round| expected.get(*round)) else { return false };
    let [pid, exe, given @ ..] = fields.as_slice() else { return false };
    let path = event.text("exe");
    event.number("pid").is_some_and(|own| own.to_string() == *pid)
        && path == *exe
        && event.text("file") == path
        && argv == given
        && !event.flag("argv_cut")
}
