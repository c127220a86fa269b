//! What can go wrong between an embedded object and an attached program.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;

use crate::programs::Topic;

/// Loading, attaching or reading failed; each variant is an attempt.
#[derive(Debug)]
pub enum Error {
    /// The kernel's type information (`/sys/kernel/btf/vmlinux`) could not be read.
    Types(aya::BtfError),
    /// The leaf's descriptor is not one of a cgroup.
    Leaf(io::Error),
    /// The object of a topic was refused: its maps, or a structure that this kernel does not have.
    Object(Topic, Box<EbpfError>),
    /// The object has no such map or program.
    Missing(Topic, &'static str),
    /// A map could not be used.
    Map(Topic, &'static str, Box<MapError>),
    /// A program was refused.
    Program(Topic, &'static str, Box<ProgramError>),
    /// A program could not be attached.
    Attach(Topic, &'static str, Box<ProgramError>),
}

impl Error {
    /// Returns the topic that it concerns, if it is not all of them.
    #[must_use]
    pub fn topic(&self) -> Option<Topic> {
        match self {
            Error::Types(_) | Error::Leaf(_) => None,
            Error::Object(topic, _)
            | Error::Missing(topic, _)
            | Error::Map(topic, ..)
            | Error::Program(topic, ..)
            | Error::Attach(topic, ..) => Some(*topic),
        }
    }

    /// Returns the message with its causes, as one line. Of the verifier's log its last word.
    #[must_use]
    pub fn reason(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            let (before, log) = said.split_once(". Verifier output").unwrap_or((said.as_str(), ""));
            let line = before.lines().next().unwrap_or_default();
            if !line.is_empty() && !text.ends_with(line) {
                text.push_str(": ");
                text.push_str(line);
            }
            if let Some(verdict) = verdict(log) {
                text.push_str("; its verifier says: ");
                text.push_str(verdict);
            }
            cause = error.source();
        }
        text
    }
}

/// Returns the line of a verifier's log that says why: the last one before its statistics
/// (print_verification_stats, kernel/bpf/verifier.c).
fn verdict(log: &str) -> Option<&str> {
    let statistics = ["processed ", "verification time ", "stack depth "];
    let mut lines = log.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty() && !statistics.iter().any(|start| line.starts_with(start)))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Types(_) => write!(f, "cannot read the kernel's types"),
            Error::Leaf(_) => write!(f, "cannot use the run's cgroup"),
            Error::Object(topic, _) => write!(f, "cannot load {}", topic.name()),
            Error::Missing(topic, what) => {
                write!(f, "cannot load {}: its object has no {what}", topic.name())
            }
            Error::Map(topic, map, _) => write!(f, "cannot use map {map} of {}", topic.name()),
            Error::Program(topic, program, _) => {
                write!(f, "cannot load {}: program {program}", topic.name())
            }
            Error::Attach(topic, program, _) => {
                write!(f, "cannot attach {}: program {program}", topic.name())
            }
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Types(source) => Some(source),
            Error::Leaf(source) => Some(source),
            Error::Object(_, source) => Some(source.as_ref()),
            Error::Missing(..) => None,
            Error::Map(_, _, source) => Some(source.as_ref()),
            Error::Program(_, _, source) | Error::Attach(_, _, source) => Some(source.as_ref()),
        }
    }
}
