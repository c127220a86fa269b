//! Paths as bytes: from the kernel's components, and put together from directory and name.

/// Joins components that lie from the last to the first, each ended by NUL.
///
/// Returns an absolute path, or without the leading slash when it is `cut`, as its first components
/// are missing then. No components are the root directory.
#[must_use]
pub fn from_components(components: &[u8], cut: bool) -> Vec<u8> {
    let inner = components.strip_suffix(b"\0").unwrap_or(components);
    let mut path = Vec::with_capacity(inner.len() + 1);
    for component in inner.rsplit(|byte| *byte == 0) {
        // A root's dentry has the name "/" (fs/dcache.c, d_make_root).
        if component.is_empty() || component == b"/" {
            continue;
        }
        if !(cut && path.is_empty()) {
            path.push(b'/');
        }
        path.extend_from_slice(component);
    }
    if path.is_empty() && !cut {
        path.push(b'/');
    }
    path
}

/// Returns the path of `name` in the directory `dir`; the directory's own for an empty name or ".",
/// which is how fanotify reports on a directory itself.
#[must_use]
pub fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(dir.len() + name.len() + 1);
    path.extend_from_slice(dir);
    if !name.is_empty() && name != b"." {
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(name);
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{from_components, join};

    #[test]
    fn components_come_out_from_the_first_to_the_last() {
        assert_eq!(from_components(b"ls\0bin\0usr\0", false), b"/usr/bin/ls");
        assert_eq!(from_components(b"ls\0bin\0", true), b"bin/ls");
        assert_eq!(from_components(b"a\0/\0", false), b"/a");
        assert_eq!(from_components(b"", false), b"/");
        assert_eq!(from_components(b"/\0", false), b"/");
        assert_eq!(from_components(b"", true), b"");
    }

    #[test]
    fn a_name_is_put_into_its_directory() {
        assert_eq!(join(b"/", b"a"), b"/a");
        assert_eq!(join(b"/tmp", b"\xff\n"), b"/tmp/\xff\n");
        assert_eq!(join(b"/tmp", b"."), b"/tmp");
        assert_eq!(join(b"/tmp", b""), b"/tmp");
    }

    proptest! {
        #[test]
        fn any_path_survives_the_way_through_components(
            parts in prop::collection::vec(prop::collection::vec(1u8.., 1..5), 0..6)
        ) {
            let parts: Vec<Vec<u8>> = parts.into_iter()
                .map(|part| part.into_iter().filter(|byte| *byte != b'/').collect::<Vec<u8>>())
                .filter(|part| !part.is_empty() && part != b".")
                .collect();
            let mut components = Vec::new();
            for part in parts.iter().rev() {
                components.extend_from_slice(part);
                components.push(0);
            }
            let expected = parts.iter().fold(b"/".to_vec(), |dir, name| join(&dir, name));
            prop_assert_eq!(from_components(&components, false), expected);
        }
    }
}
