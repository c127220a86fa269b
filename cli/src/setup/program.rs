//! The recorder itself: copied, owned by its user, set-uid, with capabilities that it must raise by hand.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use event::install::{GROUP, SUPERVISOR, USER};
use rustix::fs::{XattrFlags, fsetxattr, getxattr};

use super::{Step, account};
use crate::failure::Failure;

/// Group may execute, nobody may read.
const MODE: u32 = 0o4750;

/// Name of the extended attribute that holds file capabilities.
const CAPABILITY: &str = "security.capability";

/// Names and numbers (include/uapi/linux/capability.h) of what the recorder may raise; docs/security.md
/// says when. Permitted only: nothing is in force when it starts.
const CAPABILITIES: [(&str, u32); 11] = [
    ("cap_dac_override", 1),
    ("cap_dac_read_search", 2),
    ("cap_setgid", 6),
    ("cap_setpcap", 8),
    ("cap_net_admin", 12),
    ("cap_sys_ptrace", 19),
    ("cap_sys_admin", 21),
    ("cap_sys_nice", 23),
    ("cap_sys_resource", 24),
    ("cap_perfmon", 38),
    ("cap_bpf", 39),
];

/// The steps that install `source`; they are one, for nothing in between may be started.
pub(super) fn install(source: &Path) -> Vec<Step> {
    let names: Vec<&str> = CAPABILITIES.iter().map(|(name, _)| *name).collect();
    let fresh = format!("{SUPERVISOR}.new");
    let shown = [
        format!("install -o {USER} -g {GROUP} -m {MODE:o} {} {fresh}", source.display()),
        format!("setcap {}=p {fresh}", names.join(",")),
        format!("mv {fresh} {SUPERVISOR}"),
    ];
    let done = is_installed(source).unwrap_or(false);
    let source = source.to_owned();
    vec![Step::new(shown.join("\n"), done, move || {
        copy(&source).map_err(|why| Failure::because(format!("cannot install {SUPERVISOR}"), &why))
    })]
}

/// Whether the very program is in place with all that belongs to it.
fn is_installed(source: &Path) -> io::Result<bool> {
    let meta = fs::symlink_metadata(SUPERVISOR)?;
    let mut capability = [0; 32];
    let len = getxattr(SUPERVISOR, CAPABILITY, &mut capability[..])?;
    Ok(meta.is_file()
        && Some(meta.uid()) == account::uid_of(USER)
        && Some(meta.gid()) == account::gid_of(GROUP)
        && meta.permissions().mode() & 0o7777 == MODE
        && capability.get(..len) == Some(&capability_bytes()[..])
        && fs::read(SUPERVISOR)? == fs::read(source)?)
}

/// Everything is done to a new file by descriptor, which then takes the place of an old one at once.
fn copy(source: &Path) -> io::Result<()> {
    let fresh = PathBuf::from(format!("{SUPERVISOR}.new"));
    let owner = account::uid_of(USER).ok_or(io::ErrorKind::NotFound)?;
    let group = account::gid_of(GROUP).ok_or(io::ErrorKind::NotFound)?;
    match fs::remove_file(&fresh) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut bytes = Vec::new();
    File::open(source)?.read_to_end(&mut bytes)?;
    let mut made = OpenOptions::new();
    let mut file = made.write(true).create_new(true).mode(0o600).open(&fresh)?;
    io::Write::write_all(&mut file, &bytes)?;
    // In this order: a change of owner takes the other two away (chown(2)).
    fchown(&file, Some(owner), Some(group))?;
    file.set_permissions(fs::Permissions::from_mode(MODE))?;
    fsetxattr(&file, CAPABILITY, &capability_bytes(), XattrFlags::empty())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&fresh, SUPERVISOR)
}

/// `struct vfs_cap_data`, revision 2, without the flag that puts them in force at once.
fn capability_bytes() -> [u8; 20] {
    const REVISION_2: u32 = 0x0200_0000;
    let bits = CAPABILITIES.iter().fold(0_u64, |bits, (_, number)| bits | 1 << number);
    let (low, high) = ((bits & 0xffff_ffff) as u32, (bits >> 32) as u32);
    let words = [REVISION_2, low, 0, high, 0];
    let mut bytes = [0; 20];
    for (place, byte) in bytes.iter_mut().zip(words.into_iter().flat_map(u32::to_le_bytes)) {
        *place = byte;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_permitted_and_not_in_force() {
        let bytes = capability_bytes();
        assert_eq!(bytes[..4], [0, 0, 0, 2], "revision 2, no effective flag");
        assert_eq!(bytes[4..8], 0x01a8_1146_u32.to_le_bytes());
        assert_eq!(bytes[12..16], 0xc0_u32.to_le_bytes(), "cap_perfmon, cap_bpf");
        assert_eq!(bytes[8..12], [0; 4], "nothing inheritable");
    }
}
