//! What to load and how large; loads it.

use std::os::fd::BorrowedFd;
use std::sync::Mutex;
use std::thread;

use aya::Ebpf;

use crate::attach::{Loader, Numbers};
use crate::error::Error;
use crate::programs::Topic;
use crate::source::Source;
use crate::types::Types;
use crate::verify::Verifier;

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

/// Types that were read before anybody asked.
static AHEAD: Mutex<Option<Types>> = Mutex::new(None);

/// Reads the kernel's types for the next [`load`], which reads them itself where this did not succeed: for who
/// has to wait before it knows what to load.
pub fn read_ahead() {
    if let (Ok(types), Ok(mut ahead)) = (Types::of_kernel(), AHEAD.lock()) {
        *ahead = Some(types);
    }
}

/// Forgets what was read ahead, in a process that was forked and will load nothing.
pub fn forget() {
    if let Ok(mut ahead) = AHEAD.lock() {
        *ahead = None;
    }
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
    let ahead = AHEAD.lock().ok().and_then(|mut ahead| ahead.take());
    let types = ahead.map_or_else(Types::of_kernel, Ok).map_err(Error::Types)?;
    let mut loader = Loader::new(settings, &numbers, &types, leaf)?;
    let mut loaded = Loaded { sources: Vec::new(), refused: Vec::new() };
    // The longest first: while it is verified, the others are read.
    let mut objects: Vec<(Topic, Option<Ebpf>)> =
        settings.topics.iter().map(|topic| (*topic, None)).collect();
    objects.sort_by_key(|(topic, _)| *topic != Topic::Calls);
    let verifier = Verifier::new(&types.hooks);
    thread::scope(|scope| {
        verifier.start(scope);
        for (topic, object) in &mut objects {
            match loader.opened(*topic) {
                Ok(ebpf) => verifier.add(*topic, object.insert(ebpf)),
                Err(error) => loaded.refused.push((*topic, error)),
            }
        }
        verifier.finish();
    });
    let mut verified = verifier.verified();
    // In this order: what creates state is attached before what uses it.
    objects.sort_by_key(|(topic, _)| settings.topics.iter().position(|it| it == topic));
    for (topic, ebpf) in objects {
        let Some(ebpf) = ebpf else { continue };
        match loader.attached(topic, ebpf, &mut verified) {
            Ok(source) => loaded.sources.push(source),
            Err(error) => loaded.refused.push((topic, error)),
        }
    }
    Ok(loaded)
}

/// The same for one topic.
pub(crate) fn one(loader: &mut Loader<'_>, types: &Types, topic: Topic) -> Result<Source, Error> {
    let mut ebpf = loader.opened(topic)?;
    let verifier = Verifier::new(&types.hooks);
    verifier.add(topic, &mut ebpf);
    verifier.finish();
    let mut verified = verifier.verified();
    loader.attached(topic, ebpf, &mut verified)
}
