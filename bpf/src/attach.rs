//! One object on its way into the kernel: load, fill in, attach.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;

use aya::maps::{Array, CgroupArray, HashMap, Map, MapData, PerCpuArray};
use aya::programs::{self, ProgramError};
use aya::{Ebpf, EbpfLoader};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::bpffs::Bpffs;
use crate::error::Error;
use crate::held::Held;
use crate::links::Links;
use crate::load::{Owner, Settings};
use crate::programs::{Need, Topic};
use crate::source::{Ring, Source};
use crate::types::Types;
use crate::verify::Verified;

/// Settings of the programs: `const volatile` in C, set before they are verified.
pub(crate) struct Numbers {
    leaf_id: u64,
    wake_bytes: u64,
    pid_ns: u32,
    count_opens: u32,
    tell_unwatched: u32,
    tell_files: u32,
    failed_opens: u32,
    owner: Ordinary,
    /// Holds the maps that objects share while they load; without it, each has its own.
    shared: Option<Bpffs>,
}

impl Numbers {
    pub(crate) fn of(settings: &Settings, leaf: BorrowedFd<'_>) -> io::Result<Numbers> {
        // The kernel's number of a cgroup is the inode number of its folder (kernfs, 64 bits).
        let leaf_id = File::from(leaf.try_clone_to_owned()?).metadata()?.ino();
        let wake_bytes = u64::from(settings.call_ring / 4).clamp(1, 256 << 10);
        // Namespaces have 32-bit numbers (struct ns_common).
        let pid_ns = std::fs::metadata("/proc/self/ns/pid")?.ino() as u32;
        let count_opens = settings.count_opens.into();
        let tell_unwatched = settings.tell_unwatched.into();
        let tell_files = settings.tell_files.into();
        let failed_opens = settings.failed_opens;
        let owner = Ordinary::of(settings.owner.as_ref())?;
        let shared = match Bpffs::new() {
            // Who is held back stands in the marks of tasks: all objects must have the same.
            Err(why) if settings.owner.is_some() => return Err(why),
            shared => shared.ok(),
        };
        Ok(Numbers {
            leaf_id,
            wake_bytes,
            pid_ns,
            count_opens,
            tell_unwatched,
            tell_files,
            failed_opens,
            owner,
            shared,
        })
    }
}

/// [`crate::Owner`] as the programs have it.
#[derive(Default)]
struct Ordinary {
    hold_back: u32,
    uid: u32,
    groups: [u32; Owner::GROUPS],
    group_count: u32,
    caps: u64,
    user_ns: u32,
}

impl Ordinary {
    fn of(owner: Option<&Owner>) -> io::Result<Ordinary> {
        let Some(owner) = owner else { return Ok(Ordinary::default()) };
        let mut groups = [0; Owner::GROUPS];
        for (place, group) in groups.iter_mut().zip(&owner.groups) {
            *place = *group;
        }
        let group_count = owner.groups.len().min(Owner::GROUPS) as u32;
        let user_ns = std::fs::metadata("/proc/self/ns/user")?.ino() as u32;
        let Owner { uid, caps, .. } = *owner;
        Ok(Ordinary { hold_back: 1, uid, groups, group_count, caps, user_ns })
    }
}

/// Maps that several objects use: marks of tasks, processes that came in, what is known of sockets, which
/// connects are told.
const SHARED: [&str; 4] = ["tracked", "moved", "sockets", "begun"];

