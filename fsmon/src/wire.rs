//! fanotify's bytes, taken apart: the fixed part, the info records by their lengths, unknown ones
//! skipped. Pure: it takes any bytes and owns no descriptor.
//!
//! Records are only 4-byte aligned within a read although they hold 8-byte fields
//! (fs/notify/fanotify/fanotify_user.c, `FANOTIFY_EVENT_ALIGN`, v6.18), so all views are unaligned.

use event::Malformed;
use zerocopy::byteorder::native_endian::{I32, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::sys::MAX_HANDLE;

/// `FANOTIFY_METADATA_VERSION`.
const VERSION: u8 = 3;

/// `struct fanotify_event_metadata`.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Metadata {
    event_len: U32,
    version: u8,
    reserved: u8,
    metadata_len: U16,
    mask: U64,
    fd: I32,
    pid: I32,
}

/// Bytes of a record that has no info records.
pub(crate) const WITHOUT_INFOS: usize = size_of::<Metadata>();

/// `struct fanotify_event_info_header`.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct InfoHead {
    kind: u8,
    pad: u8,
    len: U16,
}

/// What follows the header of an info record with a handle: `__kernel_fsid_t` and the fixed part of
/// `struct file_handle`.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct FidHead {
    fsid: [U32; 2],
    handle_len: U32,
    handle_kind: I32,
}

/// What a record says apart from its info records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) mask: u64,
    pub(crate) pid: i32,
    /// As the kernel wrote it: a descriptor, -1 for none, else an error number (negative).
    pub(crate) fd: i32,
}

/// A file or directory as its file system names it: stays the same under any path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handle<'a> {
    /// Which file system, as statfs(2) tells it.
    pub fsid: [u32; 2],
    /// How the bytes are to be read: a number of the file system's own.
    pub kind: i32,
    /// The handle, at most 128 bytes.
    pub bytes: &'a [u8],
}

/// Reads `bytes` as a group gives them, descriptors left alone; returns how many records are good and how
/// many are not.
#[must_use]
pub fn walk(bytes: &[u8]) -> (usize, usize) {
    let (mut rest, mut good, mut bad) = (bytes, 0, 0);
    while !rest.is_empty() {
        let split = split(rest);
        let is_good = split.head.is_ok() && infos(split.body).is_ok();
        good += usize::from(is_good);
        bad += usize::from(!is_good);
        rest = split.rest;
    }
    (good, bad)
}

/// The first record of some bytes.
#[derive(Debug)]
pub(crate) struct Split<'a> {
    pub(crate) head: Result<Head, Malformed>,
    /// The record's descriptor, also when the record is malformed behind its fixed part.
    pub(crate) raw_fd: Option<i32>,
    pub(crate) body: &'a [u8],
    /// The records behind it; empty when there is no telling where they begin.
    pub(crate) rest: &'a [u8],
}

/// Splits the first record off `bytes`. Always takes something.
pub(crate) fn split(bytes: &[u8]) -> Split<'_> {
    let Ok((meta, _)) = Metadata::ref_from_prefix(bytes) else {
        return bad(Malformed::Short { got: bytes.len() }, None);
    };
    if meta.version != VERSION {
        return bad(Malformed::Unknown { kind: u32::from(meta.version) }, None);
    }
    let fd = meta.fd.get();
    let raw_fd = (fd >= 0).then_some(fd);
    let (len, fixed) = (meta.event_len.get() as usize, usize::from(meta.metadata_len.get()));
    let Some((record, rest)) = bytes.split_at_checked(len) else {
        return bad(Malformed::Length, raw_fd);
    };
    let Some(body) = record.get(fixed..).filter(|_| fixed >= size_of::<Metadata>()) else {
        return bad(Malformed::Length, raw_fd);
    };
    let head = Head { mask: meta.mask.get(), pid: meta.pid.get(), fd };
    Split { head: Ok(head), raw_fd, body, rest }
}

fn bad<'a>(why: Malformed, raw_fd: Option<i32>) -> Split<'a> {
    Split { head: Err(why), raw_fd, body: &[], rest: &[] }
}

/// The info records of one event that this crate asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Infos<'a> {
    pub(crate) dir: Option<Handle<'a>>,
    pub(crate) name: &'a [u8],
    pub(crate) target: Option<Handle<'a>>,
    pub(crate) new_dir: Option<Handle<'a>>,
    pub(crate) new_name: &'a [u8],
}

/// Walks the info records of one event.
pub(crate) fn infos(mut body: &[u8]) -> Result<Infos<'_>, Malformed> {
    let mut found = Infos::default();
    while !body.is_empty() {
        let (head, _) =
            InfoHead::ref_from_prefix(body).map_err(|_| Malformed::Short { got: body.len() })?;
        let len = usize::from(head.len.get());
        let info = body.get(size_of::<InfoHead>()..len).ok_or(Malformed::Length)?;
        match head.kind {
            libc::FAN_EVENT_INFO_TYPE_FID => found.target = Some(handle(info)?.0),
            libc::FAN_EVENT_INFO_TYPE_DFID => found.dir = Some(handle(info)?.0),
            libc::FAN_EVENT_INFO_TYPE_DFID_NAME | libc::FAN_EVENT_INFO_TYPE_OLD_DFID_NAME => {
                (found.dir, found.name) = named(info)?;
            }
            libc::FAN_EVENT_INFO_TYPE_NEW_DFID_NAME => {
                (found.new_dir, found.new_name) = named(info)?;
            }
            // A newer kernel, or one of the types that were not asked for.
            _ => {}
        }
        body = body.get(len..).unwrap_or_default();
    }
    Ok(found)
}

/// Reads a handle; returns it with the bytes behind it.
fn handle(info: &[u8]) -> Result<(Handle<'_>, &[u8]), Malformed> {
    let (head, rest) =
        FidHead::ref_from_prefix(info).map_err(|_| Malformed::Short { got: info.len() })?;
    let len = head.handle_len.get() as usize;
    if len > MAX_HANDLE {
        return Err(Malformed::Length);
    }
    let (bytes, rest) = rest.split_at_checked(len).ok_or(Malformed::Length)?;
    let [low, high] = head.fsid;
    let fsid = [low.get(), high.get()];
    Ok((Handle { fsid, kind: head.handle_kind.get(), bytes }, rest))
}

/// Reads a handle and the name behind it, which ends with a NUL and is padded with more.
fn named(info: &[u8]) -> Result<(Option<Handle<'_>>, &[u8]), Malformed> {
    let (handle, rest) = handle(info)?;
    let end = rest.iter().position(|byte| *byte == 0).ok_or(Malformed::Length)?;
    Ok((Some(handle), rest.get(..end).unwrap_or_default()))
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
