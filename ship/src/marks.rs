//! What is known of what was sent: one small file for each target, run and part.
//!
//! A mark is replaced as a whole and synced, so that after a crash there is the old one or the new one.
//! The mark `trying` is written before the first byte goes out: who then finds the object there knows
//! whose it may be.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{digest, digest::Digest, parts::Part};

/// How far a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// It may have been sent.
    Trying,
    /// It is there.
    Sent,
    /// Something else is there under its name; it is not tried again.
    Conflict,
}

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// How far.
    pub(crate) stage: Stage,
    /// Of what.
    #[serde(flatten)]
    pub(crate) digest: Digest,
    /// When, RFC 3339.
    pub(crate) at: String,
    /// What there is to say: of a conflict what, of a part that was there before, that.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
}

impl Mark {
    pub(crate) fn now(stage: Stage, digest: &Digest, note: &str) -> Mark {
        let at = jiff::Timestamp::now().to_string();
        Mark { stage, digest: digest.clone(), at, note: note.to_owned() }
    }
}

/// The marks of one target.
#[derive(Debug, Clone)]
pub(crate) struct Marks(PathBuf);

impl Marks {
    /// Those in `state` of the target that is called `to`.
    pub(crate) fn of(state: &Path, to: &str) -> Marks {
        let name = digest::sha256(to.as_bytes());
        Marks(state.join("sent").join(name.get(..16).unwrap_or_default()))
    }

    /// Makes the place, which says whose it is.
    pub(crate) fn make(&self, to: &str) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        replace(&self.0, "target", to.as_bytes())
    }

    /// Where they are.
    #[cfg(feature = "nats")]
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn read(&self, run: &str, part: Part) -> Option<Mark> {
        let text = fs::read(self.0.join(name(run, part))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(crate) fn write(&self, run: &str, part: Part, mark: &Mark) -> io::Result<()> {
        replace(&self.0, &name(run, part), &serde_json::to_vec(mark)?)
    }

    /// Whether nothing is left to do for the part.
    pub(crate) fn is_over(&self, run: &str, part: Part) -> bool {
        self.read(run, part).is_some_and(|mark| mark.stage != Stage::Trying)
    }
}

fn name(run: &str, part: Part) -> String {
    format!("{run}.{}", part.word())
}

/// Puts a file in the place of another, or of none, so that a crash leaves one of the two whole.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_over_when_it_is_sent_or_cannot_be() {
        let temp = tempfile::tempdir().expect("a directory");
        let marks = Marks::of(temp.path(), "/srv/evidence");
        marks.make("/srv/evidence").expect("room");
        let digest = Digest::of(&b"x"[..]).expect("bytes");
        assert!(!marks.is_over("r", Part::Seal));
        for (stage, over) in [(Stage::Trying, false), (Stage::Sent, true), (Stage::Conflict, true)]
        {
            let mark = Mark::now(stage, &digest, "");
            marks.write("r", Part::Seal, &mark).expect("room");
            assert_eq!(marks.read("r", Part::Seal), Some(mark));
            assert_eq!(marks.is_over("r", Part::Seal), over);
        }
        assert!(!marks.is_over("r", Part::SealSig), "parts have marks of their own");
    }

    #[test]
    fn a_mark_that_is_no_mark_is_none() {
        let temp = tempfile::tempdir().expect("a directory");
        let marks = Marks::of(temp.path(), "x");
        marks.make("x").expect("room");
        fs::write(marks.0.join("r.seal"), "{").expect("room");
        assert!(!marks.is_over("r", Part::Seal));
    }
}
