//! Findings: what a rule says of an event.

use std::net::SocketAddr;
use std::sync::Arc;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Seldom of interest.
    Low,
    /// To be looked at.
    Medium,
    /// To be looked at soon.
    High,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// Every one, the least first.
    pub const ALL: [Severity; 5] =
        [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// Returns its name in events and rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// Returns the one with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

/// A rule holds for an event; the actor is that of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the rule.
    pub rule: Arc<str>,
    /// How much it weighs.
    pub severity: Severity,
    /// What the rule says.
    pub title: Arc<str>,
    /// Number of the event that completes it.
    pub cause: u64,
    /// Numbers of all events of a sequence, as text, the last one included.
    pub causes: Vec<String>,
    /// How often.
    pub count: u64,
    /// It is about repeats of a finding that was told before.
    pub repeat: bool,
    /// When the last of the repeats was, nanoseconds since 1970.
    pub last_ts_ns: Option<i64>,
    /// The conditions that held, `field=value`.
    pub matched: Vec<String>,
    /// The file that it is about.
    pub path: Option<Vec<u8>>,
    /// The peer that it is about.
    pub peer: Option<SocketAddr>,
    /// The peer's name.
    pub host: Option<Vec<u8>>,
    /// Where the rule comes from: `built-in`, or the name of its file.
    pub rule_from: Arc<str>,
}
