//! Whether a record is the one that was recorded: frames, chain, signatures, seal.
//!
//! What is derived from it is compared by whoever can derive. Everything here only reads.

mod anchors;
mod hosts;
mod sealed;
mod signers;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

use event::sign::{Certificate, Public};

use crate::{Consumed, Damage, Error, RunDir, Tail, Wrong};

pub use anchors::{Anchors, anchor_of_end, anchor_of_start};
pub use hosts::HostLog;
pub use signers::{Signer, SignersError};

/// `CLOCK_REALTIME` may be set between the moment of a run's id and that of its keys; more than this
/// apart, they are not of one run. Starting a run takes seconds at most.
const MOST_APART_S: u64 = 600;

/// `Start::trust` of a recorder that is out of its user's reach.
const TRUST_SEALED: u32 = 1;

/// How bad a finding is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know.
    Note,
    /// The record has no end.
    Unclean,
    /// Something cannot be read.
    Unreadable,
    /// The record is not what was recorded, or nothing shows that it is.
    Altered,
}

/// Something that a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// The file, as seen from the run's directory.
    pub file: Option<String>,
    /// The byte at which it shows.
    pub offset: Option<u64>,
    /// What is wrong, in plain words. May quote the record.
    pub what: String,
}

impl Finding {
    /// A finding that is about no file.
    #[must_use]
    pub fn new(weight: Weight, what: impl Into<String>) -> Finding {
        Finding { weight, file: None, offset: None, what: what.into() }
    }

    /// The same, about `file`.
    #[must_use]
    pub fn of(self, file: impl Into<String>) -> Finding {
        Finding { file: Some(file.into()), ..self }
    }

    /// The same, from this byte on.
    #[must_use]
    pub fn at(self, offset: u64) -> Finding {
        Finding { offset: Some(offset), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.offset) {
            (Some(file), Some(at)) => write!(f, "{file} at byte {at}: {}", self.what),
            (Some(file), None) => write!(f, "{file}: {}", self.what),
            _ => f.write_str(&self.what),
        }
    }
}

/// Who is trusted to have recorded.
#[derive(Debug, Default)]
pub struct Trusted {
    /// Keys of this machine's recorders.
    pub hosts: Vec<HostLog>,
    /// Keys that were named.
    pub keys: Vec<Public>,
    /// Lines of a file of allowed signers.
    pub signers: Vec<Signer>,
}

/// Why a run's key is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It is one of this machine's, as the log in this directory says.
    Host(std::path::PathBuf),
    /// It was named, or comes from one that was.
    Key,
    /// A line of the allowed signers has it.
    Signer,
}

/// What a verification found.
#[derive(Debug)]
pub struct Verification {
    /// What was read.
    pub consumed: Consumed,
    /// The run is still recorded.
    pub live: bool,
    /// Why its key is trusted, if it is.
    pub known: Option<Known>,
    /// Nothing is wrong with its signatures but that nobody known here made them.
    pub is_strangers: bool,
    /// SHA-256 of the seal's text, when there is one.
    pub seal_sha256: Option<[u8; 32]>,
    /// The seal's signature holds and its text says what was read.
    pub seal_holds: bool,
    /// What is to be said, in the order in which it was found.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// The worst finding, [`Weight::Note`] when nothing is wrong.
    #[must_use]
    pub fn weight(&self) -> Weight {
        self.findings.iter().map(|finding| finding.weight).max().unwrap_or(Weight::Note)
    }

    /// Whether nothing is wrong but that the host that signed it is not known here.
    #[must_use]
    pub fn lacks_a_key_alone(&self) -> bool {
        let wrong = self.findings.iter().filter(|finding| finding.weight > Weight::Unclean);
        self.is_strangers && wrong.count() == 1
    }
}

/// Verifies the record of `run`.
///
/// # Errors
/// [`Error::File`] when the segments cannot be listed or opened.
pub fn verify(run: &RunDir, trusted: &Trusted) -> Result<Verification, Error> {
    // First: a run that ends meanwhile is one without a seal, not one that was changed.
    let live = run.is_locked()?;
    let mut tail = Tail::open(run)?;
    let Ok(()) = tail.read_all(|_| Ok::<(), std::convert::Infallible>(()));
    let consumed = tail.finish()?;
    let mut findings = of_damage(&consumed, live);
    findings.extend(of_identity(run, &consumed));
    let keys = of_keys(run, &consumed, trusted);
    findings.extend(keys.findings);
    let sealed = sealed::check(run, &consumed);
    if !(live && consumed.said.seal.is_none()) {
        findings.extend(sealed.findings);
    }
    findings.extend(of_end(&consumed, live));
    let (seal_sha256, seal_holds) = (sealed.sha256, sealed.holds);
    let (known, is_strangers) = (keys.known, keys.is_strangers);
    Ok(Verification { consumed, live, known, is_strangers, seal_sha256, seal_holds, findings })
}

