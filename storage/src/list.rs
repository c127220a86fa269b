//! What can be said of a run without deriving anything: for lists.

use crate::{About, Exit, RunDir, RunId, segments};

/// Whether a run is over, and how its record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is still recorded.
    Running,
    /// Its record ends with a seal.
    Sealed,
    /// The recorder died: the record ends without a seal.
    Truncated,
    /// It has no frame at all.
    Empty,
}

/// A run in a list. Texts are as hostile as file names.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The run.
    pub id: RunId,
    /// Whether it is over.
    pub state: State,
    /// `--name`.
    pub name: Option<String>,
    /// The command and where it was started, as the front said.
    pub about: About,
    /// When it began, nanoseconds since 1970.
    pub started_ns: Option<i64>,
    /// When its record was sealed, nanoseconds since 1970.
    pub ended_ns: Option<i64>,
    /// How long that was by the kernel's clock, nanoseconds.
    pub took_ns: Option<u64>,
    /// How the command ended.
    pub exit: Option<Exit>,
    /// The verdict, once events were derived; not compared with the segments.
    pub verdict: Option<String>,
    /// Why the verdict is what it is.
    pub reasons: Vec<String>,
    /// How far the record says that it is out of the command's reach: `sealed`, `direct` or `local`.
    pub trust: Option<&'static str>,
    /// Where it came from, if it was recorded elsewhere.
    pub imported: Option<crate::Imported>,
    /// Bytes of the directory's files.
    pub bytes: u64,
}

impl RunDir {
    /// Looks at the first frames, the seal and `meta.json`, whatever of them can be read.
    #[must_use]
    pub fn listed(&self) -> Listed {
        let first = segments::first(self.segments());
        let is_locked = self.is_locked().unwrap_or(false);
        let seal = segments::seal(self.segments());
        let state = match (&seal, is_locked, first.id) {
            (Some(_), _, _) => State::Sealed,
            (None, true, _) => State::Running,
            (None, false, Some(_)) => State::Truncated,
            (None, false, None) => State::Empty,
        };
        // A live run's meta.json would be of an earlier attempt.
        let meta = self.meta().ok().flatten().filter(|_| state != State::Running);
        let (verdict, reasons) = meta.map(|meta| (meta.verdict, meta.reasons)).unzip();
        let about = first.about.unwrap_or_default();
        let status = seal.filter(|seal| seal.main_known == 1).map(|seal| seal.main_code);
        Listed {
            id: self.id().clone(),
            state,
            name: about.name.clone(),
            about,
            started_ns: first.started_ns,
            ended_ns: seal.map(|seal| seal.real_ns),
            took_ns: seal
                .zip(first.began_ns)
                .map(|(seal, began)| seal.boot_ns.saturating_sub(began)),
            exit: status.map(Exit::from_wait),
            verdict,
            reasons: reasons.unwrap_or_default(),
            trust: first.trust.map(event::protocol::trust::word),
            imported: self.imported(),
            bytes: self.bytes(),
        }
    }

    fn bytes(&self) -> u64 {
        let mut bytes = 0_u64;
        for dir in [self.dir(), self.segments()] {
            let Ok(entries) = rustix::fs::Dir::read_from(dir) else { continue };
            for entry in entries.flatten() {
                let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                let Ok(stat) = rustix::fs::statat(dir, entry.file_name(), flags) else { continue };
                let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
                if kind == rustix::fs::FileType::RegularFile {
                    bytes = bytes.saturating_add(u64::try_from(stat.st_size).unwrap_or(0));
                }
            }
        }
        bytes
    }
}
