//! File records: from fanotify items to frames, repeats folded, strangers left out.

use event::frame::{
    control::TALLY_ACCESS,
    control::TALLY_NAMES,
    files::{
        Dir, File, FileRepeat, KIND_DIR, KIND_FILE, KIND_FILE_REPEAT, KIND_SETTLED, KIND_WITHIN,
        Settled, Within, dir_flag, file_flag,
    },
};
use fsmon::{Dirs, FoldTable, Handle, Hit, Item, Kind, Lookup, Record, Seen};
use zerocopy::IntoBytes;

use crate::{
    clock,
    hashes::{Hashes, Shared},
    programs::Touch,
    segment::{Amount, Writer},
    who::{By, Who},
    written::Written,
};

/// Different accesses remembered within a window of a second; more are stored one by one.
const FOLDED: usize = 16 * 1024;

/// Counts that the checkpoint tells, since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Accesses of the run that fanotify told.
    pub(crate) accesses: u64,
    /// Changes of directory entries by the run that fanotify told.
    pub(crate) names: u64,
    /// Overflows of a queue; the kernel does not say how many events each stands for.
    pub(crate) overflows: u64,
    /// Records that could not be read.
    pub(crate) malformed: u64,
    /// Records of processes that may be of the run, after forks were lost.
    pub(crate) unknown: u64,
    /// Accesses that are held back.
    pub(crate) held_accesses: u64,
    /// Changes of directory entries that are held back.
    pub(crate) held_names: u64,
}

impl Counts {
    /// All of them together, which only grows.
    pub(crate) fn all(&self) -> u64 {
        let run = [self.accesses, self.names, self.held_accesses, self.held_names, self.unknown];
        run.iter().chain(&[self.overflows, self.malformed]).fold(0, |all, it| all.wrapping_add(*it))
    }
}

/// Turns items into frames.
#[derive(Debug)]
pub(crate) struct Files {
    /// With each: how often the disk had refused when its first frame was written.
    folds: FoldTable<u32>,
    counts: Counts,
    /// Whether every process that reaches a mark is of the run (mount marks in its own namespace).
    own_mounts: bool,
    /// What of this window is to be hashed.
    written: Written,
    own_pid: u32,
}

impl Files {
    /// Takes all memory. `own_mounts`: only the run can reach the access marks.
    pub(crate) fn new(own_mounts: bool) -> Self {
        Files {
            folds: FoldTable::new(FOLDED),
            counts: Counts::default(),
            own_mounts,
            written: Written::default(),
            own_pid: std::process::id(),
        }
    }

    /// From now on others can reach the access marks too.
    pub(crate) fn open_to_others(&mut self) {
        self.own_mounts = false;
    }

    /// Returns the counts so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Stores one item. `who` says whose a pid is; it is asked before anything is looked up, so that
    /// other users' names are never even resolved.
    pub(crate) fn see(
        &mut self,
        seen: Seen<'_, '_>,
        who: impl FnOnce(u32, Touch, &mut Writer) -> Who,
        hashes: Option<&Shared>,
        writer: &mut Writer,
    ) {
        let Seen { group, item, dirs } = seen;
        let mut record = match item {
            Item::Record(record) => record,
            Item::Overflow => return self.counts.overflows += 1,
            Item::Malformed(_) | Item::Unread(_) => return self.counts.malformed += 1,
        };
        let pid = u32::try_from(record.pid).unwrap_or(0);
        // What we hash is read by ourselves.
        if pid == self.own_pid {
            return;
        }
        let touch = Touch::new(group, record.executed());
        let by = match who(pid, touch, writer) {
            Who::Member(id, program) => By::member(id, program),
            Who::Held if group == Kind::Names => return self.counts.held_names += 1,
            Who::Held => return self.counts.held_accesses += 1,
            Who::Stranger { .. } if self.own_mounts && group != Kind::Names => By::stranger(pid),
            Who::Stranger { perhaps } => return self.counts.unknown += u64::from(perhaps),
        };
        if group == Kind::Names {
            // There for the order alone; the other groups tell of it.
            record.mask &= !fsmon::mask::OPEN_EXEC;
        }
        let id = by.id;
        match group {
            Kind::Names if record.mask == 0 => {}
            Kind::Names => self.name(&record, by, dirs, writer),
            Kind::Access => self.access(&record, by, dirs, writer),
            Kind::AccessFd => self.access_fd(&record, by, dirs, writer),
        }
        if record.mask & (fsmon::mask::CLOSE_WRITE | fsmon::mask::OPEN_EXEC) != 0
            && group != Kind::Names
            && let Some(Ok(mut hashes)) = hashes.map(|hashes| hashes.try_borrow_mut())
        {
            let frame = writer.frames();
            if record.mask & fsmon::mask::CLOSE_WRITE != 0 {
                self.written.closed(&record, id, frame, dirs, &mut hashes, writer);
            }
            if record.mask & fsmon::mask::OPEN_EXEC != 0 {
                Written::executed(&record, id, frame, dirs, &mut hashes, writer);
            }
        }
    }

