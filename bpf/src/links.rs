//! Programs at work: their links, which attach them as long as they live, and descriptors to ask how they do. aya's objects,
//! which hold each program's instructions and types, are not kept.

use std::any::Any;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use aya::maps::{CgroupArray, MapData};
use aya::programs::links::LinkError;
use aya::programs::{self, CgroupAttachMode, ProgramError};

use crate::attach::as_mut;
use crate::memory;
use crate::programs::Hook;

/// Attaches a program of this kind; its link is taken out of aya's object, which goes.
macro_rules! attached {
    ($found:expr, $kind:ty $(, $with:expr)*) => {{
        let it = as_mut::<$kind>($found)?;
        let link = it.attach($($with),*)?;
        it.take_link(link)?
    }};
}

/// The programs of one topic. Dropping it detaches them.
pub(crate) struct Links {
    leaf: CgroupArray<MapData>,
    programs: Vec<OwnedFd>,
    links: Vec<Box<dyn Any + Send>>,
    /// Of the program that runs as its file is read.
    files: Option<programs::iter::IterLink>,
}

impl Links {
    /// None yet, of programs that find the run by `leaf`.
    pub(crate) fn new(leaf: CgroupArray<MapData>) -> Links {
        Links { leaf, programs: Vec::new(), links: Vec::new(), files: None }
    }

    /// Attaches a program. On cgroups it is a link, which always allows others beside and below it.
    pub(crate) fn add(
        &mut self,
        hook: Hook,
        found: &mut programs::Program,
        leaf: BorrowedFd<'_>,
    ) -> Result<(), ProgramError> {
        let fd = found.fd()?.as_fd().try_clone_to_owned().map_err(ProgramError::IOError)?;
        self.programs.push(fd);
        let mode = CgroupAttachMode::Single;
        let link: Box<dyn Any + Send> = match hook {
            Hook::BtfTracepoint(_) => Box::new(attached!(found, programs::BtfTracePoint)),
            Hook::CgroupSkb => {
                let way = *as_mut::<programs::CgroupSkb>(found)?.expected_attach_type();
                let way = way.unwrap_or(programs::CgroupSkbAttachType::Ingress);
                Box::new(attached!(found, programs::CgroupSkb, leaf, way, mode))
            }
            Hook::CgroupSock => Box::new(attached!(found, programs::CgroupSock, leaf, mode)),
            Hook::CgroupSockAddr => {
                Box::new(attached!(found, programs::CgroupSockAddr, leaf, mode))
            }
            Hook::SockOps => Box::new(attached!(found, programs::SockOps, leaf, mode)),
            Hook::TaskFiles => {
                self.files = Some(attached!(found, programs::Iter));
                return Ok(());
            }
        };
        self.links.push(link);
        Ok(())
    }

    /// Runs the program that looks through descriptors, once.
    pub(crate) fn settle(&mut self) -> Result<(), ProgramError> {
        let Some(link) = self.files.take() else { return Ok(()) };
        let file = link.into_file().map_err(io_error)?;
        // It writes nothing into its file.
        io::copy(&mut { file }, &mut io::sink()).map(drop).map_err(ProgramError::IOError)
    }

    /// Lets no program run any more: those that find no leaf leave at once, until they are detached.
    pub(crate) fn close(&mut self) {
        // Refused by no kernel; they are detached right after it.
        let _ = self.leaf.unset(0);
    }

    /// How often the kernel left out a run of one of them.
    pub(crate) fn missed(&self) -> u64 {
        self.programs.iter().map(|fd| memory::misses(fd.as_fd())).sum()
    }
}

fn io_error(error: LinkError) -> ProgramError {
    ProgramError::IOError(io::Error::other(error))
}
