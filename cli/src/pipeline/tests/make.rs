//! Makes records: frames as the recorder writes them, and the lines that come of them.

use event::frame::control::*;
use event::frame::files::*;
use event::frame::hash::*;
use event::frame::redact::{KIND_REDACTED, Redacted};
use event::frame::{self, AlignedBytes, Frames};
use event::json;
use event::model::Event;
use event::wire::{self, Ends, Head, Kind};
use serde_json::Value as Json;
use zerocopy::{FromZeros, Immutable, IntoBytes};

use super::super::Pipeline;

pub(super) const RUN: &str = "20261121-201530-sh-7k2m";
pub(super) const ESTALE: i32 = 116;
/// Times of the made-up machine: it was started at this moment.
const BOOTED: i64 = 1_795_378_530_000_000_000;

/// A record in the making; each frame is a millisecond later than the one before.
#[derive(Default)]
pub(super) struct Maker {
    pub(super) bytes: AlignedBytes,
    pub(super) seq: u64,
    tallies: Vec<Tally>,
    /// Where a frame is put together.
    room: Vec<u8>,
}

/// The process with this pid; it was started at ten times that.
pub(super) fn start_of(pid: u32) -> u64 {
    u64::from(pid) * 10
}

/// Bytes of a handle on the ext4 with fsid (8, 1).
pub(super) fn handle(ino: u32) -> Vec<u8> {
    [ino.to_ne_bytes(), 1u32.to_ne_bytes()].concat()
}

pub(super) fn components(path: &str) -> Vec<u8> {
    path.split('/')
        .rev()
        .filter(|part| !part.is_empty())
        .flat_map(|p| [p.as_bytes(), b"\0"].concat())
        .collect()
}

impl Maker {
    /// A record that has begun: segment, start, description, sources, one ext4.
    pub(super) fn begun() -> Maker {
        let mut maker = Maker::default();
        let mut run = [0; 64];
        run[..RUN.len()].copy_from_slice(RUN.as_bytes());
        let version = frame::VERSION;
        maker
            .frame(KIND_SEGMENT, &[Segment { chain: [0; 32], run, version, number: 1 }.as_bytes()]);
        let (release, host) = (b"6.18.44", b"build-3");
        let start = Start {
            boot_ns: 0,
            real_ns: BOOTED,
            leaf_id: 9,
            boot_id: [0; 16],
            uid: 0,
            trust: 2,
            release_len: 7,
            host_len: 7,
            pad: 0,
        };
        maker.frame(KIND_START, &[start.as_bytes(), release, host]);
        let about = br#"{"command":["sh","-c","make"],"cwd":"/src","user":"ana","uid":1000,"version":"0.1.0"}"#;
        maker.frame(KIND_ABOUT, &[about]);
        for source in Source::ALL.into_iter().filter(|source| *source != Source::Record) {
            maker.source(source, State::On, "");
        }
        maker.mount([8, 1], 0x80_0001, coverage::FID, "ext4", "/");
        maker
    }

    /// The front said more of the run; `fields` go on after those of [`Maker::begun`].
    pub(super) fn about(&mut self, fields: &str) {
        let about = format!(
            r#"{{"command":["sh","-c","make"],"cwd":"/src","user":"ana","uid":1000,"version":"0.1.0",{fields}}}"#
        );
        self.frame(KIND_ABOUT, &[about.as_bytes()]);
    }

    pub(super) fn now(&self) -> u64 {
        (self.seq + 1) * 1_000_000
    }

    pub(super) fn frame(&mut self, kind: u16, parts: &[&[u8]]) -> u64 {
        self.room.resize(200_000, 0);
        self.seq += 1;
        let len = frame::encode(&mut self.room, kind, self.seq, self.seq * 1_000_000, parts)
            .expect("room");
        self.bytes.extend(&self.room[..len]);
        self.seq
    }

    pub(super) fn source(&mut self, source: Source, state: State, text: &str) {
        let told = SourceState {
            source: source as u32,
            state: state as u32,
            text_len: text.len() as u32,
            pad: 0,
        };
        self.frame(KIND_SOURCE, &[told.as_bytes(), text.as_bytes()]);
    }