    /// Ends a window for hashes: what was closed again is hashed again.
    pub(crate) fn hash_again(&mut self, dirs: &mut Dirs, hashes: &mut Hashes, w: &mut Writer) {
        self.written.end_window(dirs, hashes, w);
    }

    /// All that the groups had is told: accesses from before a directory was moved, too.
    pub(crate) fn settle(dirs: &mut Dirs, writer: &mut Writer) {
        let moves = dirs.settle();
        if moves > 0 {
            writer.control(KIND_SETTLED, clock::boot_ns(), &[Settled { moves }.as_bytes()]);
        }
    }

    /// Ends a window: tells how often each access was repeated.
    pub(crate) fn end_window(&mut self, writer: &mut Writer) {
        self.folds.drain(|entry| {
            let repeats = Amount { frames: 0, happened: entry.count - 1 };
            if repeats.happened == 0 {
                return;
            }
            // Without its first frame a repeat says nothing.
            if entry.first_seq == 0 || entry.payload != writer.refusals() {
                return writer.lose(TALLY_ACCESS, repeats);
            }
            let repeat = FileRepeat {
                first_seq: entry.first_seq,
                last_ns: entry.last_ns,
                count: repeats.happened,
            };
            let parts = [repeat.as_bytes()];
            writer.sum(TALLY_ACCESS, repeats, KIND_FILE_REPEAT, entry.last_ns, &parts);
        });
    }

    fn name(&mut self, r: &Record<'_>, by: By, dirs: &mut Dirs, w: &mut Writer) {
        // link, unlink and a rename over a file tell also that its link count changed
        // (fsnotify_link_count, include/linux/fsnotify.h): on the inode alone, without a name. The
        // entry's own event says that and more.
        if r.mask == fsmon::mask::ATTRIB && r.dir.is_none() {
            return;
        }
        self.counts.names += 1;
        let now = clock::boot_ns();
        let mut file = head(r, by, 0);
        file.dir = directory(r.dir.as_ref(), dirs, w, now);
        file.new_dir = directory(r.new_dir.as_ref(), dirs, w, now);
        store(TALLY_NAMES, &file, r, b"", w, now);
    }

    fn access(&mut self, r: &Record<'_>, by: By, dirs: &mut Dirs, w: &mut Writer) {
        self.counts.accesses += 1;
        let now = clock::boot_ns();
        let mut file = head(r, by, 0);
        file.dir = directory(r.dir.as_ref(), dirs, w, now);
        let (who, dir, mask) = (by.key(), file.dir.to_ne_bytes(), r.mask.to_ne_bytes());
        let target = r.target.as_ref().map_or(&[][..], |target| target.bytes);
        let lens = [file.target_len, file.name_len];
        let key = [who.as_slice(), &dir, &mask, lens.as_bytes(), target, r.name];
        self.fold(&key, &file, r, b"", w, now);
    }

    fn access_fd(&mut self, r: &Record<'_>, by: By, dirs: &mut Dirs, w: &mut Writer) {
        self.counts.accesses += 1;
        let now = clock::boot_ns();
        let mut file = head(r, by, file_flag::FD);
        let fsmon::File::Open(fd) = &r.file else {
            file.flags |= file_flag::PATH_CUT;
            store(TALLY_ACCESS, &file, r, b"", w, now);
            return;
        };
        let known = dirs.file(rustix::fd::AsFd::as_fd(fd));
        (file.dev, file.ino) = (known.dev, known.ino);
        let path = known.path.unwrap_or_default();
        file.flags |= if known.path.is_err() { file_flag::PATH_CUT } else { 0 };
        file.flags |= if known.doubtful { file_flag::PATH_DOUBTFUL } else { 0 };
        file.path_len = u16::try_from(path.len()).unwrap_or(0);
        let (dev, ino, mask) =
            (file.dev.to_ne_bytes(), file.ino.to_ne_bytes(), r.mask.to_ne_bytes());
        let who = by.key();
        let key = [who.as_slice(), &dev, &ino, &mask, path];
        self.fold(&key, &file, r, path, w, now);
    }

