//! What is wrong with a file of rules: where, what, and the line itself.

use std::fmt;

/// Something is wrong with a file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file, as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// The text of that line.
    pub shown: String,
    /// What is wrong.
    pub what: String,
    /// The file cannot be used; otherwise it can, without what this is about.
    pub fatal: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.fatal { "" } else { "warning: " };
        write!(f, "{}:{}: {level}{}", self.file, self.line, self.what)?;
        if self.shown.is_empty() { Ok(()) } else { write!(f, "\n  | {}", self.shown) }
    }
}

/// Longest part of a line that is shown.
const SHOWN: usize = 120;

/// Problems that are kept of one file: more help nobody.
const KEPT: usize = 100;

/// Collects the problems of one file.
#[derive(Debug)]
pub(crate) struct Complaints<'t> {
    file: &'t str,
    lines: Vec<&'t str>,
    pub(crate) found: Vec<Problem>,
    /// The file comes with the program: what has to be tried of a rule, its tests have tried.
    pub(crate) tried: bool,
}

impl<'t> Complaints<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        Complaints { file, lines: text.lines().collect(), found: Vec::new(), tried: false }
    }

    /// The file cannot be used.
    pub(crate) fn error(&mut self, line: usize, what: impl Into<String>) {
        self.add(line, what.into(), true);
    }

    /// It can, but something of it has no effect.
    pub(crate) fn warn(&mut self, line: usize, what: impl Into<String>) {
        self.add(line, what.into(), false);
    }

    fn add(&mut self, line: usize, what: String, fatal: bool) {
        if self.found.len() < KEPT {
            let shown = self.lines.get(line.saturating_sub(1)).map_or("", |text| text.trim());
            let shown = shown.chars().take(SHOWN).collect();
            self.found.push(Problem { file: self.file.to_owned(), line, shown, what, fatal });
        }
    }

    pub(crate) fn file(&self) -> &str {
        self.file
    }
}