    pub(super) fn mount(
        &mut self,
        fsid: [u32; 2],
        dev: u32,
        coverage: u32,
        fs_type: &str,
        point: &str,
    ) {
        let mount = Mount {
            mount_id: 1,
            fsid,
            dev,
            coverage,
            fs_type_len: fs_type.len() as u16,
            point_len: point.len() as u16,
            reason_len: 0,
            root_len: 0,
        };
        self.frame(KIND_MOUNT, &[mount.as_bytes(), fs_type.as_bytes(), point.as_bytes()]);
    }

    pub(super) fn head(&self, kind: Kind, pid: u32) -> Head {
        Head {
            boot_ns: self.now(),
            start_ns: start_of(pid),
            kind: kind as u32,
            size: 0,
            pid,
            tid: pid,
        }
    }

    /// Stores a record and counts it as seen and stored.
    pub(super) fn record<T: IntoBytes + Immutable>(
        &mut self,
        kind: Kind,
        fixed: T,
        data: &[&[u8]],
    ) {
        let source = match kind as u16 {
            0..16 => Source::Process,
            27 => Source::Hosts,
            16..25 | 28..32 => Source::Network,
            25 | 26 | 37 | 40.. => Source::Calls,
            _ => Source::Opens,
        };
        let mut bytes = [&[fixed.as_bytes()], data].concat().concat();
        let size = bytes.len() as u32;
        bytes[20..24].copy_from_slice(&size.to_ne_bytes());
        self.frame(kind as u16, &[&bytes]);
        self.count(kind as u32, source, [1, 1, 0, 0]);
    }

    /// Adds to the totals that the next checkpoint tells.
    pub(super) fn count(
        &mut self,
        id: u32,
        source: Source,
        [seen, stored, folded, lost]: [u64; 4],
    ) {
        if !self.tallies.iter().any(|tally| tally.id == id) {
            self.tallies.push(Tally {
                id,
                source: source as u32,
                seen: 0,
                stored: 0,
                folded: 0,
                lost: 0,
            });
        }
        for tally in self.tallies.iter_mut().filter(|tally| tally.id == id) {
            tally.seen += seen;
            tally.stored += stored;
            tally.folded += folded;
            tally.lost += lost;
        }
    }

    pub(super) fn fork(&mut self, pid: u32, child: u32) {
        let fork = wire::Fork {
            head: self.head(Kind::Fork, pid),
            child_start_ns: start_of(child),
            parent_start_ns: start_of(pid),
            child_pid: child,
            parent_pid: pid,
            mnt_ns: 1,
            flags: 0,
            ns_pid: child,
            pid_ns: 0,
            uid: 1000,
            pad: 0,
        };
        self.record(Kind::Fork, fork, &[]);
    }

    pub(super) fn exec(&mut self, pid: u32, exe: &str, argv: &[u8]) {
        self.exec_part(pid, exe, argv, argv.len() as u64);
    }

    /// An exec with the first bytes of an argv of `argv_len`.
    pub(super) fn exec_part(&mut self, pid: u32, exe: &str, argv: &[u8], argv_len: u64) {
        let (path, cwd) = (components(exe), components("/src"));
        let exec = wire::Exec {
            head: self.head(Kind::Exec, pid),
            exe_ino: 77,
            argv_len,
            parent_start_ns: start_of(1),
            cap_effective: 0,
            exe_dev: 0x80_0001,
            exe_generation: 1,
            parent_pid: 1,
            uid: 1000,
            gid: 1000,
            euid: 1000,
            egid: 1000,
            argc: argv.iter().filter(|byte| **byte == 0).count() as u32,
            mnt_ns: 1,
            argv_kept: argv.len() as u32,
            exe_len: path.len() as u16,
            cwd_len: cwd.len() as u16,
            file_len: exe.len() as u16,
            interp_len: 0,
            flags: 0,
            ns_pid: pid,
            pid_ns: 0,
            stdin_kind: 7,
            stdout_kind: 2,
            pad: 0,
            stdin_ino: 0,
            stdout_ino: 4711,
        };
        self.record(Kind::Exec, exec, &[&path, &cwd, exe.as_bytes(), argv]);
    }

