//! Which files of a window are to be hashed: each at its first close, and once more at the window's end
//! when it was closed again.

use std::os::fd::OwnedFd;

use event::{
    ProcId,
    frame::hash::{basis, what},
};
use foldhash::HashMap;
use fsmon::{Dirs, Handle, Record};
use rustix::fs::fstatfs;
use rustix::io::Errno;

use crate::{
    hashes::{Cause, Hashes},
    segment::Writer,
};

/// Files of a window that are remembered; of more, each close is hashed.
const FILES: usize = 4096;

/// File systems whose files come as descriptors and have contents (include/uapi/linux/magic.h).
const OVERLAY: i64 = 0x794c_7630;
const BTRFS: i64 = 0x9123_683e;

/// A file as its handle names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    fsid: [u32; 2],
    kind: i32,
    bytes: Vec<u8>,
}

/// A file that was closed again in this window, by whom last.
#[derive(Debug, Default)]
pub(crate) struct Written {
    files: HashMap<Key, Option<(ProcId, u64)>>,
}

impl Written {
    /// A file that was open for writing was closed; `frame` tells it, 0 when an earlier one does.
    pub(crate) fn closed(
        &mut self,
        record: &Record<'_>,
        process: ProcId,
        frame: u64,
        dirs: &mut Dirs,
        hashes: &mut Hashes,
        writer: &mut Writer,
    ) {
        let cause = Cause { what: what::WRITE, process, frame, basis: basis::CLOSE };
        let Some(target) = &record.target else {
            if let fsmon::File::Open(file) = &record.file
                && fstatfs(file).is_ok_and(|fs| [OVERLAY, BTRFS].contains(&fs.f_type))
                && let Ok(file) = file.try_clone()
            {
                hashes.written(file, cause, writer);
            }
            return;
        };
        let key = Key { fsid: target.fsid, kind: target.kind, bytes: target.bytes.to_vec() };
        if let Some(again) = self.files.get_mut(&key) {
            *again = Some((process, frame));
            return;
        }
        hash(dirs.open(target), cause, hashes, writer);
        if self.files.len() < FILES {
            self.files.insert(key, None);
        }
    }

    /// A file was opened to be executed.
    pub(crate) fn executed(
        record: &Record<'_>,
        process: ProcId,
        frame: u64,
        dirs: &mut Dirs,
        hashes: &mut Hashes,
        writer: &mut Writer,
    ) {
        let cause = Cause { what: what::EXEC, process, frame, basis: basis::OPENED };
        let file = match (&record.target, &record.file) {
            (Some(target), _) => dirs.open(target),
            (None, fsmon::File::Open(file)) => file.try_clone().map_err(|_| Errno::BADF),
            (None, _) => return,
        };
        // One that is gone by now was a program that is told, or nobody can say.
        match file {
            Ok(file) => hashes.opened(file, cause, writer),
            Err(_) => Hashes::gone(&cause, writer),
        }
    }

    /// Ends a window.
    pub(crate) fn end_window(&mut self, dirs: &mut Dirs, hashes: &mut Hashes, writer: &mut Writer) {
        for (key, again) in self.files.drain() {
            let Some((process, frame)) = again else { continue };
            let handle = Handle { fsid: key.fsid, kind: key.kind, bytes: &key.bytes };
            // Between that close and now it may have been written by somebody.
            let cause = Cause { what: what::WRITE, process, frame, basis: basis::LATER };
            hash(dirs.open(&handle), cause, hashes, writer);
        }
        dirs.end_batch();
    }
}

fn hash(
    file: Result<OwnedFd, rustix::io::Errno>,
    cause: Cause,
    hashes: &mut Hashes,
    writer: &mut Writer,
) {
    match file {
        Ok(file) => hashes.written(file, cause, writer),
        Err(_) => Hashes::gone(&cause, writer),
    }
}
