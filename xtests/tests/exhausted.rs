//! Where nothing is left to be had, descriptors, processes, the working directory, the command is either
//! not started, with a reason, or runs as if it were alone; with `--on-error run` it runs in any case.
#![forbid(unsafe_code)]

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use xtests::{Lab, installed::Installed, not_run};

/// A caller's script in which `$AUDIT` stands for the program.
fn shell(lab: &Lab, script: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).current_dir(lab.work()).env("AUDIT", lab.program("audit"));
    shell.env("AUDIT_HOME", lab.home()).env("AUDIT_NO_BUILTIN", "1").env_remove("CI");
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

/// The command says `ran` and exits with 7. Returns whether it was recorded; it may be refused.
fn recorded_or_refused(output: &Output, what: &str) -> bool {
    let ran = String::from_utf8_lossy(&output.stdout).contains("ran");
    match output.status.code() {
        Some(7) if ran => true,
        Some(125) if !ran && said(output).contains("audit") => false,
        other => panic!("{what}: {other:?}, ran {ran}: {}", said(output)),
    }
}

#[test]
fn in_a_directory_that_is_gone_a_command_runs_and_is_recorded() {
    let lab = Lab::new();
    let script =
        "mkdir gone; cd gone; rmdir ../gone; \"$AUDIT\" run --strict -- sh -c 'echo ran; exit 7'";
    let output = shell(&lab, script).output().expect("bash starts");
    assert!(recorded_or_refused(&output, "gone"), "{}", said(&output));
    assert_eq!(lab.runs().len(), 1);
}

/// From too few for anything to enough: the command has the limit of its caller, or does not run.
#[test]
fn with_few_descriptors_a_command_is_recorded_or_refused_and_keeps_its_limit() {
    let lab = Lab::new();
    let (mut recorded, mut refused) = (0, 0);
    for limit in [4, 6, 8, 10, 12, 16, 20, 24, 32, 64, 256] {
        let script = format!(
            "ulimit -n {limit}; exec \"$AUDIT\" run -- sh -c 'test $(ulimit -n) = {limit} && echo ran; exit 7'"
        );
        let output = shell(&lab, &script).output().expect("bash starts");
        // The loader of programs needs one itself: then nobody of us is there to say why.
        if output.status.code() == Some(127) && said(&output).contains("shared libraries") {
            refused += 1;
            continue;
        }
        match recorded_or_refused(&output, &format!("{limit} descriptors")) {
            true => recorded += 1,
            false => refused += 1,
        }
    }
    assert!(recorded > 0, "{refused} refused");
    let script = "ulimit -n 8; exec \"$AUDIT\" run --on-error run -- sh -c 'echo ran; exit 7'";
    let output = shell(&lab, script).output().expect("bash starts");
    assert!(recorded_or_refused(&output, "--on-error run"), "{}", said(&output));
}

/// An ordinary user who may have no more processes, with the installed recorder.
#[test]
fn with_few_processes_for_a_user_a_command_is_recorded_or_refused() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["audit-x-few"]);
    let user = installed.user(0);
    let mut recorded = 0;
    for limit in [1, 2, 3, 4, 6, 10, 40] {
        for (flag, must) in [("fail", false), ("run", true)] {
            let script = format!(
                "ulimit -u {limit}; exec {} run --on-error {flag} -- /bin/sh -c 'echo ran; exit 7'",
                lab.program("audit").display()
            );
            let output = installed.command(user, "bash").args(["-c", &script]).output();
            let ran = recorded_or_refused(
                &output.expect("setpriv starts"),
                &format!("{limit} processes, {flag}"),
            );
            assert!(ran || !must, "{limit}: --on-error run did not run it");
            recorded += usize::from(ran);
        }
    }
    assert!(recorded > 7, "with enough it is recorded");
}

/// The limit of open files of the whole machine (`fs.file-max`, proc_sys_fs(5)), which root does not feel. It is
/// put back by a shell that waits for our end, whatever that is.
struct OpenFiles(Child);