    pub(super) fn argv(&mut self, pid: u32, offset: u32, bytes: &[u8]) {
        let argv = wire::Argv {
            head: self.head(Kind::Argv, pid),
            offset,
            len: bytes.len() as u32,
            flags: 0,
            pad: 0,
        };
        self.record(Kind::Argv, argv, &[bytes]);
    }

    /// A secret in the argv that comes next.
    pub(super) fn redacted(&mut self, pid: u32, at: u64, len: u32) {
        let (start_ns, mark) = (start_of(pid), [0xab; event::redact::MARK]);
        let told = Redacted { start_ns, at, pid, len, rule: 1, mark, pad: [0; 6] };
        self.frame(KIND_REDACTED, &[told.as_bytes()]);
    }

    /// What came of the hash of a long argv.
    pub(super) fn argv_hash(&mut self, pid: u32, argv_len: u64, state: Hashed) {
        let start_ns = start_of(pid);
        let state = state as u32;
        let told = ArgvHash { start_ns, argv_len, hashed: argv_len, hash: [0xab; 32], pid, state };
        self.frame(KIND_ARGV_HASH, &[told.as_bytes()]);
        self.count(Kind::ArgvEnd as u32, Source::Process, [1, 1, 0, 0]);
    }

    /// The thread `tid` acts for the user `uid` now, with all else of user 1000.
    pub(super) fn cred(&mut self, pid: u32, tid: u32, uid: u32) {
        self.cred_at(self.now(), pid, tid, uid);
    }

    /// The same, at another time than its frame's.
    pub(super) fn cred_at(&mut self, boot_ns: u64, pid: u32, tid: u32, uid: u32) {
        let mut groups = [0; wire::CRED_GROUPS];
        groups[..2].copy_from_slice(&[27, 1000]);
        let now = wire::Creds {
            cap_effective: 0,
            cap_permitted: 1 << 21,
            uid,
            gid: 1000,
            euid: uid,
            egid: 1000,
            suid: 1000,
            sgid: 1000,
            fsuid: uid,
            fsgid: 1000,
            group_count: 2,
            pad: 0,
            groups,
        };
        let head = Head { boot_ns, tid, ..self.head(Kind::Cred, pid) };
        self.record(Kind::Cred, wire::Cred { head, now }, &[]);
    }

    pub(super) fn exit(&mut self, pid: u32, code: i32) {
        let exit =
            wire::Exit { head: self.head(Kind::Exit, pid), utime_ns: 5, stime_ns: 6, code, pad: 0 };
        self.record(Kind::Exit, exit, &[]);
    }

    pub(super) fn sock(&mut self, kind: Kind, pid: u32, cookie: u64, ends: Ends, flags: u32) {
        let sock = wire::Sock { head: self.head(kind, pid), cookie, ends, flags, error: 0 };
        self.record(kind, sock, &[]);
    }

    pub(super) fn flow(&mut self, pid: u32, cookie: u64, ends: Ends, bytes: u64, flags: u32) {
        let flow = wire::Flow {
            head: self.head(Kind::Flow, pid),
            cookie,
            sent_bytes: bytes,
            received_bytes: bytes * 2,
            sent_packets: 1,
            received_packets: 1,
            ends,
            flags,
            pad: 0,
        };
        self.record(Kind::Flow, flow, &[]);
    }

    /// A unix socket that was connected, with what follows: name, file, program of the peer.
    pub(super) fn unix(&mut self, pid: u32, data: [&[u8]; 3], fill: impl FnOnce(&mut wire::Unix)) {
        let mut unix = wire::Unix::new_zeroed();
        unix.head = self.head(Kind::Unix, pid);
        (unix.op, unix.kind, unix.socket) = (wire::UnixOp::Connect as u32, 1, 4711);
        [unix.name_len, unix.path_len, unix.exe_len] = data.map(|part| part.len() as u16);
        fill(&mut unix);
        self.record(Kind::Unix, unix, &data);
    }

