//! The calls that have no safe form: descriptors that the kernel hands over as numbers, and
//! `open_by_handle_at`; and memory. Nothing else in this crate is unsafe.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use fanotify::low_level::fanotify_init;
use zerocopy::FromZeros;

use crate::group::Group;
use crate::wire::{self, Head, Split};

/// Largest handle that the kernel makes (`MAX_HANDLE_SZ`, include/linux/exportfs.h, v6.18).
pub(crate) const MAX_HANDLE: usize = 128;

/// Takes room for `len` zeros; the kernel gives the pages when they are written first.
pub(crate) fn zeroed<T: FromZeros>(len: usize) -> Box<[T]> {
    let slots = Box::<[T]>::new_zeroed_slice(len);
    // SAFETY: of a `FromZeros` all zeros are a valid value.
    unsafe { slots.assume_init() }
}

/// Makes a group.
pub(crate) fn init(flags: u32, file_flags: u32) -> io::Result<OwnedFd> {
    let raw = fanotify_init(flags, file_flags)?;
    // JUSTIFICATION: fanotify-rs gives the new descriptor as a number.
    // SAFETY: fanotify_init(2) has just made `raw`, it succeeded, and nothing else has seen it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// What one read(2) of a group brought. Holds the descriptors of the records not yet taken, and
/// closes them when it is dropped.
#[derive(Debug)]
pub(crate) struct Filled<'b> {
    rest: &'b [u8],
}

/// One step through [`Filled`].
#[derive(Debug)]
pub(crate) struct Taken<'b> {
    /// The fixed part, or what is wrong with it (then there is no next one).
    pub(crate) head: Result<Head, event::Malformed>,
    /// The info records.
    pub(crate) body: &'b [u8],
    /// The file, where the record came with one.
    pub(crate) file: Option<OwnedFd>,
}

/// Reads as many records as there are and fit; `None` when there are none.
pub(crate) fn read<'b>(group: &Group, buffer: &'b mut [u8]) -> io::Result<Option<Filled<'b>>> {
    match rustix::io::read(group, &mut *buffer) {
        Ok(0) | Err(rustix::io::Errno::AGAIN) => Ok(None),
        Ok(len) => Ok(Some(Filled { rest: buffer.get(..len).unwrap_or_default() })),
        Err(errno) => Err(errno.into()),
    }
}

impl<'b> Filled<'b> {
    /// Takes the next record.
    pub(crate) fn take(&mut self) -> Option<Taken<'b>> {
        if self.rest.is_empty() {
            return None;
        }
        let Split { head, raw_fd, body, rest } = wire::split(self.rest);
        self.rest = rest;
        Some(Taken { head, body, file: raw_fd.map(adopt) })
    }
}

impl Drop for Filled<'_> {
    fn drop(&mut self) {
        while self.take().is_some() {}
    }
}

/// Takes over the descriptor of one record. Private: only [`Filled::take`] may call it, with numbers
/// that the kernel wrote.
fn adopt(raw: i32) -> OwnedFd {
    // JUSTIFICATION: the kernel hands the descriptor over as a number; there is no safe way in.
    // SAFETY: `Filled` is made by `read` alone, so the bytes are what fanotify wrote; it opened
    // `raw` for this process (fanotify(7), "fd"), `wire::split` gives only numbers that are not
    // negative, and each record is taken once, so nothing else owns it.
    unsafe { OwnedFd::from_raw_fd(raw) }
}

/// `struct file_handle` with room for the largest handle.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct FileHandle {
    bytes: u32,
    kind: i32,
    handle: [u8; MAX_HANDLE],
}

impl FileHandle {
    /// Its type and its bytes.
    pub(crate) fn parts(&self) -> (i32, &[u8]) {
        (self.kind, self.handle.get(..self.bytes as usize).unwrap_or_default())
    }
}

/// Returns the handle of what `fd` names, as fanotify tells it.
pub(crate) fn handle_of(fd: BorrowedFd<'_>) -> Result<FileHandle, rustix::io::Errno> {
    let room = u32::try_from(MAX_HANDLE).unwrap_or(0);
    let mut file = FileHandle { bytes: room, kind: 0, handle: [0; MAX_HANDLE] };
    let mut mount_id = 0;
    // JUSTIFICATION: rustix and nix have no name_to_handle_at.
    // SAFETY: `fd` is open for the length of the call; the path is empty and ends in NUL; `file` begins
    // with the two fields of `struct file_handle` (include/linux/fs.h), `bytes` is the size of the array
    // behind them, which is all that the kernel writes; `mount_id` is an int.
    let done = unsafe {
        libc::name_to_handle_at(
            fd.as_raw_fd(),
            c"".as_ptr(),
            (&raw mut file).cast::<libc::file_handle>(),
            &raw mut mount_id,
            libc::AT_EMPTY_PATH,
        )
    };
    if done < 0 {
        let errno = io::Error::last_os_error();
        return Err(rustix::io::Errno::from_io_error(&errno).unwrap_or(rustix::io::Errno::IO));
    }
    Ok(file)
}

/// Opens what `handle` names, on the file system that `mount` is on, without access to what is in it
/// (`O_PATH`); `also`: more flags.
pub(crate) fn open_handle(
    mount: BorrowedFd<'_>,
    kind: i32,
    handle: &[u8],
    also: i32,
) -> Result<OwnedFd, rustix::io::Errno> {
    let mut file = FileHandle { bytes: 0, kind, handle: [0; MAX_HANDLE] };
    let Some(room) = file.handle.get_mut(..handle.len()) else {
        return Err(rustix::io::Errno::INVAL);
    };
    room.copy_from_slice(handle);
    file.bytes = u32::try_from(handle.len()).unwrap_or(0);
    let flags = libc::O_PATH | libc::O_CLOEXEC | also;
    // JUSTIFICATION: rustix and nix have no open_by_handle_at.
    // SAFETY: `mount` is open for the length of the call; `file` begins with the two fields of
    // `struct file_handle` (include/linux/fs.h), `bytes` is no more than the array behind them, and
    // the kernel only reads it.
    let raw = unsafe {
        libc::open_by_handle_at(
            mount.as_raw_fd(),
            (&raw mut file).cast::<libc::file_handle>(),
            flags,
        )
    };
    if raw < 0 {
        let errno = io::Error::last_os_error();
        return Err(rustix::io::Errno::from_io_error(&errno).unwrap_or(rustix::io::Errno::IO));
    }
    // JUSTIFICATION: libc gives the new descriptor as a number.
    // SAFETY: the call has just made `raw`, and nothing else has seen it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Returns the two numbers of `f_fsid`, as fanotify's info records have them.
pub(crate) fn fsid(stat: &rustix::fs::StatFs) -> [u32; 2] {
    // JUSTIFICATION: libc and rustix keep the field's contents private (statfs(2), "f_fsid").
    // SAFETY: `Fsid` is `__kernel_fsid_t`, `struct { int val[2]; }` (asm-generic/posix_types.h),
    // which has the size of `[u32; 2]` (checked by transmute) and no invalid values.
    unsafe { std::mem::transmute::<rustix::fs::Fsid, [u32; 2]>(stat.f_fsid) }
}
