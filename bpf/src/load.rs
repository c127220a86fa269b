//! Loads the objects and attaches their programs to a leaf.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use aya::maps::{CgroupArray, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::{self, CgroupAttachMode, ProgramError};
use aya::{Btf, Ebpf, EbpfLoader};

use crate::error::Error;
use crate::programs::{Hook, Program, Topic};
use crate::source::{Buffer, Ring, Source};
use crate::sys;
use crate::tracefs::Tracefs;

/// What to load and how large. Ring sizes are powers of two and whole pages.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Topics to load; those left out cost nothing.
    pub topics: Vec<Topic>,
    /// Bytes of the ring for processes. 20,000 short execs fit into 8 MiB.
    pub proc_ring: u32,
    /// Bytes of the ring for sockets.
    pub net_ring: u32,
    /// Bytes of the ring for opens.
    pub open_ring: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            topics: Topic::ALL.to_vec(),
            proc_ring: 8 << 20,
            net_ring: 4 << 20,
            open_ring: 16 << 20,
        }
    }
}

impl Settings {
    fn ring_bytes(&self, topic: Topic) -> u32 {
        match topic {
            Topic::Proc => self.proc_ring,
            Topic::Net => self.net_ring,
            Topic::Opens => self.open_ring,
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
    let types = Btf::from_sys_fs().map_err(Error::Types)?;
    let leaf_id = cgroup_id(leaf).map_err(Error::Leaf)?;
    let mut loaded = Loaded { sources: Vec::new(), refused: Vec::new() };
    for topic in &settings.topics {
        let prepared = Object { topic: *topic, bytes: settings.ring_bytes(*topic), leaf_id };
        match prepared.attached(&types, leaf) {
            Ok(source) => loaded.sources.push(source),
            Err(error) => loaded.refused.push((*topic, error)),
        }
    }
    Ok(loaded)
}

/// The kernel's number of a cgroup is the inode number of its folder (kernfs, 64-bit kernels).
pub(crate) fn cgroup_id(leaf: BorrowedFd<'_>) -> io::Result<u64> {
    Ok(File::from(leaf.try_clone_to_owned()?).metadata()?.ino())
}

/// A topic on its way in.
pub(crate) struct Object {
    pub(crate) topic: Topic,
    pub(crate) bytes: u32,
    pub(crate) leaf_id: u64,
}

impl Object {
    /// Loads, fills the leaf in, and attaches: in that order, so that no program runs without it.
    pub(crate) fn attached(&self, types: &Btf, leaf: BorrowedFd<'_>) -> Result<Source, Error> {
        let mut ebpf = self.open(types)?;
        self.set_leaf(&mut ebpf, leaf)?;
        let mut events = Vec::new();
        for program in self.topic.programs() {
            let found = ebpf.program_mut(program.name);
            let found = found.ok_or(Error::Missing(self.topic, program.name))?;
            load_program(program, found, types)
                .map_err(|e| Error::Program(self.topic, program.name, Box::new(e)))?;
            if let Hook::Tracepoint(category, name) = program.hook {
                let fd = found
                    .fd()
                    .map_err(|e| Error::Program(self.topic, program.name, Box::new(e)))?;
                let event = at_tracepoint(fd.as_fd(), category, name)
                    .map_err(|e| Error::Tracepoint(self.topic, program.name, e))?;
                events.push(event);
            } else {
                attach_program(program, found, leaf)
                    .map_err(|e| Error::Attach(self.topic, program.name, Box::new(e)))?;
            }
        }
        self.source(ebpf, events)
    }

    fn open(&self, types: &Btf) -> Result<Ebpf, Error> {
        let wake_bytes = u64::from((self.bytes / 4).min(256 << 10));
        let mut loader = EbpfLoader::new();
        loader
            .btf(Some(types))
            .allow_unsupported_maps() // task storage: used by the programs only
            .map_max_entries(self.topic.ring(), self.bytes)
            .override_global("leaf_id", &self.leaf_id, false)
            .override_global("wake_bytes", &wake_bytes, false);
        loader.load(self.topic.object()).map_err(|e| Error::Object(self.topic, Box::new(e)))
    }

    fn set_leaf(&self, ebpf: &mut Ebpf, leaf: BorrowedFd<'_>) -> Result<(), Error> {
        // Programs on the cgroup itself need no map to know it.
        let Some(map) = ebpf.map_mut("leaf") else { return Ok(()) };
        let wrong = |e| Error::Map(self.topic, "leaf", Box::new(e));
        let mut array: CgroupArray<&mut MapData> = map.try_into().map_err(wrong)?;
        array.set(0, leaf, 0).map_err(wrong)
    }

    fn source(&self, mut ebpf: Ebpf, events: Vec<OwnedFd>) -> Result<Source, Error> {
        let topic = self.topic;
        let ring = RingBuf::try_from(take(&mut ebpf, topic, topic.ring())?)
            .map_err(|e| Error::Map(topic, topic.ring(), Box::new(e)))?;
        let counters = PerCpuArray::try_from(take(&mut ebpf, topic, "counters")?)
            .map_err(|e| Error::Map(topic, "counters", Box::new(e)))?;
        let ring = Ring(Buffer(ring));
        Ok(Source { topic, ring, counters, ebpf: Some(ebpf), events, missed: 0 })
    }
}

fn take(ebpf: &mut Ebpf, topic: Topic, name: &'static str) -> Result<Map, Error> {
    ebpf.take_map(name).ok_or(Error::Missing(topic, name))
}

fn load_program(
    program: &Program,
    found: &mut programs::Program,
    types: &Btf,
) -> Result<(), ProgramError> {
    match program.hook {
        Hook::BtfTracepoint(name) => as_mut::<programs::BtfTracePoint>(found)?.load(name, types),
        Hook::Tracepoint(..) => as_mut::<programs::TracePoint>(found)?.load(),
        Hook::CgroupSkb => as_mut::<programs::CgroupSkb>(found)?.load(),
        Hook::CgroupSock => as_mut::<programs::CgroupSock>(found)?.load(),
        Hook::CgroupSockAddr => as_mut::<programs::CgroupSockAddr>(found)?.load(),
        Hook::SockOps => as_mut::<programs::SockOps>(found)?.load(),
    }
}

/// Cgroup programs become links, which always allow others beside and below them.
fn attach_program(
    program: &Program,
    found: &mut programs::Program,
    leaf: BorrowedFd<'_>,
) -> Result<(), ProgramError> {
    let mode = CgroupAttachMode::Single;
    match program.hook {
        Hook::BtfTracepoint(_) => as_mut::<programs::BtfTracePoint>(found)?.attach().map(drop),
        Hook::Tracepoint(..) => Ok(()), // at_tracepoint has done it
        Hook::CgroupSkb => {
            let skb = as_mut::<programs::CgroupSkb>(found)?;
            let way =
                (*skb.expected_attach_type()).unwrap_or(programs::CgroupSkbAttachType::Ingress);
            skb.attach(leaf.as_fd(), way, mode).map(drop)
        }
        Hook::CgroupSock => as_mut::<programs::CgroupSock>(found)?.attach(leaf, mode).map(drop),
        Hook::CgroupSockAddr => {
            as_mut::<programs::CgroupSockAddr>(found)?.attach(leaf, mode).map(drop)
        }
        Hook::SockOps => as_mut::<programs::SockOps>(found)?.attach(leaf, mode).map(drop),
    }
}

/// aya's own way needs a mounted tracefs.
fn at_tracepoint(program: BorrowedFd<'_>, category: &str, name: &str) -> io::Result<OwnedFd> {
    let event = sys::open_tracepoint(Tracefs::open()?.id(category, name)?)?;
    sys::attach_to_event(&event, program)?;
    Ok(event)
}

fn as_mut<'a, T>(program: &'a mut programs::Program) -> Result<&'a mut T, ProgramError>
where
    &'a mut T: TryFrom<&'a mut programs::Program, Error = ProgramError>,
{
    program.try_into()
}
