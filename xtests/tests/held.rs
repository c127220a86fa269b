//! What a process with rights that its user has not does is held back from the user's record: neither names
//! of files, nor arguments, addresses or hosts stand anywhere in it. That it ran, when, and how much is held
//! back does (docs/security.md, "What is held back").
#![forbid(unsafe_code)]

use std::{
    ffi::OsStr,
    fs::{self, Permissions},
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use xtests::{
    Lab, Recorded,
    installed::{Installed, STORE, SUPERVISOR, User},
};

/// In the name of every file, argument and host that the tester uses by its rights.
const SECRET: &str = "unspoken";

/// A program that may more than who starts it, and a place that is for it alone.
struct Beyond {
    program: PathBuf,
    shut: PathBuf,
    /// Who is listening where it connects to.
    listener: TcpListener,
}

impl Beyond {
    /// Makes both, the directory open to nobody but `group` and root.
    fn new(lab: &Lab, name: &str, group: u32) -> Beyond {
        let place = lab.root().join(name);
        let shut = place.join(format!("{SECRET}-place"));
        fs::create_dir_all(&shut).expect("room");
        let program = place.join("helper");
        fs::copy(lab.tester("beyond"), &program).expect("room");
        let inner = shut.join(format!("{SECRET}-program"));
        fs::copy(lab.nothing(), &inner).expect("room");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let guide = place.join("guide");
        let words = format!("{} {} {SECRET} {port} 53\n", shut.display(), inner.display());
        fs::write(&guide, words).expect("room");
        let file = shut.join(format!("{SECRET}-read"));
        fs::write(&file, "x").expect("room");
        for (path, mode) in [(&shut, 0o750), (&guide, 0o640), (&file, 0o640), (&inner, 0o750)] {
            chown(path, Some(0), Some(group)).expect("ours");
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
        }
        Beyond { program, shut, listener }
    }

    fn secret(&self, name: &str) -> PathBuf {
        self.shut.join(format!("{SECRET}-{name}"))
    }
}

/// Where below `dir` the word is, with what stands around it.
fn told_in(dir: &Path) -> String {
    let around = format!(".{{0,40}}{SECRET}.{{0,40}}");
    let found = Command::new("grep").env("LC_ALL", "C").args(["-raoE", &around]).arg(dir).output();
    String::from_utf8_lossy(&found.expect("grep starts").stdout).into_owned()
}

/// The word is nowhere in the user's record, nor in what was derived from it.
fn nothing_is_told(user: &User, run: &Recorded) {
    for dir in [Path::new(STORE).join(user.uid.to_string()), user.home.join(".cache")] {
        assert_eq!(told_in(&dir), "");
    }
    assert!(!run.errors().contains(SECRET), "{}", run.errors());
}

fn held(run: &Recorded, source: &str) -> u64 {
    let losses = run.losses().into_iter();
    losses.filter(|it| it.source == source && it.cause == "held_back").map(|it| it.count).sum()
}

/// Nothing but what is held back is missing.
fn all_else_is_whole(run: &Recorded) {
    assert_eq!(run.verdict(), "partial");
    for reason in run.reasons() {
        assert!(reason.contains("held back"), "{reason}");
    }
}

/// The arguments of a shell that the program executes with its caller's rights: its child reads `own`.
fn afterwards(own: &Path) -> [String; 3] {
    ["/bin/sh".into(), "-c".into(), format!("cat {}; true", own.display())]
}

fn words(program: &Path, rest: &[String]) -> Vec<String> {
    [program.display().to_string()].into_iter().chain(rest.iter().cloned()).collect()
}

/// Records the program as that user. What happened is told, what it did is not, and what its user's own
/// programs did is.
fn held_from(installed: &Installed<'_>, user: &User, beyond: &Beyond) -> Recorded {
    let own = user.home.join("own");
    fs::write(&own, "y").expect("room");
    chown(&own, Some(user.uid), None).expect("ours");
    let command = words(&beyond.program, &afterwards(&own));
    let run = installed.record(user, &command);
    assert!(run.status.success(), "{}", run.errors());
    assert_eq!(run.stdout, b"y");
    nothing_is_told(user, &run);
    all_else_is_whole(&run);
    // The user's own program was told to execute it, with words of the user's.
    let [exec] = run.execs_of(&beyond.program).collect::<Vec<_>>()[..] else { panic!("one exec") };
    assert!(exec.flag("held_back") && !exec.flag("words_held"), "{exec:?}");
    assert_eq!(exec.list("argv"), command);
    // From its exec on the user's own shell is the user's.
    let [exec] =
        run.execs_of(&fs::canonicalize("/bin/sh").expect("a shell")).collect::<Vec<_>>()[..]
    else {
        panic!("one exec of the shell")
    };
    assert!(!exec.flag("held_back"), "{exec:?}");
    assert_eq!(run.at("read", &own).count(), 1, "what its cat read");
    assert!(held(&run, "access") > 0 && held(&run, "opens") > 0, "{:?}", run.losses());
    assert!(held(&run, "network") > 0 && held(&run, "hosts") > 0, "{:?}", run.losses());
    run
}

/// What such a program executed with its rights is told without words; of all the end is told.
fn children_are_told(run: &Recorded) {
    // What it executed itself is told without words.
    let [exec] = run.execs_of(Path::new("/usr/bin/true")).collect::<Vec<_>>()[..] else {
        panic!("one exec of true")
    };
    assert!(exec.flag("held_back") && exec.flag("words_held"), "{exec:?}");
    assert!(exec.list("argv").is_empty() && exec.bytes("cwd").is_none(), "{exec:?}");
    // A program where only it may look has no path, but a number.
    let nameless = |exec: &&xtests::Event| exec.flag("words_held") && exec.text("exe").is_empty();
    let [exec] = run.of("exec", "").filter(nameless).collect::<Vec<_>>()[..] else {
        panic!("one exec without a path")
    };
    assert!(exec.number("exe_ino").is_some(), "{exec:?}");
    // Both children, the shell that it became, and its cat.
    assert_eq!(run.number_of("process", "exit"), 4);
}

#[test]
fn what_a_set_uid_program_does_is_held_back_from_its_user_and_not_from_root() {
    let lab = Lab::new();
    let beyond = Beyond::new(&lab, "set-uid", 0);
    let root = lab.run(words(&beyond.program, &[])).succeed();
    root.assert_whole();
    for name in ["read", "made", "program"] {
        assert!(root.mentions(beyond.secret(name).to_str().expect("UTF-8")), "{name}");
    }
    for word in ["unspoken-memory", "unspoken-socket", "--unspoken-word", "127.0.0.78"] {
        assert!(root.mentions(word), "{word}");
    }
    let hosts: Vec<&str> = root.of("net", "").map(|it| it.text("host")).collect();
    assert!(hosts.contains(&"unspoken.test"), "{hosts:?}");

    fs::set_permissions(&beyond.program, Permissions::from_mode(0o4755)).expect("ours");
    let installed = Installed::new(&lab, &["auditx1"]);
    let run = held_from(&installed, installed.user(0), &beyond);
    children_are_told(&run);
    assert!(!run.mentions("127.0.0.78"));
    assert!(held(&run, "names") > 0 && held(&run, "calls") > 0, "{:?}", run.losses());
    drop(beyond.listener);
}

#[test]
fn what_a_set_gid_program_or_one_with_file_capabilities_reads_is_held_back() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1", "auditx2"]);
    // The group of a user that the first one is not in.
    let gid = number_of_group(&installed.user(1).name);
    let beyond = Beyond::new(&lab, "set-gid", gid);
    chown(&beyond.program, Some(0), Some(gid)).expect("ours");
    fs::set_permissions(&beyond.program, Permissions::from_mode(0o2755)).expect("ours");
    children_are_told(&held_from(&installed, installed.user(0), &beyond));

    let beyond = Beyond::new(&lab, "capable", 0);
    let set = Command::new("setcap").arg("cap_dac_read_search=ep").arg(&beyond.program).status();
    assert!(set.expect("setcap starts").success());
    held_from(&installed, installed.user(0), &beyond);
}

