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

/// The packages, made of `audit` without what only debuggers read, and of a word in place of the
/// recorder: they are to be packed, not to record.
fn packages(lab: &Lab) -> PathBuf {
    let (dist, built) = (lab.root().join("dist"), lab.root().join("built"));
    fs::create_dir_all(&built).expect("room");
    let strip =
        Command::new("strip").arg("-o").arg(built.join("audit")).arg(lab.program("audit")).status();
    assert!(strip.expect("binutils").success());
    let recorder = built.join("audit-supervisor");
    fs::write(&recorder, "#!/bin/sh\n").expect("room");
    fs::set_permissions(&recorder, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut make = Command::new(repository().join("packaging/package.sh"));
    let made = make.arg(&dist).env("AUDIT_BUILT", &built).output().expect("a shell");
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

fn tarball(dist: &Path) -> PathBuf {
    let mut all =
        fs::read_dir(dist).expect("it reads").map(|entry| entry.expect("it reads").path());
    all.find(|path| path.extension().is_some_and(|end| end == "gz")).expect("a tarball")
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

const SHIPPED: [&str; 8] = [
    "usr/bin/audit",
    "usr/lib/audit-run/audit-supervisor",
    "usr/share/man/man1/audit.1.gz",
    "usr/share/man/man1/audit-run.1.gz",
    "usr/share/bash-completion/completions/audit",
    "usr/share/zsh/vendor-completions/_audit",
    "usr/share/fish/vendor_completions.d/audit.fish",
    "usr/share/doc/audit-run/README.md",
];

#[test]
fn the_tarball_installs_what_it_has_and_takes_it_back() {
    let lab = Lab::new();
    packages(&lab);
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
    let dist = packages(&lab);
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
    let dist = packages(&lab);
    let deb = fs::read_dir(&dist).expect("it reads").map(|entry| entry.expect("it reads").path());
    let Some(deb) = deb.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb"))
    else {
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
fn the_same_programs_make_the_same_packages() {
    let lab = Lab::new();
    let sums = || fs::read_to_string(packages(&lab).join("SHA256SUMS")).expect("it reads");
    let first = sums();
    fs::remove_dir_all(lab.root().join("dist")).expect("it is ours");
    assert_eq!(first, sums());
    assert!(first.lines().count() >= 1, "{first}");
}
