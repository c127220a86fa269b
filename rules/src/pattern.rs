//! A condition on the bytes of a path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobMatcher};
use memchr::memmem::Finder;

use crate::Error;

/// A condition on the bytes of a path.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// A glob over all of them; `*` also matches `/`.
    Glob(GlobMatcher),
    /// These are somewhere in them.
    Part(Finder<'static>),
    /// These are the path's last component.
    Name(Vec<u8>),
}

impl Pattern {
    /// Reads a condition on files: a glob if it has a wildcard, else a part of the path.
    ///
    /// # Errors
    /// [`Error::Pattern`] for a broken glob.
    pub fn path(text: &str) -> Result<Pattern, Error> {
        match text.contains(['*', '?', '[', '{']) {
            true => glob(text),
            false => Ok(Pattern::Part(Finder::new(text).into_owned())),
        }
    }

    /// Reads a condition on programs: as [`Pattern::path`], but a word without `/` is a name.
    ///
    /// # Errors
    /// [`Error::Pattern`] for a broken glob.
    pub fn program(text: &str) -> Result<Pattern, Error> {
        match text.contains(['*', '?', '[', '{', '/']) {
            true => Pattern::path(text),
            false => Ok(Pattern::Name(text.as_bytes().to_vec())),
        }
    }

    /// Returns whether `bytes` are so.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        match self {
            Pattern::Glob(glob) => glob.is_match(OsStr::from_bytes(bytes)),
            Pattern::Part(part) => part.find(bytes).is_some(),
            Pattern::Name(name) => bytes.rsplit(|byte| *byte == b'/').next() == Some(name),
        }
    }
}

fn glob(text: &str) -> Result<Pattern, Error> {
    let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
    let glob = glob.map_err(|why| Error::Pattern {
        pattern: text.to_owned(),
        reason: why.kind().to_string(),
    })?;
    Ok(Pattern::Glob(glob.compile_matcher()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Pattern;

    fn check(pattern: &str, path: &[u8], expected: bool) {
        let read = Pattern::path(pattern).expect(pattern);
        assert_eq!(read.holds(path), expected, "{pattern}");
    }

    #[test]
    fn a_path_is_a_glob_or_a_part_of_it() {
        check("*.ts", b"/home/ana/\xff.ts", true);
        check("/home/**", b"/home/ana/\xff.ts", true);
        check("/home/*/?.ts", b"/home/ana/\xff.ts", true);
        check("{*.rs,*.ts}", b"/home/ana/a.ts", true);
        check("*.rs", b"/home/ana/a.ts", false);
        check("/home", b"/srv/home/a", true);
        check("/home*", b"/srv/home/a", false);
        check("", b"/any", true);
    }

    #[test]
    fn a_program_without_a_slash_is_a_name() {
        for (pattern, expected) in
            [("git", true), ("gi", false), ("/usr/bin", true), ("*git", true), ("bin", false)]
        {
            let read = Pattern::program(pattern).expect(pattern);
            assert_eq!(read.holds(b"/usr/bin/git"), expected, "{pattern}");
        }
    }

    #[test]
    fn a_broken_glob_is_named() {
        let error = Pattern::path("a[").expect_err("it is broken");
        assert!(error.to_string().starts_with("cannot read the pattern 'a['"), "{error}");
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_bytes_make_it_panic(
            pattern in "[*?\\[\\]{},\\\\a/!-]{0,12}", path in prop::collection::vec(any::<u8>(), 0..20)
        ) {
            for read in [Pattern::path(&pattern), Pattern::program(&pattern)].into_iter().flatten() {
                let _ = read.holds(&path);
            }
        }

        #[test]
        fn a_path_is_found_by_each_of_its_parts(path in "[a-z/]{1,20}", from: prop::sample::Index) {
            let part = &path[from.index(path.len())..];
            let read = Pattern::path(part).expect("no wildcard");
            prop_assert!(read.holds(path.as_bytes()));
        }
    }
}