#[test]
fn nothing_that_a_user_can_do_alone_holds_anything_back() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let user = installed.user(0);
    let seen = user.home.join("seen");
    fs::write(&seen, "x").expect("room");
    let hider = lab.tester("hider");
    let check = |how: &str, words: &[&OsStr]| {
        let run = installed.record(user, words);
        assert!(run.status.success(), "{how}: {}", run.errors());
        assert_eq!(run.losses(), [], "{how}");
        assert!(run.at("read", &seen).count() > 0, "{how}: the file that was read");
        assert!(run.of("exec", "").all(|exec| !exec.flag("held_back")), "{how}");
    };
    let (hider_word, seen_word) = (hider.as_os_str(), seen.as_os_str());
    check("not dumpable", &[hider_word, "dumpable".as_ref(), seen_word]);
    check("another group", &[hider_word, "group".as_ref(), seen_word]);
    if Command::new("setpriv")
        .args(["--reuid=65534", "unshare", "-Ur", "true"])
        .status()
        .is_ok_and(|it| it.success())
    {
        let script = format!("cat {}", seen.display());
        check(
            "user namespace",
            &["unshare".as_ref(), "-Ur".as_ref(), "sh".as_ref(), "-c".as_ref(), script.as_ref()],
        );
    } else {
        xtests::not_run(
            "held: a user namespace of one's own",
            "ordinary users may not make one here",
        );
    }
    // A set-gid program of one of the user's own groups gives nothing that the user has not.
    let own = user.home.join("own-group");
    fs::copy(&hider, &own).expect("room");
    let group = number_of_group("audit");
    chown(&own, Some(user.uid), Some(group)).expect("ours");
    fs::set_permissions(&own, Permissions::from_mode(0o2755)).expect("ours");
    check("a group of its own", &[own.as_os_str(), "nothing".as_ref(), seen_word]);
}

fn number_of_group(name: &str) -> u32 {
    let groups = fs::read_to_string("/etc/group").expect("groups");
    let line = groups.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("a group");
    line.split(':').nth(2).and_then(|gid| gid.parse().ok()).expect("a number")
}

#[test]
fn a_front_that_calls_the_machines_mounts_its_own_learns_nothing_of_others() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let user = installed.user(0);
    let mut front = installed.command(user, lab.tester("misuse"));
    let front = front.args(["own mounts", SUPERVISOR]).stdin(Stdio::piped());
    let mut front = front.spawn().expect("it starts");
    let mut said = BufReader::new(front.stdout.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "armed\n");
    let place = lab.root().join(format!("{SECRET}-of-root"));
    fs::create_dir(&place).expect("room");
    fs::write(place.join("file"), "x").expect("room");
    assert_eq!(fs::read(place.join("file")).expect("ours"), b"x");
    front.stdin.take().expect("a pipe").write_all(b"go\n").expect("it reads");
    line.clear();
    said.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "ended 0\n");
    front.wait().expect("it ends");
    assert_eq!(installed.runs(user).len(), 1, "it was recorded");
    assert_eq!(told_in(Path::new(STORE)), "");
}