    /// Stores the first access of a window, counts the others.
    fn fold(
        &mut self,
        key: &[&[u8]],
        file: &File,
        record: &Record<'_>,
        path: &[u8],
        writer: &mut Writer,
        now: u64,
    ) {
        match self.folds.hit(key, now, 0, writer.refusals()) {
            Hit::Again(_) => {}
            Hit::Full => {
                store(TALLY_ACCESS, file, record, path, writer, now);
            }
            Hit::First(slot) => {
                let seq = store(TALLY_ACCESS, file, record, path, writer, now);
                if let Some(entry) = self.folds.entry(slot) {
                    entry.first_seq = seq;
                }
            }
        }
    }
}

/// The fixed part, lengths of handle and names set.
fn head(record: &Record<'_>, by: By, flags: u32) -> File {
    let len = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(0);
    File {
        start_ns: by.id.start_ns,
        mask: record.mask,
        ino: 0,
        fsid: record.target.as_ref().or(record.dir.as_ref()).map_or([0; 2], |it| it.fsid),
        pid: by.id.pid,
        dir: 0,
        new_dir: 0,
        dev: 0,
        flags: flags | by.flags,
        target_kind: record.target.as_ref().map_or(0, |target| target.kind),
        target_len: record.target.as_ref().map_or(0, |target| len(target.bytes)),
        name_len: len(record.name),
        new_name_len: len(record.new_name),
        path_len: 0,
    }
}

fn store(
    tally: u32,
    file: &File,
    record: &Record<'_>,
    path: &[u8],
    writer: &mut Writer,
    now: u64,
) -> u64 {
    let target = record.target.as_ref().map_or(&[][..], |target| target.bytes);
    let path = path.get(..file.path_len.into()).unwrap_or_default();
    let parts = [file.as_bytes(), target, record.name, record.new_name, path];
    writer.record(tally, KIND_FILE, now, &parts)
}

/// Returns the number of a directory, telling the record about it and those above it when they are new
/// or have moved.
fn directory(handle: Option<&Handle<'_>>, dirs: &mut Dirs, writer: &mut Writer, now: u64) -> u32 {
    let Some(handle) = handle else { return 0 };
    let lookup = dirs.lookup(handle);
    let id = lookup.id();
    let mut fresh = tell_directory(handle, &lookup, writer, now);
    let mut dir = id;
    while let Some(above) = dirs.above() {
        let parent = above.lookup.id();
        let fresh_above = tell_directory(&above.handle, &above.lookup, writer, now);
        if fresh {
            writer.control(KIND_WITHIN, now, &[Within { dir, parent }.as_bytes()]);
        }
        (dir, fresh) = (parent, fresh_above);
    }
    id
}

/// Tells a directory unless it is known as it is; returns whether it was told.
fn tell_directory(handle: &Handle<'_>, lookup: &Lookup<'_>, writer: &mut Writer, now: u64) -> bool {
    let flag = |is: bool, flag: u32| if is { flag } else { 0 };
    let (id, path, errno, flags) = match *lookup {
        Lookup::Known { .. } => return false,
        Lookup::New { id, path, deleted, moved, .. } => {
            let flags = flag(deleted, dir_flag::DELETED) | flag(moved, dir_flag::MOVED);
            (id, path, 0, flags)
        }
        Lookup::Stale { id, errno, .. } => (id, &[][..], errno, 0),
    };
    let dir = Dir {
        fsid: handle.fsid,
        id,
        errno,
        flags,
        handle_kind: handle.kind,
        handle_len: u16::try_from(handle.bytes.len()).unwrap_or(0),
        path_len: u16::try_from(path.len()).unwrap_or(0),
        pad: 0,
    };
    writer.control(KIND_DIR, now, &[dir.as_bytes(), handle.bytes, path]);
    true
}
