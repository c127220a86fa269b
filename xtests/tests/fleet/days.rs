//! Other days: a recorded run is signed anew as one of another day, as a forger would who has a key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use event::{
    frame::control::{KIND_CHECKPOINT, KIND_SEAL, KIND_SEGMENT, KIND_START},
    sign::{Public, Secret},
    time::{civil, rfc3339},
};

use crate::forge::{pieces, signed};

const DAY_NS: i64 = 86_400 * 1_000_000_000;

/// A machine's key that is known to nobody.
fn host() -> Secret {
    Secret::from_seed(&[99; 32])
}

/// Its public half.
pub(crate) fn key() -> Public {
    host().public()
}

/// `20251230` of a number of days since 1970.
fn digits(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}{month:02}{day:02}")
}

/// Where a frame has the world's clock, nanoseconds (docs/storage.md).
fn clock_at(kind: u16) -> Option<usize> {
    match kind {
        KIND_START => Some(8),
        KIND_CHECKPOINT | KIND_SEAL => Some(40),
        _ => None,
    }
}

/// Makes the recorded run in `dir` one of the day `day` (days since 1970): its id, its clocks, its keys.
/// What was derived of it goes; what happened in it, and at which time of the day, stays.
pub(crate) fn moved(dir: &Path, day: i64) -> PathBuf {
    let id = dir.file_name().and_then(|name| name.to_str()).expect("a name");
    let was =
        (0..60_000).find(|was| id.starts_with(&digits(*was))).expect("an id begins with its day");
    let new = format!("{}{}", digits(day), &id[8..]);
    let segments = dir.join("segments");
    assert!(!segments.join("000002.seg").exists(), "these runs are small");
    let segment = segments.join("000001.seg");
    let mut all = pieces(&fs::read(&segment).expect("it reads"));
    let mut clocks = Vec::new();
    for piece in &mut all {
        if piece.kind == KIND_SEGMENT {
            piece.payload[32..32 + new.len()].copy_from_slice(new.as_bytes());
        }
        if let Some(at) = clock_at(piece.kind) {
            let clock = &mut piece.payload[at..at + 8];
            let ns = i64::from_le_bytes(clock.try_into().expect("eight")) + (day - was) * DAY_NS;
            clock.copy_from_slice(&ns.to_le_bytes());
            clocks.push(ns);
        }
    }
    let (first, last) = (clocks[0], *clocks.last().expect("a seal"));
    let made_s = u64::try_from(first / 1_000_000_000).expect("after 1970");
    let forged = signed(&new, all, &host(), (7, made_s));
    let old = fs::read_to_string(segments.join("seal")).expect("it reads");
    let quoted = |ns: i64| {
        let mut text = Vec::new();
        rfc3339(ns, &mut text);
        format!("\"{}\"", String::from_utf8_lossy(&text))
    };
    let changes =
        [("run", format!("\"{new}\"")), ("started", quoted(first)), ("ended", quoted(last))];
    let [seal, signature] = forged.sealed(&old, &changes);
    fs::write(&segment, &forged.segment).expect("room");
    fs::write(segments.join("seal"), seal).expect("room");
    fs::write(segments.join("seal.sig"), signature).expect("room");
    let to = dir.with_file_name(new);
    fs::rename(dir, &to).expect("it moves");
    for derived in fs::read_dir(&to).expect("it reads").map(|entry| entry.expect("an entry").path())
    {
        if derived.is_file() {
            fs::remove_file(derived).expect("it is ours");
        }
    }
    to
}
