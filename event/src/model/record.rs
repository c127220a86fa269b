//! Events about the recording itself: start, sources, losses, end.

use crate::frame::control::{Cause, Source as SourceName, State};

/// The recording began; what the front said of the run, and what the recorder found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// The command, each argument ended by NUL.
    pub command: Vec<u8>,
    /// Its last arguments were left out, as it is very long.
    pub command_cut: bool,
    /// Where it was started.
    pub cwd: Option<Vec<u8>>,
    /// The run's name, if it has one.
    pub name: Option<Vec<u8>>,
    /// The user for whom it ran.
    pub user: Option<Vec<u8>>,
    /// uid of who started the recording.
    pub uid: Option<u32>,
    /// The machine.
    pub host: Option<Vec<u8>>,
    /// Kernel release.
    pub kernel: Option<Vec<u8>>,
    /// Version of the recorder, as the front said it.
    pub version: Option<Vec<u8>>,
    /// `sealed`, `direct` or `local`.
    pub trust: Option<&'static str>,
    /// Name of the key of the marks; none where secrets are stored.
    pub redaction_key: Option<Vec<u8>>,
    /// Variables that the user wants told, `NAME=value`, each ended by NUL.
    pub env: Vec<u8>,
}

/// Something is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where it got lost.
    pub source: SourceName,
    /// Why.
    pub cause: Option<Cause>,
    /// How much.
    pub count: u64,
    /// Begin of the time in which it happened, nanoseconds since 1970.
    pub from_ts_ns: i64,
    /// End of that time.
    pub to_ts_ns: i64,
}

/// What a source says of itself: when its state changes, and with totals at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Which.
    pub source: SourceName,
    /// How it is.
    pub state: Option<State>,
    /// Why it is not on, or what it lacks.
    pub reason: Option<Vec<u8>>,
    /// Its totals, at the end of the run.
    pub totals: Option<Totals>,
}

/// What became of what a source saw: `seen = stored + folded + lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What happened, as far as the source can count it.
    pub seen: u64,
    /// Records in the segments.
    pub stored: u64,
    /// Repeats that are in the count of a record.
    pub folded: u64,
    /// What is gone.
    pub lost: u64,
}

/// The recorder lives: told at each interval, so that a reader of a live run can tell silence from
/// death.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heartbeat {
    /// 1, 2, … without gaps.
    pub beat: u64,
    /// After how long the next one is due, milliseconds.
    pub interval_ms: u64,
    /// Names of the sources that record.
    pub sources: Vec<String>,
    /// Processes of the run that live.
    pub alive: u32,
    /// What became of all that the sources saw so far.
    pub totals: Totals,
}

/// Where the exact counts of opens went: `seen = in_events + unnamed + lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opens {
    /// Opens of regular files.
    pub seen: u64,
    /// Those in the count of a read or write event.
    pub in_events: u64,
    /// Those of no event: on file systems that are not watched, or not closed when the run ended.
    pub unnamed: u64,
    /// Those that are gone.
    pub lost: u64,
}

/// The recording ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct End {
    /// `complete`, `complete, folded`, `partial` or `truncated`.
    pub verdict: &'static str,
    /// Why it is not complete.
    pub reasons: Vec<String>,
    /// Through what the run may have had effects that are not in its record.
    pub effects_outside: Vec<String>,
    /// Why the recording ended: `empty`, `lingered`, `stopped`, `not_started`.
    pub ending: Option<&'static str>,
    /// How the command ended, as wait(2) gives it.
    pub status: Option<i32>,
    /// Processes of the run still alive.
    pub alive: Option<u32>,
    /// Events of the run, this one included.
    pub events: u64,
    /// Processes seen.
    pub processes: u64,
    /// Where the exact counts went, when opens were counted.
    pub opens: Option<Opens>,
}
