//! `/proc/PID/mountinfo`, as bytes: names in it may be anything but NUL.

use event::Malformed;

/// One line: a mount that can be reached from the process's root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// Number of the mount, as statx(2) tells it.
    pub mount_id: u64,
    /// Number of the mount it is on.
    pub parent_id: u64,
    /// Device of the file system, `major << 20 | minor` as the kernel keeps it.
    pub dev: u32,
    /// Which directory (or file) of the file system is mounted; `/` for all of it.
    pub root: Vec<u8>,
    /// Where, seen from the process's root.
    pub mount_point: Vec<u8>,
    /// Type, with its subtype (`fuse.sshfs`).
    pub fs_type: Vec<u8>,
    /// Whether mounts made below it appear in other namespaces too.
    pub shared: bool,
}

/// Reads mountinfo, line by line.
pub fn parse(mountinfo: &[u8]) -> impl Iterator<Item = Result<Mount, Malformed>> {
    mountinfo.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(line)
}

/// Reads `36 35 98:0 /root /point opts [tags...] - type source opts` (proc_pid_mountinfo(5)).
fn line(line: &[u8]) -> Result<Mount, Malformed> {
    let mut fields = line.split(|byte| *byte == b' ');
    let mut next = || fields.next().ok_or(Malformed::Short { got: line.len() });
    let mount_id = number(next()?)?;
    let parent_id = number(next()?)?;
    let dev = device(next()?)?;
    let root = unescape(next()?);
    let mount_point = unescape(next()?);
    next()?;
    let mut shared = false;
    loop {
        match next()? {
            b"-" => break,
            tag => shared |= tag.starts_with(b"shared:"),
        }
    }
    let fs_type = unescape(next()?);
    Ok(Mount { mount_id, parent_id, dev, root, mount_point, fs_type, shared })
}

fn number(digits: &[u8]) -> Result<u64, Malformed> {
    let text = std::str::from_utf8(digits).map_err(|_| Malformed::Length)?;
    text.parse().map_err(|_| Malformed::Length)
}

/// Reads `major:minor`.
fn device(field: &[u8]) -> Result<u32, Malformed> {
    let colon = field.iter().position(|byte| *byte == b':').ok_or(Malformed::Length)?;
    let (major, minor) = field.split_at(colon);
    let major = number(major)?;
    let minor = number(minor.get(1..).unwrap_or_default())?;
    // MINORBITS is 20 (include/linux/kdev_t.h).
    match (u32::try_from(major), u32::try_from(minor)) {
        (Ok(major), Ok(minor)) if major < 1 << 12 && minor < 1 << 20 => Ok(major << 20 | minor),
        _ => Err(Malformed::Length),
    }
}

/// Undoes the `\040` of blanks, tabs, newlines, backslashes and `#` (`mangle`, fs/seq_file.c).
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, behind)) = rest.split_first() {
        if let Some((octal, behind)) = escape(rest) {
            plain.push(octal);
            rest = behind;
        } else {
            plain.push(*byte);
            rest = behind;
        }
    }
    plain
}

/// Reads an escape at the front of `bytes`.
fn escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] = bytes else {
        return None;
    };
    Some(((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), rest))
}

#[cfg(test)]
mod tests {
    use super::{Mount, parse};
    use event::Malformed;
    use proptest::prelude::*;

    #[test]
    fn a_line_of_the_manual_page_is_read() {
        let line = b"36 35 98:5 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw\n";
        let mount = Mount {
            mount_id: 36,
            parent_id: 35,
            dev: 98 << 20 | 5,
            root: b"/mnt1".to_vec(),
            mount_point: b"/mnt2".to_vec(),
            fs_type: b"ext3".to_vec(),
            shared: true,
        };
        assert_eq!(parse(line).collect::<Vec<_>>(), [Ok(mount)]);
    }

    #[test]
    fn a_slave_is_not_shared_and_names_may_be_any_bytes() {
        let line = b"1 2 0:1 / /a\\040b\\012\\134040\\043\xff\\9 rw master:1 - fuse.x y z";
        let Some(Ok(mount)) = parse(line).next() else { panic!("one mount") };
        assert_eq!(mount.mount_point, b"/a b\n\\040#\xff\\9");
        assert_eq!((mount.fs_type.as_slice(), mount.shared), (&b"fuse.x"[..], false));
    }

    #[test]
    fn a_bad_line_is_told_and_the_others_are_read() {
        let lines = b"1 2 0:1 / /a rw - tmpfs t rw\n1 2 0 / /a rw\n3 2 0:1 / /c rw - tmpfs t rw\n";
        let read: Vec<_> = parse(lines).map(|line| line.map(|mount| mount.mount_id)).collect();
        assert_eq!(read, [Ok(1), Err(Malformed::Length), Ok(3)]);
    }

    #[test]
    fn the_mounts_of_this_process_are_read() {
        let bytes = std::fs::read("/proc/self/mountinfo").expect("proc is mounted");
        let mounts: Result<Vec<_>, _> = parse(&bytes).collect();
        assert!(mounts.is_ok_and(|all| all.iter().any(|mount| mount.mount_point == b"/proc")));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            parse(&bytes).for_each(drop);
        }

        #[test]
        fn no_fields_make_it_panic(line in "[0-9 :/\\\\\n-]{0,80}") {
            parse(line.as_bytes()).for_each(drop);
        }
    }
}
