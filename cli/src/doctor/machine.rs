//! Checks that read what the machine says of itself.

use std::{fs, path::Path};

use event::install::GROUP;

use super::{Check, State, mend::Mend};
use crate::installed::{self, Installed};

/// Looks at kernel, rights, cgroups and mounts.
pub(super) fn checks() -> Vec<Check> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mut checks = vec![
        kernel(Path::new("/sys/kernel/btf/vmlinux").exists()),
        rights(&installed::look(), rustix::process::geteuid().as_raw()),
    ];
    checks.extend(no_new_privs(&status));
    checks.push(cgroup(&mounts));
    checks.push(propagation(&mounts));
    checks
}

fn kernel(btf: bool) -> Check {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy().into_owned();
    if btf {
        return Check::new("kernel", State::Ok, format!("{release}, with type information (BTF)"));
    }
    Check::new("kernel", State::Fail, format!("{release}, without type information (BTF)"))
        .fix("use a kernel built with CONFIG_DEBUG_INFO_BTF (all current distributions)")
}

/// Who would record, and how far its records would be out of the command's reach.
fn rights(installed: &Installed, uid: u32) -> Check {
    let fail = |why: &str| Check::new("rights", State::Fail, format!("uid {uid}: {why}"));
    match installed {
        Installed::NotForRoot => Check::new("rights", State::Ok, "root; trust of records: direct"),
        Installed::Ready => {
            let detail = format!("uid {uid}, by the installed recorder; trust of records: sealed");
            Check::new("rights", State::Ok, detail)
        }
        Installed::Absent => fail("the recorder is not installed for ordinary users")
            .fix("sudo audit setup --user $USER, and log in again")
            .mended_by(Mend::SetUp),
        Installed::NotMember => fail("not in the group of those who may record")
            .fix(format!("sudo usermod -aG {GROUP} $USER, and log in again"))
            .mended_by(Mend::SetUp),
        Installed::NoEffect(why) => fail(&format!("{why}: the installed recorder has no effect"))
            .fix("start audit outside, around what is started in here"),
    }
}

/// Told only when it is set: set-uid programs and file capabilities are then without effect.
fn no_new_privs(status: &str) -> Option<Check> {
    installed::has_no_new_privs(status).then(|| {
        Check::new("no_new_privs", State::Warn, "set here: sudo has no effect in this sandbox")
            .fix("start audit outside the sandbox, around the agent")
    })
}

/// One line of `/proc/self/mountinfo`, as far as it is looked at (proc_pid_mountinfo(5)).
struct Mount<'a> {
    point: &'a [u8],
    shared: bool,
    fs_type: &'a [u8],
}

fn mounts(mountinfo: &[u8]) -> impl Iterator<Item = Mount<'_>> {
    mountinfo.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = line.split(|byte| *byte == b' ');
        let point = words.nth(4)?;
        let mut optional = words.by_ref().skip(1).take_while(|word| *word != b"-");
        let shared = optional.by_ref().any(|word| word.starts_with(b"shared:"));
        // `any` may have stopped before the dash.
        optional.for_each(drop);
        Some(Mount { point, shared, fs_type: words.next()? })
    })
}

fn cgroup(mountinfo: &[u8]) -> Check {
    let found = mounts(mountinfo).find(|mount| mount.fs_type == b"cgroup2");
    match found {
        Some(mount) => {
            let point = String::from_utf8_lossy(mount.point);
            let kind = if mounts(mountinfo).any(|mount| mount.fs_type == b"cgroup") {
                "hybrid"
            } else {
                "unified"
            };
            Check::new("cgroup v2", State::Ok, format!("{kind}, mounted on {point}"))
        }
        None => Check::new("cgroup v2", State::Fail, "not mounted")
            .fix("sudo mount -t cgroup2 none /sys/fs/cgroup")
            .mended_by(Mend::MountCgroups),
    }
}

fn propagation(mountinfo: &[u8]) -> Check {
    let detail = match mounts(mountinfo).filter(|mount| mount.point == b"/").last() {
        Some(mount) if mount.shared => "/ is shared: commands get a mount namespace of their own",
        Some(_) => "/ is private: commands of root keep the mount namespace of the caller",
        None => "unknown: /proc/self/mountinfo has no /",
    };
    Check::new("mounts", State::Ok, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 0:25 / /sys/fs/cgroup ro shared:9 master:2 - tmpfs tmpfs ro\n\
        31 30 0:26 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw\n\
        32 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";

    #[test]
    fn a_hybrid_hierarchy_is_found_where_it_is() {
        let check = cgroup(HYBRID);
        assert_eq!(check.state, State::Ok);
        assert_eq!(check.detail, "hybrid, mounted on /sys/fs/cgroup/unified");
        assert_eq!(cgroup(b"").state, State::Fail);
    }

    #[test]
    fn the_root_that_is_mounted_last_decides() {
        assert!(propagation(HYBRID).detail.starts_with("/ is shared"));
        let private = [HYBRID, b"40 22 8:2 / / rw - ext4 /dev/sdb rw\n"].concat();
        assert!(propagation(&private).detail.starts_with("/ is private"));
    }

    #[test]
    fn no_new_privs_is_told_only_when_set() {
        assert_eq!(no_new_privs("Name:\tx\nNoNewPrivs:\t0\n"), None);
        let set = no_new_privs("NoNewPrivs:\t1\n").expect("it is set");
        assert_eq!(set.state, State::Warn);
        assert!(set.fix.is_some());
    }

    #[test]
    fn any_bytes_are_mounts_or_none() {
        for bytes in [&b"\xff\n - \n"[..], b"1 2 3 4", b"1 2 3 4 / -", b"1 2 3 4 / rw a b c d"] {
            assert!(mounts(bytes).count() <= 1);
        }
    }
}
