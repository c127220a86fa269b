//! Saying no: why a recording does not start.

use std::io;

use event::protocol::refusal;

/// Why a recording did not start, as the front is told.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// See [`event::protocol::refusal`].
    pub(crate) reason: u32,
    /// 0, or the errno behind it.
    pub(crate) errno: i32,
    /// For the user.
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(reason: u32, errno: i32, text: impl Into<String>) -> Self {
        Refusal { reason, errno, text: text.into() }
    }

    pub(crate) fn kernel(doing: &'static str) -> impl FnOnce(io::Error) -> Refusal {
        move |why| Refusal::new(refusal::KERNEL, errno(&why), format!("cannot {doing}: {why}"))
    }

    pub(crate) fn protocol(why: impl std::fmt::Display) -> Self {
        Refusal::new(refusal::PROTOCOL, 0, format!("cannot understand the front: {why}"))
    }
}

/// The errno of an error, 0 where there is none.
pub(crate) fn errno(why: &io::Error) -> i32 {
    why.raw_os_error().unwrap_or(0)
}

/// An error with its causes, as one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
