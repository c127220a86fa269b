//! What columns of the index cannot say: patterns, networks, words in the line.

mod dest;

use globset::{GlobBuilder, GlobMatcher};
use memchr::memmem::Finder;
use storage::Row;

use crate::{args::Filters, failure::Failure};
use dest::Dest;

/// Conditions on a row, all of which must hold.
pub(super) struct Filter {
    path: Option<Pattern>,
    exe: Option<Pattern>,
    dest: Option<Dest>,
    contains: Option<Finder<'static>>,
}

/// A condition on bytes.
enum Pattern {
    /// A glob over all of them; `*` also matches `/`.
    Glob(GlobMatcher),
    /// These are somewhere in them.
    Part(Finder<'static>),
    /// These are the last part of the path.
    Name(Vec<u8>),
}

impl Filter {
    /// Reads the conditions.
    pub(super) fn new(filters: &Filters) -> Result<Filter, Failure> {
        let finder = |text: &String| Finder::new(text).into_owned();
        Ok(Filter {
            path: filters.path.as_deref().map(|text| Pattern::new(text, false)).transpose()?,
            exe: filters.exe.as_deref().map(|text| Pattern::new(text, true)).transpose()?,
            dest: filters.dest.as_deref().map(Dest::parse).transpose()?,
            contains: filters.contains.as_ref().map(finder),
        })
    }

    /// Returns whether all hold for `row`.
    pub(super) fn keeps(&self, row: &Row<'_>) -> bool {
        let holds = |pattern: &Option<Pattern>, values: &[Option<&[u8]>]| {
            pattern.as_ref().is_none_or(|p| values.iter().flatten().any(|value| p.holds(value)))
        };
        holds(&self.path, &[row.path, row.path2])
            && holds(&self.exe, &[row.exe])
            && self.dest.as_ref().is_none_or(|dest| dest.holds(row.ip, row.port, row.host))
            && self.contains.as_ref().is_none_or(|finder| finder.find(row.line).is_some())
    }
}

impl Pattern {
    /// Reads `text`: a glob if it has a wildcard; else a name, if `names` and it has no `/`; else a
    /// part of the path.
    fn new(text: &str, names: bool) -> Result<Pattern, Failure> {
        if text.contains(['*', '?', '[', '{']) {
            let glob =
                GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
            let glob = glob.map_err(|why| {
                Failure::new(format!("cannot read the pattern '{text}': {}", why.kind()))
                    .hint("wildcards are * ? [abc] and {a,b}; a backslash takes away their meaning")
            })?;
            return Ok(Pattern::Glob(glob.compile_matcher()));
        }
        if names && !text.contains('/') {
            return Ok(Pattern::Name(text.as_bytes().to_vec()));
        }
        Ok(Pattern::Part(Finder::new(text).into_owned()))
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        use std::os::unix::ffi::OsStrExt;
        match self {
            Pattern::Glob(glob) => glob.is_match(std::ffi::OsStr::from_bytes(bytes)),
            Pattern::Part(part) => part.find(bytes).is_some(),
            Pattern::Name(name) => bytes.rsplit(|byte| *byte == b'/').next() == Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(filters: &Filters, row: &Row<'_>) -> bool {
        Filter::new(filters).expect("it can be read").keeps(row)
    }

    #[test]
    fn a_path_is_a_glob_or_a_part() {
        let row = Row { path: Some(b"/home/ana/\xff.ts"), ..Row::default() };
        for (pattern, expected) in [
            ("*.ts", true),
            ("/home/**", true),
            ("ana", true),
            ("*.rs", false),
            ("/root", false),
            ("{*.rs,*.ts}", true),
        ] {
            let filters = Filters { path: Some(pattern.to_owned()), ..Filters::default() };
            assert_eq!(keeps(&filters, &row), expected, "{pattern}");
        }
        let moved = Row { path: Some(b"/a"), path2: Some(b"/b"), ..Row::default() };
        assert!(keeps(&Filters { path: Some("/b".to_owned()), ..Filters::default() }, &moved));
        let pathless = Row::default();
        assert!(!keeps(&Filters { path: Some("*".to_owned()), ..Filters::default() }, &pathless));
    }

    #[test]
    fn a_program_is_called_by_its_name() {
        let row = Row { exe: Some(b"/usr/bin/git"), ..Row::default() };
        for (pattern, expected) in
            [("git", true), ("gi", false), ("/usr/bin", true), ("*git", true), ("bin", false)]
        {
            let filters = Filters { exe: Some(pattern.to_owned()), ..Filters::default() };
            assert_eq!(keeps(&filters, &row), expected, "{pattern}");
        }
    }

    #[test]
    fn words_are_looked_for_in_the_line() {
        let row = Row { line: br#"{"argv":["curl","-T"]}"#, ..Row::default() };
        assert!(keeps(&Filters { contains: Some("curl".to_owned()), ..Filters::default() }, &row));
        assert!(!keeps(&Filters { contains: Some("wget".to_owned()), ..Filters::default() }, &row));
        assert!(keeps(&Filters { contains: Some(String::new()), ..Filters::default() }, &row));
    }

    #[test]
    fn a_broken_glob_is_told_with_a_hint() {
        let filters = Filters { path: Some("[".to_owned()), ..Filters::default() };
        let text = Filter::new(&filters).err().expect("it is refused").to_string();
        assert!(text.starts_with("audit: cannot read the pattern '['"), "{text}");
    }
}
