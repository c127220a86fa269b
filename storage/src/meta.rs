//! `meta.json`, and what the front says of a run in the `About` frame.
//!
//! Both are read from directories that somebody else may have written: sizes are bounded, unknown
//! fields are kept, and every text in them is as hostile as a file name.

use std::collections::BTreeMap;

use event::frame::control::MAX_ABOUT;
use serde::{Deserialize, Serialize};

use crate::text;

/// Longest `meta.json` that is read.
pub const MAX_META: u64 = 1 << 20;

/// Version of the form of `meta.json`.
pub(crate) const FORMAT: u32 = 3;

/// What the front knows of a run before it starts. Opaque to the supervisor, not to be trusted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// The command's arguments.
    pub command: Vec<String>,
    /// The same in base64 when any is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_b64: Option<Vec<String>>,
    /// Arguments were left out because the whole is longer than a frame may be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub command_cut: bool,
    /// Where it is started.
    pub cwd: String,
    /// The same in base64 when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd_b64: Option<String>,
    /// `--name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the user for whom it runs.
    pub user: String,
    /// That user's id.
    pub uid: u32,
    /// Version of the front.
    pub version: String,
    /// Name of the key of the marks in place of secrets; none where secrets are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction_key: Option<String>,
    /// Variables that the user wants told, `NAME=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The same in base64 when any is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_b64: Option<Vec<String>>,
    /// How often a heartbeat is told, milliseconds; 0: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_ms: Option<u64>,
    /// What this version does not know.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

impl About {
    /// Starts a description from the command and the directory it starts in.
    #[must_use]
    pub fn new<'a>(command: impl Iterator<Item = &'a [u8]> + Clone, cwd: &[u8]) -> About {
        let (command, command_b64) = text::split_list(command);
        let (cwd, cwd_b64) = text::split(cwd);
        About { command, command_b64, cwd, cwd_b64, ..About::default() }
    }

    /// The command's arguments, exact.
    #[must_use]
    pub fn command(&self) -> Vec<Vec<u8>> {
        text::join_list(&self.command, self.command_b64.as_deref())
    }

    /// Describes the variables that the user wants told.
    pub fn tell_env<'a>(&mut self, named: impl Iterator<Item = &'a [u8]> + Clone) {
        (self.env, self.env_b64) = text::split_list(named);
    }

    /// The variables that the user wants told, exact.
    #[must_use]
    pub fn env(&self) -> Vec<Vec<u8>> {
        text::join_list(&self.env, self.env_b64.as_deref())
    }

    /// Where it was started, exact.
    #[must_use]
    pub fn cwd(&self) -> Vec<u8> {
        text::join(&self.cwd, self.cwd_b64.as_deref())
    }

    /// Returns the bytes of the frame; arguments are left out from the end until they fit.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut about = self.clone();
        loop {
            // A map with string keys always serializes.
            let bytes = serde_json::to_vec(&about).unwrap_or_default();
            if bytes.len() <= MAX_ABOUT {
                return bytes;
            }
            let keep = about.command.len() / 2;
            if about.command.is_empty() && !about.env.is_empty() {
                (about.env, about.env_b64) = (Vec::new(), None);
                continue;
            }
            if about.command.is_empty() {
                // No argument is left: something else is too long for a description.
                return b"{}".to_vec();
            }
            about.command_cut = true;
            about.command.truncate(keep);
            if let Some(list) = &mut about.command_b64 {
                list.truncate(keep);
            }
        }
    }

    /// Reads the payload of an `About` frame; `None` when it is no description.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<About> {
        (payload.len() <= MAX_ABOUT).then(|| serde_json::from_slice(payload).ok()).flatten()
    }
}

/// How the command ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exit {
    /// Its exit status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The signal that killed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// It dumped core.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub core: bool,
}

impl Exit {
    /// Reads a status as wait(2) gives it.
    #[must_use]
    pub fn from_wait(status: i32) -> Exit {
        match status & 0x7f {
            0 => Exit { code: Some(status >> 8 & 0xff), ..Exit::default() },
            signal => Exit { code: None, signal: Some(signal), core: status & 0x80 != 0 },
        }
    }
}

/// What a source says of itself at the end: `seen = stored + folded + lost`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// `on`, `degraded`, `off`, `not_asked`.
    pub state: String,
    /// Why it is not on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What happened, as far as it can count.
    pub seen: u64,
    /// Records in the segments.
    pub stored: u64,
    /// Repeats that are in the count of a record.
    pub folded: u64,
    /// What is gone.
    pub lost: u64,
}