/// Opens objects one after the other with the kernel's types read once, and attaches what they hold.
pub(crate) struct Loader<'a> {
    loader: EbpfLoader<'a>,
    leaf: BorrowedFd<'a>,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(
        settings: &Settings,
        numbers: &'a Numbers,
        types: &'a Types,
        leaf: BorrowedFd<'a>,
    ) -> Result<Loader<'a>, Error> {
        let mut loader = without_types();
        loader.btf(Some(&types.layouts));
        loader
            .allow_unsupported_maps() // task storage: used by the programs only
            .override_global("leaf_id", &numbers.leaf_id, false)
            .override_global("wake_bytes", &numbers.wake_bytes, false)
            .override_global("pid_ns", &numbers.pid_ns, false)
            .override_global("count_opens", &numbers.count_opens, false)
            .override_global("tell_unwatched", &numbers.tell_unwatched, false)
            .override_global("tell_files", &numbers.tell_files, false)
            .override_global("failed_opens", &numbers.failed_opens, false)
            .override_global("hold_back", &numbers.owner.hold_back, false)
            .override_global("owner_uid", &numbers.owner.uid, false)
            .override_global("owner_groups", &numbers.owner.groups, false)
            .override_global("owner_group_count", &numbers.owner.group_count, false)
            .override_global("owner_caps", &numbers.owner.caps, false)
            .override_global("owner_ns", &numbers.owner.user_ns, false);
        if let Some(shared) = &numbers.shared {
            for map in SHARED {
                loader.map_pin_path(map, shared.place_of(map));
            }
        }
        for topic in Topic::ALL {
            loader.map_max_entries(topic.ring(), settings.ring_bytes(topic));
        }
        Ok(Loader { loader, leaf })
    }

    /// Loads the maps and fills the leaf in; its programs are not in the kernel yet.
    pub(crate) fn opened(&mut self, topic: Topic) -> Result<Ebpf, Error> {
        let loaded = self.loader.load(topic.object());
        let mut ebpf = loaded.map_err(|e| Error::Object(topic, Box::new(e)))?;
        self.set_leaf(topic, &mut ebpf)?;
        Ok(ebpf)
    }

    /// Attaches what the verifier let through: after the leaf is filled in, so that no program runs without it.
    pub(crate) fn attached(
        &self,
        topic: Topic,
        mut ebpf: Ebpf,
        verified: &mut Vec<Verified>,
    ) -> Result<Source, Error> {
        let (mut absent, mut links) = (Vec::new(), Links::new(take_leaf(topic, &mut ebpf)?));
        for program in topic.programs() {
            let is_it =
                |it: &Verified| it.program.topic == topic && it.program.name == program.name;
            let own = verified.iter().position(is_it);
            let own = own.map(|at| verified.swap_remove(at));
            match own.ok_or(Error::Missing(topic, program.name))?.result {
                Ok(()) => {}
                Err(ProgramError::Btf(_)) if program.need != Need::Must => {
                    if program.need == Need::Told {
                        absent.push(program.why);
                    }
                    continue;
                }
                Err(why) => return Err(Error::Program(topic, program.name, Box::new(why))),
            }
            let found = ebpf.program_mut(program.name);
            let found = found.ok_or(Error::Missing(topic, program.name))?;
            links
                .add(program.hook, found, self.leaf)
                .map_err(|e| Error::Attach(topic, program.name, Box::new(e)))?;
        }
        Ok(Source { absent, ..source(topic, ebpf, links)? })
    }

    fn set_leaf(&self, topic: Topic, ebpf: &mut Ebpf) -> Result<(), Error> {
        let map = ebpf.map_mut("leaf").ok_or(Error::Missing(topic, "leaf"))?;
        let wrong = |e| Error::Map(topic, "leaf", Box::new(e));
        let mut array: CgroupArray<&mut MapData> = map.try_into().map_err(wrong)?;
        array.set(0, self.leaf, 0).map_err(wrong)
    }
}

/// aya's loader, without the kernel's types: made where no file can be opened, since it would read all of
/// them (5 MB) and keep what comes of it, before it can be given others.
fn without_types<'a>() -> EbpfLoader<'a> {
    let limit = getrlimit(Resource::Nofile);
    let none = Rlimit { current: Some(0), ..limit };
    let lowered = setrlimit(Resource::Nofile, none).is_ok();
    let loader = EbpfLoader::new();
    if lowered {
        // What the soft limit was is never refused: it is not above the hard one.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    loader
}

pub(crate) fn as_mut<'a, T>(program: &'a mut programs::Program) -> Result<&'a mut T, ProgramError>
where
    &'a mut T: TryFrom<&'a mut programs::Program, Error = ProgramError>,
{
    program.try_into()
}

/// Takes the map of the leaf, which is filled in.
fn take_leaf(topic: Topic, ebpf: &mut Ebpf) -> Result<CgroupArray<MapData>, Error> {
    let wrong = |e| Error::Map(topic, "leaf", Box::new(e));
    take(ebpf, topic, "leaf")?.try_into().map_err(wrong)
}

/// What is left to read of an object; the rest of it, megabytes in all, is not needed any more.
fn source(topic: Topic, mut ebpf: Ebpf, links: Links) -> Result<Source, Error> {
    let ring = Ring::of(take(&mut ebpf, topic, topic.ring())?)
        .map_err(|e| Error::Map(topic, topic.ring(), Box::new(e)))?;
    let counters = PerCpuArray::try_from(take(&mut ebpf, topic, "counters")?)
        .map_err(|e| Error::Map(topic, "counters", Box::new(e)))?;
    let attention = Array::try_from(take(&mut ebpf, topic, "attention")?)
        .map_err(|e| Error::Map(topic, "attention", Box::new(e)))?;
    let watched = ebpf.take_map("watched").and_then(|map| HashMap::try_from(map).ok());
    let foreign = ebpf.take_map("foreign").map(|map| Held::of(topic, map)).transpose()?;
    let inherited = ebpf.take_map("inherited_uses").map(|map| Held::of(topic, map)).transpose()?;
    let (links, absent) = (Some(links), Vec::new());
    let missed = 0;
    Ok(Source {
        topic,
        ring,
        attention,
        counters,
        watched,
        foreign,
        inherited,
        links,
        missed,
        absent,
    })
}

fn take(ebpf: &mut Ebpf, topic: Topic, name: &'static str) -> Result<Map, Error> {
    ebpf.take_map(name).ok_or(Error::Missing(topic, name))
}
