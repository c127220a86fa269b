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
