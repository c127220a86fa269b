//! Names in paths that are not the system's.

use std::ops::Range;

/// Directories of the root whose names say which system it is, and nothing of who uses it.
const SYSTEM: &[&[u8]] = &[
    b"bin", b"boot", b"dev", b"etc", b"lib", b"lib32", b"lib64", b"libx32", b"nix", b"opt",
    b"proc", b"run", b"sbin", b"snap", b"sys", b"usr", b"var",
];

/// Directories in them that users fill.
const FILLED: &[&[u8]] = &[
    b"/dev/shm",
    b"/run/media",
    b"/run/user",
    b"/var/home",
    b"/var/mail",
    b"/var/spool/cron",
    b"/var/spool/mail",
    b"/var/tmp",
];

/// Directories of the root that every machine has, and that users fill.
const COMMON: &[&[u8]] = &[b"Users", b"home", b"media", b"mnt", b"root", b"srv", b"tmp"];

/// Gives each name of `path` that is hidden to `add`, by its place.
pub(super) fn hidden(path: &[u8], mut add: impl FnMut(Range<usize>)) {
    let mut at = start(path);
    for name in path.get(at..).unwrap_or_default().split(|byte| *byte == b'/') {
        if !matches!(name, b"" | b"." | b".." | b"~") {
            add(at..at + name.len());
        }
        at += name.len() + 1;
    }
}

/// Where what is hidden begins.
fn start(path: &[u8]) -> usize {
    let Some(rest) = path.strip_prefix(b"/") else { return 0 };
    let below = |dir: &&&[u8]| {
        path.strip_prefix(**dir).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    if let Some(dir) = FILLED.iter().find(below) {
        return dir.len();
    }
    let first = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
    match () {
        () if SYSTEM.contains(&first) => path.len(),
        () if COMMON.contains(&first) => 1 + first.len(),
        () => 1,
    }
}

/// Gives the words of a text to `take` by their places: what stands between blanks, quotes and the like.
pub(super) fn words(text: &[u8], mut take: impl FnMut(Range<usize>)) {
    let ends = |byte: u8| {
        byte <= b' '
            || matches!(byte, b'=' | b':' | b',' | b';' | b'|' | b'&' | b'\'' | b'"' | b'`')
            || matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>')
    };
    let mut at = 0;
    for word in text.split(|byte| ends(*byte)) {
        // `https:` stands before an address, and what is behind that is no file of ours.
        let address = word.starts_with(b"//") && at > 0 && text.get(at - 1) == Some(&b':');
        if !word.is_empty() && !address {
            take(at..at + word.len());
        }
        at += word.len() + 1;
    }
}

/// Gives the names below /home and /Users to `take`, wherever they stand in a text.
pub(super) fn homes(text: &[u8], mut take: impl FnMut(Range<usize>)) {
    for dir in [&b"/home/"[..], b"/Users/"] {
        let mut from = 0;
        while let Some(at) = find(text.get(from..).unwrap_or_default(), dir) {
            let start = from + at + dir.len();
            let rest = text.get(start..).unwrap_or_default();
            let ends = |byte: &u8| *byte <= b' ' || b"/'\":;,=|&()<>*$`\\".contains(byte);
            let len = rest.iter().position(ends).unwrap_or(rest.len());
            take(start..start + len);
            from = start;
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
