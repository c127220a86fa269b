//! What went wrong, in the form that the user sees: what could not be done, why, the way out.

use std::{
    error::Error,
    fmt,
    io::{self, Write},
};

use crate::text::Safe;

/// A failure of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hints: Vec<String>,
    closed_pipe: bool,
}

impl Failure {
    /// Makes a failure from `message`, "cannot VERB OBJECT: why".
    pub(crate) fn new(message: impl Into<String>) -> Self {
        let message = strip_number(&message.into());
        Failure { message, hints: Vec::new(), closed_pipe: false }
    }

    /// Makes a failure of `attempt` ("cannot …") because of `cause` and what is behind it.
    pub(crate) fn because(attempt: impl fmt::Display, cause: &dyn Error) -> Self {
        Failure::new(format!("{attempt}: {}", with_causes(cause)))
    }

    /// Makes a failure of an error that says itself what was attempted.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let failure = Failure::new(with_causes(error));
        if is_denied(error) {
            return failure.hint("it belongs to another user: try sudo, or --home DIR");
        }
        failure
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What could not be done.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether nothing failed but the reader of our output has gone away.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }

    /// Writes the failure to standard error; that this may fail is of no use to anybody.
    pub(crate) fn print(&self) {
        let mut err = anstream::stderr().lock();
        let _ = write!(err, "{self}");
    }
}

impl fmt::Display for Failure {
    // Messages hold paths and words of others, so all of it is escaped here, once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "audit: {}", Safe::new(&self.message).plain())?;
        for hint in &self.hints {
            writeln!(f, "  hint: {}", Safe::new(hint).plain())?;
        }
        Ok(())
    }
}

/// Returns what the system said, without the number that Rust adds.
pub(crate) fn system_text(error: &io::Error) -> String {
    strip_number(&error.to_string())
}

/// Whether the system refused for want of rights.
fn is_denied(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if io == Some(io::ErrorKind::PermissionDenied) {
            return true;
        }
        next = error.source();
    }
    false
}

/// `No such file or directory (os error 2)` becomes `no such file or directory`.
pub(crate) fn strip_number(text: &str) -> String {
    let Some((words, _)) = text.rsplit_once(" (os error ") else { return text.to_owned() };
    let start = words.rfind(": ").map_or(0, |at| at + 2);
    let (before, said) = words.split_at_checked(start).unwrap_or(("", words));
    let mut letters = said.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    before.chars().chain(first).chain(letters).collect()
}

/// Returns an error's text with those behind it that it does not already say.
fn with_causes(error: &dyn Error) -> String {
    let plain = |error: &dyn Error| strip_number(&error.to_string());
    let mut text = plain(error);
    let mut next = error.source();
    while let Some(cause) = next {
        let more = plain(cause);
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    text
}

/// Reading is done with named attempts, so a bare I/O error is one of writing the page.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Failure { closed_pipe, ..Failure::because("cannot write the page", &error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_and_its_hints_whatever_it_quotes() {
        let failure = Failure::new("cannot open 'a\u{1b}]0;x\u{7}\nb\\c'").hint("try\ranother");
        assert_eq!(
            failure.to_string(),
            "audit: cannot open 'a\\x1b]0;x\\x07\\nb\\c'\n  hint: try\\ranother\n"
        );
    }

    #[test]
    fn a_refusal_has_a_way_out_and_no_number() {
        let denied = io::Error::from_raw_os_error(13);
        let text = Failure::of(&denied).to_string();
        assert!(text.starts_with("audit: permission denied\n  hint: "), "{text}");
    }

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::from_raw_os_error(2);
        let text = Failure::because("cannot read x", &inner).to_string();
        assert_eq!(text, "audit: cannot read x: no such file or directory\n");
    }
}
