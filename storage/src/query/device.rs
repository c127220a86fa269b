//! Which paths are devices that pages keep apart from files.

/// Whether a path is that of a device that keeps nothing: exactly these names, for a file may lie in
/// `/dev` to hide.
pub(super) fn is_device(path: &[u8]) -> bool {
    const DEVICES: [&[u8]; 9] = [
        b"null",
        b"zero",
        b"full",
        b"random",
        b"urandom",
        b"tty",
        b"console",
        b"ptmx",
        b"pts/ptmx",
    ];
    let Some(name) = path.strip_prefix(b"/dev/") else { return false };
    let terminal = name.strip_prefix(b"pts/");
    DEVICES.contains(&name)
        || terminal.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::is_device;

    #[test]
    fn only_the_known_names_are_devices() {
        for path in ["/dev/null", "/dev/tty", "/dev/pts/0", "/dev/pts/ptmx"] {
            assert!(is_device(path.as_bytes()), "{path}");
        }
        for path in
            ["/dev/null2", "/dev/.hidden", "/dev/shm/a", "/dev/pts/", "/dev/pts/0a", "/tmp/null"]
        {
            assert!(!is_device(path.as_bytes()), "{path}");
        }
    }
}
