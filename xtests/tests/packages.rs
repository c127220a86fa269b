//! What a release ships: it installs, is what its checksums say, and goes without a trace.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use xtests::Lab;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the repository")
}

/// The packages, made of `audit` and of a word in place of the recorder: they are to be packed, not to
/// record.
fn packages(lab: &Lab, forms: &str) -> PathBuf {
    let recorder = lab.root().join("built/audit-supervisor");
    fs::create_dir_all(lab.root().join("built")).expect("room");
    fs::write(&recorder, "#!/bin/sh\n").expect("room");
    fs::set_permissions(&recorder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    packed(lab, forms, &["audit", "audit-ship"])
}

/// The packages, made of these programs, without what only debuggers read, and what is there already.
fn packed(lab: &Lab, forms: &str, programs: &[&str]) -> PathBuf {
    let (dist, built) = (lab.root().join("dist"), lab.root().join("built"));
    fs::create_dir_all(&built).expect("room");
    for program in programs {
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(built.join(program)).arg(lab.program(program));
        assert!(strip.status().expect("binutils").success());
    }
    let mut make = Command::new(repository().join("packaging/package.sh"));
    let made = make
        .arg(&dist)
        .env("AUDIT_BUILT", &built)
        .env("AUDIT_PACKAGES", forms)
        .output()
        .expect("a shell");
    assert!(made.status.success(), "{}", errors(&made));
    dist
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Files below `root`, as paths from there.
fn files(root: &Path) -> BTreeSet<String> {
    let (mut found, mut dirs) = (BTreeSet::new(), vec![root.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("it reads").map(|entry| entry.expect("it reads")) {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let below = path.strip_prefix(root).expect("it is below");
                found.insert(below.to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found
}

/// The package in `dist` with this ending.
fn package(dist: &Path, end: &str) -> Option<PathBuf> {
    let mut all =
        fs::read_dir(dist).expect("it reads").map(|entry| entry.expect("it reads").path());
    all.find(|path| path.extension().is_some_and(|own| own == end))
}

fn tarball(dist: &Path) -> PathBuf {
    package(dist, "gz").expect("a tarball")
}

/// The installer of the tarball in `dist`, into `root`.
fn install(lab: &Lab, root: &Path, words: &[&str]) -> Output {
    let unpacked = lab.root().join("unpacked");
    if !unpacked.exists() {
        fs::create_dir(&unpacked).expect("room");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(&unpacked).arg("-xzf").arg(tarball(&lab.root().join("dist")));
        assert!(tar.status().expect("tar").success());
    }
    let folder =
        fs::read_dir(&unpacked).expect("it reads").next().expect("a folder").expect("it reads");
    let mut install = Command::new(folder.path().join("install.sh"));
    install.args(words).env("DESTDIR", root).output().expect("a shell")
}

const SHIPPED: [&str; 10] = [
    "usr/bin/audit",
    "usr/lib/audit-run/audit-ship",
    "usr/lib/audit-run/audit-supervisor",
    "usr/share/man/man1/audit.1.gz",
    "usr/share/man/man1/audit-run.1.gz",
    "usr/share/man/man1/audit-ship.1.gz",
    "usr/share/bash-completion/completions/audit",
    "usr/share/zsh/vendor-completions/_audit",
    "usr/share/fish/vendor_completions.d/audit.fish",
    "usr/share/doc/audit-run/README.md",
];

#[test]
fn the_tarball_installs_what_it_has_and_takes_it_back() {
    let lab = Lab::new();
    packages(&lab, "tarball");
    let root = lab.root().join("root");
    fs::create_dir(&root).expect("room");
    let installed = install(&lab, &root, &["--no-setup"]);
    assert!(installed.status.success(), "{}", errors(&installed));
    let there = files(&root);
    for file in SHIPPED {
        assert!(there.contains(file), "{file} is missing: {there:?}");
    }
    let version =
        Command::new(root.join("usr/bin/audit")).arg("--version").output().expect("it runs");
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("audit "), "{version:?}");
    let undone = install(&lab, &root, &["--undo"]);
    assert!(undone.status.success(), "{}", errors(&undone));
    assert_eq!(files(&root), BTreeSet::new());
}

#[test]
fn a_download_that_is_not_what_its_checksum_says_is_not_installed() {
    let lab = Lab::new();
    let dist = packages(&lab, "tarball");
    let from = format!("file://{}", dist.display());
    let root = lab.root().join("root");
    fs::create_dir(&root).expect("room");
    let good = install(&lab, &root, &["--no-setup", "--from", &from]);
    assert!(good.status.success(), "{}", errors(&good));
    assert!(files(&root).contains("usr/bin/audit"));
    assert!(install(&lab, &root, &["--undo"]).status.success());
    let other = install(&lab, &root, &["--no-setup", "--from", &from, "--sha256", &"0".repeat(64)]);
    assert!(
        !other.status.success() && errors(&other).contains("is not what its checksum says"),
        "{other:?}"
    );
    let path = tarball(&dist);
    let mut bytes = fs::read(&path).expect("it reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("room");
    let bad = install(&lab, &root, &["--no-setup", "--from", &from]);
    assert!(
        !bad.status.success() && errors(&bad).contains("is not what its checksum says"),
        "{bad:?}"
    );
    assert_eq!(files(&root), BTreeSet::new());
}

#[test]
fn the_debian_package_holds_the_same_and_sets_the_recorder_up() {
    let lab = Lab::new();
    let dist = packages(&lab, "debian");
    let Some(deb) = package(&dist, "deb") else {
        return xtests::not_run("the Debian package", "dpkg-deb is not installed");
    };
    let ask = |words: &[&str]| {
        let output = Command::new("dpkg-deb").args(words).arg(&deb).output().expect("dpkg-deb");
        assert!(output.status.success(), "{}", errors(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let list = ask(&["--contents"]);
    for file in SHIPPED {
        let own = list.lines().find(|line| line.ends_with(&format!(" ./{file}")));
        assert!(own.is_some_and(|line| line.contains(" root/root ")), "{file}: {list}");
    }
    assert!(!list.contains("rws"), "nothing is set-uid before the set-up: {list}");
    let about = ask(&["--info"]);
    assert!(about.contains("Package: audit-run") && about.contains("postinst"), "{about}");
}

#[test]
fn the_rpm_package_holds_the_same_and_sets_the_recorder_up() {
    let lab = Lab::new();
    let Some(rpm) = package(&packages(&lab, "rpm"), "rpm") else {
        return xtests::not_run("the RPM package", "rpmbuild is not installed");
    };
    let ask = |words: &[&str]| {
        let output = Command::new("rpm").args(words).arg(&rpm).output().expect("rpm");
        assert!(output.status.success(), "{}", errors(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let list = ask(&["-qlvp"]);
    for file in SHIPPED {
        let own = list.lines().find(|line| line.ends_with(&format!(" /{file}")));
        let owner = own.is_some_and(|line| line.split_whitespace().nth(2) == Some("root"));
        assert!(owner, "{file}: {list}");
    }
    assert!(!list.contains("rws"), "nothing is set-uid before the set-up: {list}");
    let scripts = ask(&["-qp", "--scripts"]);
    assert!(scripts.contains("audit setup --undo"), "{scripts}");
}

/// Where a clean root was made before (`make package-test`); else the long form makes it.
#[test]
fn in_a_clean_root_the_debian_package_records_and_goes_without_a_trace_but_the_runs() {
    let lab = Lab::new();
    let Some(deb) =
        package(&packed(&lab, "debian", &["audit", "audit-ship", "audit-supervisor"]), "deb")
    else {
        return xtests::not_run("the Debian package", "dpkg-deb is not installed");
    };
    let mut attempt = Command::new(repository().join("packaging/try-debian.sh"));
    attempt.args((!xtests::long()).then_some("--cached"));
    let tried = attempt.arg(deb).output().expect("a shell");
    let said = errors(&tried);
    if tried.status.code() == Some(77) {
        let why = said.trim().rsplit("not run: ").next().unwrap_or_default();
        return xtests::not_run("the Debian package in a clean root", why);
    }
    assert!(tried.status.success(), "{said}");
    for claim in ["ana recorded: ", "nothing is left but the run", "the run verifies, and ana"] {
        assert!(said.contains(claim), "{claim}: {said}");
    }
}

#[test]
fn the_programs_in_the_kernel_are_the_same_bytes_again_also_for_arm64() {
    let tried = Command::new(repository().join("bpf/again.sh")).output().expect("a shell");
    if tried.status.code() == Some(77) {
        return xtests::not_run("the BPF programs compiled again", errors(&tried).trim());
    }
    let said = String::from_utf8_lossy(&tried.stdout);
    assert!(tried.status.success(), "{said}{}", errors(&tried));
    assert_eq!(said.matches("twice the same").count(), 8, "four programs for two machines: {said}");
}

#[test]
fn the_same_programs_make_the_same_packages() {
    let lab = Lab::new();
    let sums = || {
        fs::read_to_string(packages(&lab, "tarball debian rpm").join("SHA256SUMS"))
            .expect("it reads")
    };
    let first = sums();
    fs::remove_dir_all(lab.root().join("dist")).expect("it is ours");
    assert_eq!(first, sums());
    assert!(first.lines().count() >= 1, "{first}");
}
