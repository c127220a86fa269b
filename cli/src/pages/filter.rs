//! What columns of the index cannot say: patterns, networks, words in the values.

use std::collections::HashSet;

use memchr::memmem::Finder;
use rules::{Dest, Pattern, Subject, Text};
use storage::Row;

use super::line::Line;
use crate::{args::Filters, failure::Failure};

/// Conditions on a row, all of which must hold.
pub(super) struct Filter {
    rest: rules::Filter,
    host: Option<Pattern>,
    severity: Vec<String>,
    /// Numbers of the events that are wanted, when it is these.
    only: Option<HashSet<u64>>,
    word: Option<Word>,
    /// Other names of a file are not asked.
    exact_name: bool,
}

/// A word that is somewhere in an event's values.
struct Word {
    finder: Finder<'static>,
    /// It stands in JSON as it is: a line without it can be passed over unread.
    plain: bool,
}

impl Filter {
    /// Reads the conditions.
    pub(super) fn new(filters: &Filters) -> Result<Filter, Failure> {
        let wrong = |error: rules::Error| Failure::of(&error).hint(error.hint());
        let rest = conditions(filters).map_err(wrong)?;
        let host = filters.host.as_deref().map(|host| Pattern::path(&host.to_ascii_lowercase()));
        Ok(Filter {
            rest,
            host: host.transpose().map_err(wrong)?,
            severity: filters.severity.clone(),
            only: None,
            word: filters.contains.as_deref().map(Word::new),
            exact_name: filters.exact_name,
        })
    }

    /// What a path must be.
    pub(super) fn path(&self) -> Option<&Pattern> {
        self.rest.path()
    }

    /// What the program must be.
    pub(super) fn exe(&self) -> Option<&Pattern> {
        self.rest.exe()
    }

    /// What the peer must be.
    pub(super) fn dest(&self) -> Option<&Dest> {
        self.rest.dest()
    }

    /// Numbers of the events that are wanted, when it is these.
    pub(super) fn numbers(&self) -> Option<Vec<u64>> {
        self.only.as_ref().map(|only| only.iter().copied().collect())
    }

    /// Bytes that every wanted line has, where a word is asked for that stands in JSON as it is.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.word.as_ref().filter(|word| word.plain).map(|word| word.finder.needle())
    }

    /// Whether the peer's name must be something.
    pub(super) fn has_host(&self) -> bool {
        self.host.is_some()
    }

    /// Whether a peer's name is as asked.
    pub(super) fn is_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.host.as_ref().is_none_or(|wanted| wanted.holds(host.as_bytes()))
    }

    /// Whether a path may also be another name of the file.
    pub(super) fn asks_other_names(&self) -> bool {
        !self.exact_name
    }

    /// Keeps none but the events with these numbers; severities were asked of what names them.
    pub(super) fn only(self, events: HashSet<u64>) -> Filter {
        Filter { only: Some(events), severity: Vec::new(), ..self }
    }

    /// Returns whether all hold for `row`.
    #[cfg(test)]
    pub(super) fn keeps(&self, row: &Row<'_>) -> bool {
        self.keeps_columns(row) && self.keeps_line(row)
    }

    /// Returns whether the conditions on the line hold.
    pub(super) fn keeps_line(&self, row: &Row<'_>) -> bool {
        self.word.as_ref().is_none_or(|word| word.is_in(row.line))
            && (self.severity.is_empty() || {
                let line = Line::parse(row.line);
                self.severity.iter().any(|one| one == line.text("severity"))
            })
    }

    /// Returns whether the conditions on columns hold: `row` may lack its line.
    pub(super) fn keeps_columns(&self, row: &Row<'_>) -> bool {
        let mine = self.only.as_ref().is_none_or(|only| only.contains(&row.seq))
            && (self.severity.is_empty() || row.kind == "finding")
            && (self.host.is_none() || row.host.is_some_and(|host| self.is_host(host)));
        if !mine {
            return false;
        }
        let subject = Subject {
            kind: row.kind,
            op: row.op,
            pid: row.pid,
            exe: row.exe,
            paths: [row.path, row.path2],
            also: row.also.filter(|_| !self.exact_name).unwrap_or_default(),
            ip: row.ip.and_then(|ip| ip.parse().ok()),
            port: row.port,
            host: row.host,
            ts_ns: row.ts_ns,
            text: Text::Line(row.line),
        };
        self.rest.holds(&subject)
    }
}

