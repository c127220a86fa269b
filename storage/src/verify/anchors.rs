//! Lines that were written elsewhere when a run began and ended: what they name must still be there.

use std::collections::BTreeMap;

use event::{digest::hex, sign::Certificate};

use super::{Finding, Verification, Weight};

/// Begins each line, with the version of its form. Whatever a log puts before it is passed over.
const MARK: &str = "audit-anchor 1 ";

/// What the lines say of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Anchored {
    /// Epoch and fingerprint of the host's key.
    keys: Vec<String>,
    /// SHA-256 of the seal.
    seals: Vec<String>,
}

/// What is known from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors {
    runs: BTreeMap<String, Anchored>,
    /// Seals that were named without their run.
    seals: Vec<String>,
}

/// Returns the line for a run that begins, without a newline.
#[must_use]
pub fn anchor_of_start(run: &str, keys: Option<&Certificate>) -> String {
    let keys = keys.map_or_else(|| "unsigned".to_owned(), key);
    format!("{MARK}start {run} {keys}")
}

/// Returns the line for a run that ended: with the hash of its seal, if it has one.
#[must_use]
pub fn anchor_of_end(run: &str, seal: Option<&[u8; 32]>) -> String {
    let seal = seal.map_or_else(|| "none".to_owned(), hex);
    format!("{MARK}seal {run} sha256:{seal}")
}

fn key(certificate: &Certificate) -> String {
    format!("epoch-{} {}", certificate.epoch, certificate.host)
}

impl Anchors {
    /// Adds a seal's hash, as `sha256sum` prints it. Returns whether it is one.
    pub fn add_hash(&mut self, text: &str) -> bool {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let good = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if good {
            self.seals.push(digits.to_ascii_lowercase());
        }
        good
    }

    /// Adds what a log says. Lines of others are passed over. Returns how many lines were ours.
    pub fn add_log(&mut self, text: &str) -> usize {
        text.lines().filter(|line| self.add_line(line).is_some()).count()
    }

    fn add_line(&mut self, line: &str) -> Option<()> {
        let (_, rest) = line.split_once(MARK)?;
        let mut words = rest.split_ascii_whitespace();
        let (what, run) = (words.next()?, words.next()?);
        let run = crate::RunId::parse(run)?.to_string();
        let anchored = self.runs.entry(run).or_default();
        match (what, words.next()?) {
            ("start", "unsigned") => {}
            ("start", epoch) => anchored.keys.push(format!("{epoch} {}", words.next()?)),
            ("seal", seal) => {
                anchored.seals.extend(seal.strip_prefix("sha256:").map(str::to_owned));
            }
            _ => return None,
        }
        Some(())
    }

    /// The runs that are named.
    pub fn runs(&self) -> impl Iterator<Item = &str> {
        self.runs.keys().map(String::as_str)
    }

    /// Holds `run` against what is known of it.
    #[must_use]
    pub fn check(&self, run: &str, verification: &Verification) -> Vec<Finding> {
        let note = |what: &str| vec![Finding::new(Weight::Note, what)];
        let altered = |what: String| Finding::new(Weight::Altered, what);
        let seal = verification.seal_sha256.as_ref().map(hex);
        let there = seal.as_deref().unwrap_or("none");
        let mut findings = Vec::new();
        if !self.seals.is_empty() && !self.seals.iter().any(|known| known == there) {
            findings
                .push(altered(format!("its seal is {there}, which is not the one that was named")));
        }
        let Some(anchored) = self.runs.get(run) else {
            let alone = self.seals.is_empty() && findings.is_empty();
            return if alone { note("no anchor names it") } else { findings };
        };
        let signed = verification.consumed.said.signed.as_ref();
        let is = signed.map(|signed| key(&signed.certificate));
        let same =
            anchored.keys.is_empty() || anchored.keys.iter().any(|key| Some(key) == is.as_ref());
        if !same {
            findings.push(altered("it is signed by other keys than its anchor names".to_owned()));
        }
        match anchored.seals.as_slice() {
            [] => findings.extend(note("its anchor has no seal: the run's end was not anchored")),
            seals if seals.iter().any(|seal| seal == there) => {}
            [seal, ..] => {
                findings.push(altered(format!("its seal is {there}, its anchor says {seal}")));
            }
        }
        findings
    }
}
