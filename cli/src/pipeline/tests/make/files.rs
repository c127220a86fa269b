//! Frames of files: directories, reports, opens, uses, hashes.

use event::frame::control::Source;
use event::frame::files::*;
use event::frame::hash::*;
use event::wire::{self, Kind};
use zerocopy::IntoBytes;

use super::{Maker, components, handle, start_of};

impl Maker {
    /// Tells the path of the directory with inode `ino`, or why there is none.
    pub(in crate::pipeline::tests) fn dir(&mut self, id: u32, ino: u32, path: Result<&[u8], i32>) {
        let handle = handle(ino);
        let dir = Dir {
            fsid: [8, 1],
            id,
            errno: path.err().unwrap_or(0),
            flags: 0,
            handle_kind: 1,
            handle_len: handle.len() as u16,
            path_len: path.map_or(0, <[u8]>::len) as u16,
            pad: 0,
        };
        self.frame(KIND_DIR, &[dir.as_bytes(), &handle, path.unwrap_or_default()]);
    }

    /// The kernel said which directory holds another.
    pub(in crate::pipeline::tests) fn within(&mut self, dir: u32, parent: u32) {
        self.frame(KIND_WITHIN, &[Within { dir, parent }.as_bytes()]);
    }

    /// All that was done before the moves so far is told.
    pub(in crate::pipeline::tests) fn settled(&mut self) {
        self.frame(KIND_SETTLED, &[Settled { moves: 1 }.as_bytes()]);
    }

    /// A report on the file `ino` with `name` in directory number `dir`.
    pub(in crate::pipeline::tests) fn file(
        &mut self,
        pid: u32,
        mask: u64,
        ino: u32,
        dir: u32,
        name: &[u8],
    ) -> u64 {
        self.renamed(pid, mask, ino, (dir, name), (0, b""))
    }

    /// The same, done before the process executed its last `later` programs.
    pub(in crate::pipeline::tests) fn file_before(
        &mut self,
        later: u32,
        pid: u32,
        mask: u64,
        ino: u32,
        name: &[u8],
    ) -> u64 {
        let flags = later << file_flag::LATER_SHIFT;
        self.file_flagged(flags, pid, mask, ino, (1, name), (0, b""))
    }

    pub(in crate::pipeline::tests) fn renamed(
        &mut self,
        pid: u32,
        mask: u64,
        ino: u32,
        old: (u32, &[u8]),
        new: (u32, &[u8]),
    ) -> u64 {
        self.file_flagged(0, pid, mask, ino, old, new)
    }

    fn file_flagged(
        &mut self,
        flags: u32,
        pid: u32,
        mask: u64,
        ino: u32,
        old: (u32, &[u8]),
        new: (u32, &[u8]),
    ) -> u64 {
        let handle = handle(ino);
        let file = File {
            start_ns: start_of(pid),
            mask,
            ino: 0,
            fsid: [8, 1],
            pid,
            dir: old.0,
            new_dir: new.0,
            dev: 0,
            flags,
            target_kind: 1,
            target_len: handle.len() as u16,
            name_len: old.1.len() as u16,
            new_name_len: new.1.len() as u16,
            path_len: 0,
        };
        self.frame(KIND_FILE, &[file.as_bytes(), &handle, old.1, new.1])
    }

    pub(in crate::pipeline::tests) fn repeat(&mut self, first_seq: u64, count: u64) {
        let repeat = FileRepeat { first_seq, last_ns: self.now(), count };
        self.frame(KIND_FILE_REPEAT, &[repeat.as_bytes()]);
    }

    pub(in crate::pipeline::tests) fn opens(&mut self, pid: u32, ino: u32, count: u64, mode: u32) {
        self.opens_on(0x80_0001, pid, ino, count, mode);
    }

    pub(in crate::pipeline::tests) fn opens_on(
        &mut self,
        dev: u32,
        pid: u32,
        ino: u32,
        count: u64,
        mode: u32,
    ) {
        let opens = Opens {
            start_ns: start_of(pid),
            first_ns: self.now(),
            last_ns: self.now(),
            ino: ino.into(),
            count,
            pid,
            dev,
            generation: 1,
            mode,
        };
        self.frame(KIND_OPENS, &[opens.as_bytes()]);
        self.count(Kind::Open as u32, Source::Opens, [count, 1, count - 1, 0]);
    }

    /// The contents of a written file that is empty.
    pub(in crate::pipeline::tests) fn hash_of_nothing(&mut self, pid: u32, ino: u64, path: &str) {
        let nothing = event::digest::Digest::default().finish();
        self.hash(pid, (what::WRITE, basis::CLOSE), ino, path, nothing);
    }

    /// The contents of a program that ran.
    pub(in crate::pipeline::tests) fn hash_of_program(
        &mut self,
        pid: u32,
        path: &str,
        hash: [u8; 32],
    ) {
        self.hash(pid, (what::EXEC, basis::RUNNING), 77, path, hash);
    }

    fn hash(
        &mut self,
        pid: u32,
        (what, basis): (u32, u32),
        ino: u64,
        path: &str,
        blake3: [u8; 32],
    ) {
        let hash = Hash {
            blake3,
            size: 0,
            ino,
            start_ns: start_of(pid),
            frame: 0,
            pid,
            dev: 0x80_0001,
            what,
            basis,
            missing: missing::NOTHING,
            path_len: path.len() as u32,
        };
        self.frame(KIND_HASH, &[hash.as_bytes(), path.as_bytes()]);
    }

    /// An open that no mark watches.
    pub(in crate::pipeline::tests) fn open_path(
        &mut self,
        pid: u32,
        ino: u32,
        mode: u32,
        path: &str,
        flags: u32,
    ) {
        let path = components(path);
        let open = wire::OpenPath {
            head: self.head(Kind::OpenPath, pid),
            ino: ino.into(),
            dev: 0x80_0001,
            generation: 1,
            mode,
            flags,
            mnt_id: 7,
            path_len: path.len() as u32,
        };
        self.record(Kind::OpenPath, open, &[&path]);
    }

    /// Closes of a file by a process; how many may have read and written it.
    pub(in crate::pipeline::tests) fn uses(
        &mut self,
        pid: u32,
        ino: u32,
        mode: u32,
        [closes, read, written]: [u64; 3],
    ) {
        self.uses_with(pid, ino, mode, [closes, read, written], 0, [0, 0]);
    }

    /// The same with flags and both sizes.
    pub(in crate::pipeline::tests) fn uses_with(
        &mut self,
        pid: u32,
        ino: u32,
        mode: u32,
        [closes, read, written]: [u64; 3],
        flags: u32,
        [size_before, size_after]: [u64; 2],
    ) {
        let uses = Uses {
            start_ns: start_of(pid),
            opened_ns: 1,
            last_ns: self.now(),
            ino: ino.into(),
            size_before,
            size_after,
            closes,
            read,
            written,
            pid,
            dev: 0x80_0001,
            generation: 1,
            mode,
            flags,
            pad: 0,
        };
        self.frame(KIND_USES, &[uses.as_bytes()]);
        self.count(Kind::Use as u32, Source::Opens, [closes, 1, closes - 1, 0]);
    }
}