fn of_damage(consumed: &Consumed, live: bool) -> Vec<Finding> {
    let last = consumed.segments.last().map(|segment| segment.file.as_str());
    let of = |damage: &Damage| {
        let at_end = last.is_none_or(|last| last == damage.file) && !consumed.sealed;
        let weight = match damage.what {
            Wrong::Torn if at_end && live => Weight::Note,
            Wrong::Torn if at_end => Weight::Unclean,
            Wrong::Missing if consumed.segments.is_empty() => Weight::Unreadable,
            Wrong::Unreadable(_) | Wrong::Version(_) => Weight::Unreadable,
            _ => Weight::Altered,
        };
        let before = damage.frames_before;
        let what = format!("{} ({before} whole frames before it)", damage.what);
        Finding::new(weight, what).of(format!("segments/{}", damage.file)).at(damage.offset)
    };
    consumed.damage.iter().map(of).collect()
}

/// A record under another name would be taken for another run's.
fn of_identity(run: &RunDir, consumed: &Consumed) -> Option<Finding> {
    let said = &consumed.said.run;
    let other = !said.is_empty() && said != run.id().as_str().as_bytes();
    other.then(|| {
        let said = String::from_utf8_lossy(said);
        Finding::new(
            Weight::Altered,
            format!("the directory is that of {}, the record is of {said}", run.id()),
        )
    })
}

/// What there is to say of a run's keys.
#[derive(Debug, Default)]
struct Keys {
    known: Option<Known>,
    is_strangers: bool,
    findings: Vec<Finding>,
}

/// Whether the run's keys are of somebody who is trusted, and of the time of the run.
fn of_keys(run: &RunDir, consumed: &Consumed, trusted: &Trusted) -> Keys {
    let altered = |what: String| Finding::new(Weight::Altered, what);
    let mut keys = Keys::default();
    if consumed.frames == 0 {
        return keys;
    }
    let Some(signed) = &consumed.said.signed else {
        let what = "the record is not signed: whoever could write it can have made it";
        keys.findings.push(altered(what.to_owned()));
        return keys;
    };
    let certificate = &signed.certificate;
    keys.findings.extend(of_time(consumed, certificate));
    keys.known = match trusted.know(certificate, HostLog::carried(run).as_ref()) {
        Ok(known) => known,
        Err(why) => {
            keys.findings.push(altered(why));
            return keys;
        }
    };
    let sealed = consumed.said.begun.as_ref().is_some_and(|it| it.start.trust == TRUST_SEALED);
    match &keys.known {
        None => {
            keys.is_strangers = true;
            keys.findings.push(altered(format!(
                "it is signed by {} of epoch {}, which is not known here (--key, --allowed-signers)",
                certificate.host, certificate.epoch
            )));
        }
        Some(Known::Host(place)) if sealed && !hosts::is_installed(place) => {
            keys.findings.push(altered(format!(
                "it says to be recorded out of its user's reach, but is signed by the key in {}",
                place.display()
            )));
        }
        Some(_) => {}
    }
    keys
}

/// A later key of the host cannot have signed an earlier run.
fn of_time(consumed: &Consumed, certificate: &Certificate) -> Option<Finding> {
    let begun = consumed.said.begun.as_ref()?;
    let start = u64::try_from(begun.start.real_ns / 1_000_000_000).unwrap_or(0);
    let id = std::str::from_utf8(&consumed.said.run).ok().and_then(crate::RunId::parse)?;
    let id = id.unix()?;
    let apart = start.abs_diff(certificate.made_s).max(id.abs_diff(certificate.made_s));
    (apart > MOST_APART_S).then(|| {
        let what = "the run's id, its start and its keys are of different times: it was signed \
                    later, or the clock was set while it started";
        Finding::new(Weight::Altered, what)
    })
}

fn of_end(consumed: &Consumed, live: bool) -> Option<Finding> {
    let ends_early = consumed.damage.iter().any(|damage| damage.what.ends_reading());
    let what = match (live, &consumed.said.seal) {
        (_, Some(_)) => return None,
        (true, None) => "it is still being recorded",
        // Where it ends is said already.
        (false, None) if ends_early || consumed.frames == 0 => return None,
        (false, None) => "it has no seal: the recorder died, or the end was cut off",
    };
    // Whole frames behind the last signature can be anybody's.
    let signed = consumed.said.signed.as_ref().map_or(0, |signed| signed.frame);
    let what = format!("{what}; signed up to frame {signed} of {}", consumed.frames);
    Some(Finding::new(Weight::Unclean, what))
}