/// Which file it was when the hash was taken: while all of this is the same, so is its content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stamp {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Last change of content, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Last change of anything, nanoseconds since 1970; the kernel sets it, nobody else can.
    pub ctime_ns: i64,
}

/// A segment as it was when events were derived from it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SegmentFile {
    /// Its name in `segments/`.
    pub file: String,
    /// Its length, what could not be read included.
    pub len: u64,
    /// BLAKE3 over all of it, hexadecimal.
    pub blake3: String,
    /// See [`Stamp`].
    pub stamp: Stamp,
}

/// What events were derived from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DerivedFrom {
    /// Version of the derivation: another one gives other events.
    pub derivation: u32,
    /// Every segment file.
    pub segments: Vec<SegmentFile>,
    /// Last link of the chain that was verified, hexadecimal; empty when none was.
    pub chain: String,
    /// Frames that were read.
    pub frames: u64,
    /// What is damaged, as sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<String>,
}

/// `events.jsonl.zst` as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventsFile {
    /// Bytes.
    pub len: u64,
    /// BLAKE3, hexadecimal.
    pub blake3: String,
    /// Lines: one for each event.
    pub lines: u64,
    /// See [`Stamp`].
    pub stamp: Stamp,
}

/// `index.sqlite` as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexFile {
    /// Bytes.
    pub len: u64,
    /// BLAKE3, hexadecimal.
    pub blake3: String,
    /// See [`Stamp`].
    pub stamp: Stamp,
}

/// `meta.json`: a run on one page, and what it was derived from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Version of this form; [`crate::Writer::finish`] sets it.
    pub format: u32,
    /// The run.
    pub id: String,
    /// What the front said of it.
    #[serde(flatten)]
    pub about: About,
    /// The machine.
    pub host: String,
    /// Kernel release.
    pub kernel: String,
    /// When recording began, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339; of a truncated run, its last sign of life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// How long that was by the kernel's clock, nanoseconds: `ended - started` unless the machine's clock
    /// was set meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ns: Option<u64>,
    /// How the command ended, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// `complete`, `complete, folded`, `partial` or `truncated`.
    pub verdict: String,
    /// Why it is not complete.
    pub reasons: Vec<String>,
    /// Through what the run may have had effects that are not in its record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects_outside: Vec<String>,
    /// `sealed`, `direct` or `local`.
    pub trust: String,
    /// What each source saw.
    pub coverage: BTreeMap<String, Coverage>,
    /// Events by `type` or `type.op`.
    pub counts: BTreeMap<String, u64>,
    /// Findings by severity, repeats not counted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub findings: BTreeMap<String, u64>,
    /// What the events were derived from.
    pub derived_from: DerivedFrom,
    /// The events.
    pub events: EventsFile,
    /// The index; absent when it could not be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexFile>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_survive_being_read_and_written() {
        let meta: Meta =
            serde_json::from_str(r#"{"id":"x","later":{"a":[1]}}"#).expect("it parses");
        let text = serde_json::to_string(&meta).expect("it serializes");
        assert!(text.contains(r#""later":{"a":[1]}"#), "{text}");
    }

    #[test]
    fn a_command_of_any_bytes_comes_back() {
        let command: [&[u8]; 3] = [b"sh", b"\xff\n", b""];
        let about = About::new(command.into_iter(), b"/tmp/\xfe");
        let back = About::parse(&about.encode()).expect("it parses");
        assert_eq!(back.command(), command);
        assert_eq!(back.cwd(), b"/tmp/\xfe");
        assert!(!back.command_cut);
    }

    #[test]
    fn a_command_that_is_too_long_is_cut_and_says_so() {
        let long = vec![b'x'; 100];
        let about = About::new(std::iter::repeat_n(long.as_slice(), 10_000), b"/");
        let bytes = about.encode();
        assert!(bytes.len() <= MAX_ABOUT);
        let back = About::parse(&bytes).expect("it parses");
        assert!(back.command_cut && back.command.len() > 100);
    }

    #[test]
    fn a_wait_status_is_a_code_or_a_signal() {
        assert_eq!(Exit::from_wait(0x0300), Exit { code: Some(3), ..Exit::default() });
        assert_eq!(Exit::from_wait(0x8b), Exit { code: None, signal: Some(11), core: true });
    }
}
