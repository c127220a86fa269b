//! The parts together: three groups, their buffers and the directories, read in the order in which
//! paths come out right.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use crate::dirs::Dirs;
use crate::group::{Group, Groups, Kind};
use crate::marks::{self, Placement, Scope};
use crate::power::{Own, Power};
use crate::record::{Buffer, Item, Records};
use crate::view::Root;

/// Bytes of each of the two buffers for records with handles.
const BUFFER: usize = 128 * 1024;

/// Directories whose numbers are remembered.
const DIRS: usize = 16_384;

/// Failed reads after which a call of [`Monitor::drain`] gives up.
const FAILURES: u32 = 16;

/// What one item of a group is handed on with.
#[derive(Debug)]
pub struct Seen<'a, 'd> {
    /// The group that told it.
    pub group: Kind,
    /// What it told.
    pub item: Item<'a>,
    /// To look its directories up.
    pub dirs: &'d mut Dirs,
}

/// How a call of [`Monitor::drain`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// All groups are empty.
    Empty,
    /// The budget is used up: call again without waiting.
    More,
}

/// Watches the files of one run.
#[derive(Debug)]
pub struct Monitor {
    groups: Groups,
    names: Buffer,
    access: Buffer,
    access_fd: Buffer,
    dirs: Dirs,
}

impl Monitor {
    /// Makes the groups and takes all memory that reading needs.
    ///
    /// # Errors
    /// As [`Group::new`].
    pub fn new() -> io::Result<Monitor> {
        Monitor::with(Rc::new(Own))
    }

    /// The same, with `power` to mark and to enter other namespaces.
    ///
    /// # Errors
    /// As [`Group::new`].
    pub fn with(power: Rc<dyn Power>) -> io::Result<Monitor> {
        Ok(Monitor {
            groups: Groups::with(power)?,
            names: Buffer::new(BUFFER),
            access: Buffer::new(BUFFER),
            access_fd: Buffer::for_files(),
            dirs: Dirs::new(DIRS),
        })
    }

    /// Returns the groups, to register them with an event loop. Whichever is ready, call
    /// [`Monitor::drain`].
    #[must_use]
    pub fn groups(&self) -> [&Group; 3] {
        [&self.groups.names, &self.groups.access, &self.groups.access_fd]
    }

    /// Marks the mounts of the namespace of `root` before the run begins. `root` is the root
    /// directory of the run's first process (`/proc/PID/root`, `O_PATH` will do), and is kept.
    ///
    /// # Errors
    /// When the root cannot be entered; what happened to each mount is in the answer.
    pub fn begin(
        &mut self,
        root: OwnedFd,
        mountinfo: &[u8],
        scope: Scope,
    ) -> io::Result<Placement> {
        let placement = marks::place(&self.groups, root.as_fd(), mountinfo, scope);
        self.dirs.see(Root::Kept(root), &placement.mounts)?;
        Ok(placement)
    }

    /// Marks the mounts of a namespace that a process of the run is in, because it is new or has new
    /// mounts. `process` is a descriptor of the directory `/proc/PID`.
    ///
    /// # Errors
    /// When the process is gone or its root cannot be entered.
    pub fn follow(
        &mut self,
        process: OwnedFd,
        mountinfo: &[u8],
        scope: Scope,
    ) -> io::Result<Placement> {
        let power = Rc::clone(&self.groups.power);
        let root = power.root_of(process.as_fd())?;
        let placement = marks::place(&self.groups, root.as_fd(), mountinfo, scope);
        self.dirs.see(Root::Process(process, power), &placement.mounts)?;
        Ok(placement)
    }

    /// Hands on all that the groups have, at most about `budget` items of each.
    ///
    /// A path is asked for when its record is read. To be told the path that held when the file was
    /// touched, renames have to be known first: so accesses are taken out of their queue, then all
    /// names are handed on, and only then those accesses, none of which can be younger than what the
    /// names told.
    pub fn drain(&mut self, budget: usize, mut sink: impl FnMut(Seen<'_, '_>)) -> Drained {
        let Monitor { groups, names, access, access_fd, dirs } = self;
        let mut handed = 0;
        let mut failures = 0;
        let ended = loop {
            let files = taken(access.read(&groups.access), Kind::Access, dirs, &mut sink);
            let files_fd =
                taken(access_fd.read(&groups.access_fd), Kind::AccessFd, dirs, &mut sink);
            let mut empty = files.is_empty() && files_fd.is_empty();
            let mut named = 0;
            while named < budget {
                let changes = taken(names.read(&groups.names), Kind::Names, dirs, &mut sink);
                failures += u32::from(changes.failed());
                if changes.is_empty() || failures > FAILURES {
                    break;
                }
                empty = false;
                named += changes.hand_on(Kind::Names, dirs, &mut sink);
            }
            failures += u32::from(files.failed()) + u32::from(files_fd.failed());
            handed += named;
            handed += files.hand_on(Kind::Access, dirs, &mut sink);
            handed += files_fd.hand_on(Kind::AccessFd, dirs, &mut sink);
            if empty || failures > FAILURES {
                break Drained::Empty;
            }
            if handed >= budget {
                break Drained::More;
            }
        };
        dirs.end_batch();
        ended
    }

    /// Returns the directories, to look some up between two drains; call [`Dirs::end_batch`] after.
    pub fn dirs(&mut self) -> &mut Dirs {
        &mut self.dirs
    }
}

/// What came of one read.
enum Batch<'b> {
    Records(Records<'b>),
    Failed,
    Empty,
}

/// Tells a failed read at once.
fn taken<'b>(
    read: io::Result<Option<Records<'b>>>,
    group: Kind,
    dirs: &mut Dirs,
    sink: &mut impl FnMut(Seen<'_, '_>),
) -> Batch<'b> {
    match read {
        Ok(Some(records)) => Batch::Records(records),
        Ok(None) => Batch::Empty,
        Err(error) => {
            let item = Item::Unread(error.raw_os_error().unwrap_or(libc::EIO));
            sink(Seen { group, item, dirs });
            Batch::Failed
        }
    }
}

impl Batch<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Batch::Empty)
    }

    fn failed(&self) -> bool {
        matches!(self, Batch::Failed)
    }

    /// Hands on the items, and forgets paths as soon as a directory has moved, whoever moved it.
    fn hand_on(self, group: Kind, dirs: &mut Dirs, sink: &mut impl FnMut(Seen<'_, '_>)) -> usize {
        let Batch::Records(records) = self else { return 0 };
        let mut count = 0;
        for item in records {
            if let Item::Record(record) = &item
                && record.moves_a_directory()
            {
                dirs.moved(record.target.as_ref());
            }
            sink(Seen { group, item, dirs });
            count += 1;
        }
        count
    }
}