    /// An open file that was received, with the components of its path.
    pub(super) fn passed(&mut self, pid: u32, path: &[u8], fill: impl FnOnce(&mut wire::Passed)) {
        let mut passed = wire::Passed::new_zeroed();
        passed.head = self.head(Kind::Passed, pid);
        (passed.op, passed.kind, passed.socket) = (wire::UnixOp::Receive as u32, 1, 4711);
        (passed.dev, passed.ino, passed.generation) = (8_388_609, 105, 1);
        (passed.mode, passed.file_type) = (wire::open_mode::READ, 0o100_000);
        passed.path_len = path.len() as u32;
        fill(&mut passed);
        self.record(Kind::Passed, passed, &[path]);
    }

    /// A call that came back, with the caller's registers and what follows the record: path,
    /// directory, target's program, name, texts.
    pub(super) fn call_with(
        &mut self,
        pid: u32,
        name: wire::CallName,
        ret: i64,
        args: [u64; 6],
        fill: impl FnOnce(&mut wire::Call) -> [&'static [u8]; 5],
    ) {
        let mut call = wire::Call::new_zeroed();
        call.head = self.head(Kind::Call, pid);
        (call.ret, call.args, call.call) = (ret, args, name as u32);
        let data = fill(&mut call);
        [call.path_len, call.cwd_len, call.target_len, call.name_len, call.text_len] =
            data.map(|part| part.len() as u16);
        self.record(Kind::Call, call, &data);
    }

    /// First bytes of a conversation of socket `cookie`.
    pub(super) fn payload(
        &mut self,
        pid: u32,
        cookie: u64,
        ends: Ends,
        (kind, flags): (u32, u32),
        data: &[u8],
    ) {
        let len = data.len() as u32;
        let head = self.head(Kind::Payload, pid);
        let payload = wire::Payload { head, cookie, ends, offset: 0, len, kind, flags };
        self.record(Kind::Payload, payload, &[data]);
    }

    /// Tells the path of the directory with inode `ino`, or why there is none.
    pub(super) fn dir(&mut self, id: u32, ino: u32, path: Result<&[u8], i32>) {
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
    pub(super) fn within(&mut self, dir: u32, parent: u32) {
        self.frame(KIND_WITHIN, &[Within { dir, parent }.as_bytes()]);
    }

    /// All that was done before the moves so far is told.
    pub(super) fn settled(&mut self) {
        self.frame(KIND_SETTLED, &[Settled { moves: 1 }.as_bytes()]);
    }

    /// A report on the file `ino` with `name` in directory number `dir`.
    pub(super) fn file(&mut self, pid: u32, mask: u64, ino: u32, dir: u32, name: &[u8]) -> u64 {
        self.renamed(pid, mask, ino, (dir, name), (0, b""))
    }

    pub(super) fn renamed(
        &mut self,
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
            flags: 0,
            target_kind: 1,
            target_len: handle.len() as u16,
            name_len: old.1.len() as u16,
            new_name_len: new.1.len() as u16,
            path_len: 0,
        };
        self.frame(KIND_FILE, &[file.as_bytes(), &handle, old.1, new.1])
    }

    pub(super) fn repeat(&mut self, first_seq: u64, count: u64) {
        let repeat = FileRepeat { first_seq, last_ns: self.now(), count };
        self.frame(KIND_FILE_REPEAT, &[repeat.as_bytes()]);
    }

    pub(super) fn opens(&mut self, pid: u32, ino: u32, count: u64, mode: u32) {
        self.opens_on(0x80_0001, pid, ino, count, mode);
    }

    pub(super) fn opens_on(&mut self, dev: u32, pid: u32, ino: u32, count: u64, mode: u32) {
        let opens = Opens {
            start_ns: start_of(pid),
            first_ns: 1,
            last_ns: 2,
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
    pub(super) fn hash_of_nothing(&mut self, pid: u32, ino: u64, path: &str) {
        let hash = Hash {
            blake3: event::digest::Digest::default().finish(),
            size: 0,
            ino,
            start_ns: start_of(pid),
            frame: 0,
            pid,
            dev: 0x80_0001,
            what: what::WRITE,
            basis: basis::CLOSE,
            missing: missing::NOTHING,
            path_len: path.len() as u32,
        };
        self.frame(KIND_HASH, &[hash.as_bytes(), path.as_bytes()]);
    }

    /// An open that no mark watches.
    pub(super) fn open_path(&mut self, pid: u32, ino: u32, mode: u32, path: &str, flags: u32) {
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
    pub(super) fn uses(
        &mut self,
        pid: u32,
        ino: u32,
        mode: u32,
        [closes, read, written]: [u64; 3],
    ) {
        self.uses_with(pid, ino, mode, [closes, read, written], 0, [0, 0]);
    }

    /// The same with flags and both sizes.
    pub(super) fn uses_with(
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
            last_ns: 2,
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

    pub(super) fn lost(&mut self, source: Source, id: u32, count: u64) {
        let lost = Lost {
            count,
            from_ns: 0,
            to_ns: self.now(),
            source: source as u32,
            cause: Cause::RingFull as u32,
            id,
            pad: 0,
        };
        self.frame(KIND_LOST, &[lost.as_bytes()]);
        self.count(id, source, [count, 0, 0, count]);
    }

    pub(super) fn checkpoint(&mut self) {
        let boot_ns = self.now();
        let (tallies, real_ns) = (self.tallies.clone(), BOOTED + boot_ns as i64);
        let checkpoint = Checkpoint {
            chain: [0; 32],
            boot_ns,
            real_ns,
            tallies: tallies.len() as u32,
            alive: 1,
        };
        self.frame(KIND_CHECKPOINT, &[checkpoint.as_bytes(), tallies.as_bytes()]);
    }

    /// Ends the record as one that went well.
    pub(super) fn sealed(mut self) -> Maker {
        self.checkpoint();
        let boot_ns = self.now();
        let seal = Seal {
            chain: [0; 32],
            boot_ns,
            real_ns: BOOTED + boot_ns as i64,
            frames: self.seq + 1,
            main_code: 0x300,
            main_known: 1,
            ending: Ending::Empty as u32,
            alive: 0,
        };
        self.frame(KIND_SEAL, &[seal.as_bytes()]);
        self
    }

    /// The events of the record, and the pipeline after it.
    pub(super) fn events(&self) -> (Vec<Event>, Pipeline) {
        let (mut pipeline, mut events) = (Pipeline::new(RUN), Vec::new());
        let mut frames = Frames::new(self.bytes.as_slice(), Some(1));
        for frame in frames.by_ref() {
            pipeline.feed(&frame, &mut |event| events.push(event.clone()));
        }
        pipeline.finish(frames.damage().is_some(), &mut |event| events.push(event.clone()));
        (events, pipeline)
    }

    /// The lines of the record, judged by the built-in rules.
    pub(super) fn judged(&self) -> String {
        let set = std::sync::Arc::new(rules::RuleSet::builtin());
        let judge = rules::Judge::new(set, rules::Surroundings::default());
        let (mut pipeline, mut out) = (Pipeline::new(RUN).judged_by(judge), Vec::new());
        let mut frames = Frames::new(self.bytes.as_slice(), Some(1));
        for frame in frames.by_ref() {
            pipeline.feed(&frame, &mut |event| json::line(RUN, event, &mut out));
        }
        pipeline.finish(frames.damage().is_some(), &mut |event| json::line(RUN, event, &mut out));
        String::from_utf8(out).expect("lines are UTF-8")
    }

    /// The lines of the record.
    pub(super) fn lines(&self) -> String {
        let mut out = Vec::new();
        self.events().0.iter().for_each(|event| json::line(RUN, event, &mut out));
        String::from_utf8(out).expect("lines are UTF-8")
    }
}

/// The events of a record as JSON, those of `kind` only, without the fields that all have.
pub(super) fn played(maker: &Maker, kind: &str) -> Vec<Json> {
    let objects = maker
        .lines()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect::<Vec<Json>>();
    let seqs: Vec<_> = objects.iter().filter_map(|object| object["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=objects.len() as u64).collect::<Vec<_>>(), "numbers are dense");
    objects.into_iter().filter(|object| object["type"] == kind).collect()
}