/// Types, operations, process and times are asked of the index already.
fn conditions(filters: &Filters) -> Result<rules::Filter, rules::Error> {
    let mut rest = rules::Filter::default();
    if let Some(path) = &filters.path {
        rest = rest.with_path(path)?;
    }
    if let Some(exe) = &filters.exe {
        rest = rest.with_exe(exe)?;
    }
    if let Some(dest) = &filters.dest {
        rest = rest.with_dest(dest)?;
    }
    Ok(rest)
}

impl Word {
    fn new(text: &str) -> Word {
        let plain = !text.chars().any(|c| matches!(c, '"' | '\\') || event::json::acts(c));
        Word { finder: Finder::new(text).into_owned(), plain }
    }

    /// Looks at values only: neither the names of fields nor the run's id are what is looked for.
    fn is_in(&self, line: &[u8]) -> bool {
        (!self.plain || self.finder.find(line).is_some())
            && Line::parse(line).any_text(&mut |text| self.finder.find(text.as_bytes()).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(filters: &Filters, row: &Row<'_>) -> bool {
        Filter::new(filters).expect("it can be read").keeps(row)
    }

    #[test]
    fn paths_programs_and_peers_are_looked_at() {
        let row = Row {
            path: Some(b"/a"),
            path2: Some(b"/b/\xff.ts"),
            exe: Some(b"/usr/bin/git"),
            ip: Some("10.1.2.3"),
            port: Some(443),
            ..Row::default()
        };
        let text = |text: &str| Some(text.to_owned());
        for path in ["*.ts", "/b", "/a"] {
            assert!(keeps(&Filters { path: text(path), ..Filters::default() }, &row), "{path}");
        }
        let named = Row { also: Some(b"/c/d\0/e/\xff\0"), ..row };
        for (path, exact_name, expected) in [
            ("/c/d", false, true),
            ("/c/d", true, false),
            ("/e/?", false, true),
            ("/a", true, true),
        ] {
            let filters = Filters { path: text(path), exact_name, ..Filters::default() };
            assert_eq!(keeps(&filters, &named), expected, "{path} {exact_name}");
        }
        assert!(keeps(&Filters { exe: text("git"), ..Filters::default() }, &row));
        assert!(!keeps(&Filters { exe: text("gi"), ..Filters::default() }, &row));
        let named = Row { host: Some("API.example.com"), ..row };
        for (host, expected) in [("example", true), ("*.EXAMPLE.com", true), ("example.*", false)] {
            let filters = Filters { host: text(host), ..Filters::default() };
            assert_eq!(keeps(&filters, &named), expected, "{host}");
            assert!(!keeps(&filters, &row), "{host}: a peer without a name");
        }
        assert!(keeps(&Filters { dest: text("10.0.0.0/8"), ..Filters::default() }, &row));
        assert!(!keeps(&Filters { dest: text("10.1.2.3:80"), ..Filters::default() }, &row));
    }

    #[test]
    fn words_are_looked_for_in_values_whatever_their_json_form() {
        let line = br#"{"run":"x-7k2m","ts":"2026","type":"exec","argv":["sh","-c","a\"b\nc\\d"],"n":["\u001b"]}"#;
        let row = Row { line, ..Row::default() };
        for (word, expected) in [
            ("sh", true),
            ("a\"b", true),
            ("b\nc", true),
            ("c\\d", true),
            ("\u{1b}", true),
            ("exec", true),
            ("argv", false),
            ("7k2m", false),
            ("curl", false),
            ("", true),
        ] {
            let filters = Filters { contains: Some(word.to_owned()), ..Filters::default() };
            assert_eq!(keeps(&filters, &row), expected, "{word:?}");
        }
    }

    #[test]
    fn a_condition_that_cannot_be_read_is_told_with_a_hint() {
        for filters in [
            Filters { path: Some("[".to_owned()), ..Filters::default() },
            Filters { dest: Some("10.0.0.0/33".to_owned()), ..Filters::default() },
        ] {
            let text = Filter::new(&filters).err().map(|failure| failure.to_string());
            assert!(text.is_some_and(|text| text.contains("\n  hint: ")), "{filters:?}");
        }
    }
}
