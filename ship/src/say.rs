//! Lines for people. What servers say is text of others: nothing in it acts on a terminal.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

/// Longest text of others that is shown.
const LONGEST: usize = 300;

/// Says what went wrong.
pub(crate) fn error(text: &str) {
    // Nobody can be told that standard error is gone.
    let _ = writeln!(io::stderr(), "audit ship: {}", safe(text));
}

/// Says what was done.
pub(crate) fn note(quiet: bool, text: &str) {
    if !quiet {
        error(text);
    }
}

/// `text` on one line, without what acts.
pub(crate) fn safe(text: &str) -> String {
    let mut shown = String::new();
    for char in text.chars() {
        if char == '\n' {
            shown.push_str("\n  ");
        } else if event::json::acts(char) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    shown
}

/// The begin of a text of others, as one line.
pub(crate) fn brief(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(LONGEST).collect()
}