impl OpenFiles {
    const MAX: &str = "/proc/sys/fs/file-max";

    fn limit() -> OpenFiles {
        let before = fs::read_to_string(OpenFiles::MAX).expect("a number");
        let mut shell = Command::new("sh");
        shell.args(["-c", "read -r end; echo \"$0\" >\"$1\"", before.trim(), OpenFiles::MAX]);
        OpenFiles(shell.stdin(Stdio::piped()).spawn().expect("sh starts"))
    }

    /// Lets `more` be opened than are open now.
    fn leave(&self, more: u64) {
        let now = fs::read_to_string("/proc/sys/fs/file-nr").expect("numbers");
        let now: u64 = now.split_whitespace().next().expect("three").parse().expect("a number");
        fs::write(OpenFiles::MAX, (now + more).to_string()).expect("root may");
    }
}

impl Drop for OpenFiles {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn with_few_open_files_left_in_the_machine_a_user_is_recorded_or_refused() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["audit-x-files"]);
    let user = installed.user(0);
    let (mut recorded, mut refused) = (0, 0);
    let limits = OpenFiles::limit();
    for more in [0, 4, 8, 12, 16, 24, 32, 48, 64, 128, 2048] {
        limits.leave(more);
        let mut command = installed.command(user, lab.program("audit"));
        let output = command.args(["run", "--", "/bin/sh", "-c", "echo ran; exit 7"]).output();
        let output = output.expect("setpriv starts");
        let ran = output.stdout == b"ran\n";
        match output.status.code() {
            Some(7) if ran => recorded += 1,
            // Alone it would not have started either; or it is we who say that it was not.
            Some(125..=127) if !ran && !output.stderr.is_empty() => refused += 1,
            other => panic!("{more} files: {other:?}, ran {ran}: {}", said(&output)),
        }
    }
    drop(limits);
    assert!(recorded > 0 && refused > 0, "{recorded} recorded, {refused} refused");
    for run in installed.runs(user) {
        let id = run.file_name().expect("a name").to_owned();
        let verified = installed.ask(user, [OsStr::new("verify"), &id]);
        // 2: it ends without a seal, and says so.
        assert!(matches!(verified.status.code(), Some(0 | 2)), "{}", said(&verified));
    }
}

/// A cgroup of the pids controller, wherever that is mounted.
struct Pids(PathBuf);

impl Pids {
    /// One of its own for each limit: who has ended counts until init has waited for it.
    fn make(lab: &Lab, limit: u32) -> Option<Pids> {
        let name = lab.root().file_name()?.to_str()?;
        let dir = Path::new("/sys/fs/cgroup/pids").join(format!("{name}-{limit}"));
        fs::create_dir(&dir).ok()?;
        dir.join("pids.max").exists().then_some(Pids(dir))
    }
}

impl Drop for Pids {
    fn drop(&mut self) {
        xtests::wait::until_true("an empty cgroup", || fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn with_few_processes_in_a_cgroup_a_command_is_recorded_or_refused() {
    let lab = Lab::new();
    let mut recorded = 0;
    for limit in 1..=8 {
        let Some(pids) = Pids::make(&lab, limit) else {
            return not_run("few processes in a cgroup", "no pids controller to make a cgroup of");
        };
        fs::write(pids.0.join("pids.max"), limit.to_string()).expect("it is ours");
        let script = format!(
            "echo $$ >{}/cgroup.procs; exec \"$AUDIT\" run -- /bin/sh -c 'echo ran; exit 7'",
            pids.0.display()
        );
        let output = shell(&lab, &script).output().expect("bash starts");
        recorded += usize::from(recorded_or_refused(&output, &format!("{limit} processes")));
        let procs = pids.0.join("cgroup.procs");
        let empty = || fs::read_to_string(&procs).is_ok_and(|list| list.is_empty());
        xtests::wait::until_true("the end of all", empty);
    }
    assert!(recorded > 0, "with enough it is recorded");
}
