//! What to load and how large; loads it topic by topic.

use std::os::fd::BorrowedFd;

use crate::attach::{Loader, Numbers};
use crate::error::Error;
use crate::programs::Topic;
use crate::source::Source;
use crate::types::Types;

/// What to load and how large. Ring sizes are powers of two and whole pages.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Topics to load; those left out cost nothing.
    pub topics: Vec<Topic>,
    /// Bytes of the ring for processes. 20,000 short execs fit into 8 MiB; the longest argv of the
    /// kernel (6 MiB) fits into half of 16 MiB, which is what hashing it may take.
    pub proc_ring: u32,
    /// Bytes of the ring for sockets: of 10,000 connections within one machine, both ends of them.
    pub net_ring: u32,
    /// Bytes of the ring for system calls.
    pub call_ring: u32,
    /// Bytes of the ring for first bytes of conversations: of 4,000 connections at once.
    pub name_ring: u32,
    /// Whether each open of a regular file is told.
    pub count_opens: bool,
    /// Whether opens of files that no mark watches are told with their path.
    pub tell_unwatched: bool,
    /// Whether opens are told by name: failed ones, and those that marks do not reach.
    pub tell_files: bool,
    /// Which failed opens: [`event::wire::failed_opens`].
    pub failed_opens: u32,
    /// Who reads the record. What tasks with other rights do is held back; none: nothing is.
    pub owner: Option<Owner>,
}

/// An ordinary user who records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its number.
    pub uid: u32,
    /// All groups that it is in. Those beyond [`Owner::GROUPS`] count as somebody else's.
    pub groups: Vec<u32>,
    /// Capabilities that it may use.
    pub caps: u64,
}

impl Owner {
    /// How many groups the programs know (`OWNER_GROUPS` in `owner.h`).
    pub const GROUPS: usize = 32;
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            topics: Topic::ALL.to_vec(),
            proc_ring: 16 << 20,
            net_ring: 8 << 20,
            call_ring: 16 << 20,
            name_ring: 4 << 20,
            count_opens: true,
            tell_unwatched: false,
            tell_files: true,
            failed_opens: event::wire::failed_opens::DENIED,
            owner: None,
        }
    }
}

impl Settings {
    pub(crate) fn ring_bytes(&self, topic: Topic) -> u32 {
        match topic {
            Topic::Proc => self.proc_ring,
            Topic::Net => self.net_ring,
            Topic::Calls => self.call_ring,
            Topic::Names => self.name_ring,
        }
    }
}

/// What came of it: what is at work, and what the kernel refused.
#[derive(Debug)]
pub struct Loaded {
    /// Topics whose programs are all attached.
    pub sources: Vec<Source>,
    /// Topics that are missing from the record, and why.
    pub refused: Vec<(Topic, Error)>,
}

/// Loads the topics of `settings` and attaches them to the cgroup `leaf`.
///
/// The leaf should be empty: what runs in it before is recorded from some point on only. All is
/// detached when the sources are dropped or the process dies, however it dies.
///
/// # Errors
/// [`Error::Types`] and [`Error::Leaf`], which concern all topics; others are in
/// [`Loaded::refused`].
pub fn load(settings: &Settings, leaf: BorrowedFd<'_>) -> Result<Loaded, Error> {
    let numbers = Numbers::of(settings, leaf).map_err(Error::Leaf)?;
    let types = Types::of_kernel().map_err(Error::Types)?;
    let mut loader = Loader::new(settings, &numbers, &types, leaf)?;
    let mut loaded = Loaded { sources: Vec::new(), refused: Vec::new() };
    for topic in &settings.topics {
        match loader.attached(*topic) {
            Ok(source) => loaded.sources.push(source),
            Err(error) => loaded.refused.push((*topic, error)),
        }
    }
    Ok(loaded)
}
