//! Places the marks for a process that still waits, and tells the record which mounts they cover.

use std::{io, os::fd::OwnedFd, rc::Rc};

use event::frame::{
    control::{Source, State},
    files::{KIND_MOUNT, Mount, coverage},
};
use fsmon::{Coverage, Gap, Kind, Monitor, Placed, Placement, Power, Scope};
use rustix::fs::{Mode, OFlags};
use zerocopy::IntoBytes;

use crate::{cgroup::read, clock, members::Members, segment::Writer, sensors::Sensors, statement};

/// Marks the mounts that process `pid` sees.
///
/// # Errors
/// Those of the system calls; without rights `EPERM` of fanotify_init(2).
pub(crate) fn mark(
    pid: u32,
    own_mounts: bool,
    writer: &mut Writer,
    sensors: &mut Sensors,
    members: &mut Members,
    power: Rc<dyn Power>,
) -> io::Result<Monitor> {
    let mut monitor = Monitor::with(power)?;
    let mountinfo = read(&format!("/proc/{pid}/mountinfo"))?;
    let scope = if own_mounts { Scope::Mount } else { Scope::Filesystem };
    let placement = monitor.begin(root_of(pid)?, &mountinfo, scope)?;
    tell(&placement, writer);
    leave_to_marks(&placement, scope, sensors);
    expect_execs(&placement, members);
    if let Ok(namespaces) = rustix::fs::stat("/proc/self/ns/mnt") {
        // No files, and opened by each that enters one.
        sensors.leave_to_marks(device(namespaces.st_dev), None);
    }
    Ok(monitor)
}

/// Opens the root directory of a process, in its mount namespace.
fn root_of(pid: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(format!("/proc/{pid}/root"), flags, Mode::empty())?)
}

/// Tells the record how each mount is watched.
pub(crate) fn tell_mounts(placement: &Placement, writer: &mut Writer) {
    let now = clock::boot_ns();
    for placed in &placement.mounts {
        tell_mount(placed, writer, now);
    }
}

/// What the first marks tell, nobody else needs to. What they do not, on purpose or because the kernel
/// refused them, is told when it is opened; and what is mounted later, for it may be gone again before
/// its marks are read.
fn leave_to_marks(placement: &Placement, scope: Scope, sensors: &mut Sensors) {
    for placed in &placement.mounts {
        if matches!(placed.access, Coverage::None(_)) {
            continue;
        }
        let mount = match scope {
            Scope::Filesystem => None,
            // Mounts have 32-bit numbers (fs/mount.h, mnt_id).
            Scope::Mount => u32::try_from(placed.mount.mount_id).ok(),
        };
        sensors.leave_to_marks(placed.mount.dev, mount);
    }
}

/// Says of which devices the groups tell what is executed, by a number that is known: before the first exec
/// does.
fn expect_execs(placement: &Placement, members: &mut Members) {
    for placed in &placement.mounts {
        if !event::handle::is_known(&placed.mount.fs_type) {
            continue;
        }
        for (group, coverage) in [(Kind::Access, placed.access), (Kind::Names, placed.names)] {
            if coverage == Coverage::Fid {
                members.expect_execs(placed.mount.dev, group);
            }
        }
    }
}

/// A device as the kernel has it, `major << 20 | minor`.
fn device(number: u64) -> u32 {
    rustix::fs::major(number) << 20 | rustix::fs::minor(number)
}

fn tell(placement: &Placement, writer: &mut Writer) {
    tell_mounts(placement, writer);
    for (source, gap, what) in [
        (Source::Access, access_gap as fn(&Placed) -> bool, "what is read and written"),
        (Source::Names, names_gap, "what is created, deleted and renamed"),
    ] {
        let mounts: Vec<String> = placement.mounts.iter().filter(|it| gap(it)).map(name).collect();
        if mounts.is_empty() {
            statement::source(writer, source, State::On, "");
        } else {
            let text = format!("{what} is not told of {}", mounts.join(", "));
            statement::source(writer, source, State::Degraded, &text);
        }
    }
}

/// A mount that should be watched and is not.
fn access_gap(placed: &Placed) -> bool {
    matches!(placed.access, Coverage::None(Gap::Refused { .. }))
}

/// A mount of files (not one of the kernel's own trees, whose names nobody changes) whose
/// directories cannot be watched.
fn names_gap(placed: &Placed) -> bool {
    matches!(placed.access, Coverage::Fid | Coverage::Fd) && !matches!(placed.names, Coverage::Fid)
}

fn name(placed: &Placed) -> String {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{} ({})", of(&placed.mount.mount_point), of(&placed.mount.fs_type))
}

fn tell_mount(placed: &Placed, writer: &mut Writer, now: u64) {
    let (how, reason) = match placed.access {
        Coverage::Fid => (coverage::FID, String::new()),
        Coverage::Fd => (coverage::FD, String::new()),
        Coverage::FdWrites => (coverage::FD, "only what is written".to_owned()),
        Coverage::None(gap) => (coverage::NONE, gap.to_string()),
    };
    let Placed { mount, fsid, .. } = placed;
    let len = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(0);
    let point = mount.mount_point.get(..usize::from(u16::MAX)).unwrap_or(&mount.mount_point);
    let root = mount.root.get(..usize::from(u16::MAX)).unwrap_or(&mount.root);
    let frame = Mount {
        mount_id: mount.mount_id,
        fsid: fsid.unwrap_or_default(),
        dev: mount.dev,
        coverage: how,
        fs_type_len: len(&mount.fs_type),
        point_len: len(point),
        reason_len: len(reason.as_bytes()),
        root_len: len(root),
    };
    let parts = [frame.as_bytes(), &mount.fs_type, point, reason.as_bytes(), root];
    writer.control(KIND_MOUNT, now, &parts);
}
