//! Reading a group: records that borrow from a lent buffer. A bad record is an item too.

use std::io;
use std::os::fd::OwnedFd;

use event::Malformed;
use zerocopy::IntoBytes;

use crate::group::{Group, mask};
use crate::reopen;
use crate::sys::{self, Filled, Taken};
use crate::wire::{self, Handle, Head, Infos};

/// Where a group's records are read to.
#[derive(Debug)]
pub struct Buffer {
    words: Box<[u64]>,
}

impl Buffer {
    /// Smallest buffer: a few records with the longest names.
    pub const MIN: usize = 64 * 1024;
    /// Largest buffer: more would not make a read cheaper.
    pub const MAX: usize = 256 * 1024;

    /// Makes a buffer of about `bytes`, within [`Buffer::MIN`] and [`Buffer::MAX`].
    #[must_use]
    pub fn new(bytes: usize) -> Buffer {
        let words = bytes.clamp(Buffer::MIN, Buffer::MAX) / size_of::<u64>();
        Buffer { words: vec![0; words].into_boxed_slice() }
    }

    /// Makes a buffer for a group that reports by descriptor: a read opens as many files as it
    /// brings records, and with too many of them would run out of descriptors.
    #[must_use]
    pub fn for_files() -> Buffer {
        const FILES_AT_ONCE: usize = 128;
        let words = FILES_AT_ONCE * wire::WITHOUT_INFOS / size_of::<u64>();
        Buffer { words: vec![0; words].into_boxed_slice() }
    }

    /// Reads what `group` has, as much as fits; `None` when it has nothing. Descriptors of records
    /// that are not taken are closed with the returned value.
    ///
    /// # Errors
    /// What read(2) says. Before 6.13 a descriptor group fails so for a file that it cannot open, and
    /// *that record is gone*: count it, and read on.
    pub fn read(&mut self, group: &Group) -> io::Result<Option<Records<'_>>> {
        let filled = sys::read(group, self.words.as_mut_bytes())?;
        Ok(filled.map(|filled| Records { filled }))
    }
}

/// The records of one read, in the order in which they were queued.
#[derive(Debug)]
pub struct Records<'b> {
    filled: Filled<'b>,
}

/// What a group told.
#[derive(Debug)]
pub enum Item<'a> {
    /// An event.
    Record(Record<'a>),
    /// The queue was full; how many events are gone the kernel does not say.
    Overflow,
    /// A record that does not hold together; at least one event is gone.
    Malformed(Malformed),
    /// A read failed with this error number; one event is gone.
    Unread(i32),
}

/// The file that a record came with.
#[derive(Debug)]
pub enum File {
    /// None: the record has handles.
    Absent,
    /// The file, open for reading.
    Open(OwnedFd),
    /// The kernel could not open it; the error number.
    Refused(i32),
}

/// Something that was done to a file. Several things may be merged into one record.
#[derive(Debug)]
pub struct Record<'a> {
    /// What was done: [`crate::mask`].
    pub mask: u64,
    /// Process that did it, 0 for one that is not in the reader's pid namespace.
    pub pid: i32,
    /// The directory of the entry; of the old one when renamed.
    pub dir: Option<Handle<'a>>,
    /// The entry's name, `.` for the directory itself; empty where there is none.
    pub name: &'a [u8],
    /// The file itself.
    pub target: Option<Handle<'a>>,
    /// The new directory, when renamed.
    pub new_dir: Option<Handle<'a>>,
    /// The new name, when renamed.
    pub new_name: &'a [u8],
    /// The file, in a group that reports by descriptor.
    pub file: File,
}

impl Record<'_> {
    /// Whether a directory got another path, or may have: paths learned before are worth nothing.
    #[must_use]
    pub fn moves_a_directory(&self) -> bool {
        let moves = mask::RENAME | mask::MOVED_FROM | mask::MOVED_TO;
        self.mask & mask::ONDIR != 0 && self.mask & moves != 0
    }

    /// The low half of the inode number of a file that was opened to be executed, as far as its handle tells
    /// one: where a file system has handles of another form, some other number.
    #[must_use]
    pub fn executed(&self) -> Option<u32> {
        if self.mask & mask::OPEN_EXEC == 0 {
            return None;
        }
        if let File::Open(file) = &self.file {
            return Some(reopen::identity(file).ok()?.ino as u32);
        }
        let Handle { kind, bytes, .. } = self.target.as_ref()?;
        event::handle::low_half(*kind, bytes)
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = Item<'b>;

    fn next(&mut self) -> Option<Item<'b>> {
        self.filled.take().map(item)
    }
}

/// Reads one record. Whatever way this ends, the descriptor is owned by somebody.
fn item(taken: Taken<'_>) -> Item<'_> {
    let Taken { head, body, file } = taken;
    let head = match head {
        Ok(head) => head,
        Err(why) => return Item::Malformed(why),
    };
    if head.mask & mask::Q_OVERFLOW != 0 {
        return Item::Overflow;
    }
    let Infos { dir, name, target, new_dir, new_name } = match wire::infos(body) {
        Ok(infos) => infos,
        Err(why) => return Item::Malformed(why),
    };
    let file = match (file, head.fd) {
        (Some(file), _) => File::Open(file),
        // -1 is also how EPERM looks; a record that has nothing else should have had a file.
        (None, libc::FAN_NOFD) if dir.is_some() || target.is_some() => File::Absent,
        (None, error) => File::Refused(error.saturating_neg()),
    };
    let Head { mask, pid, .. } = head;
    Item::Record(Record { mask, pid, dir, name, target, new_dir, new_name, file })
}
