//! Frames of sockets and rare calls.

use event::wire::{self, Ends, Kind};
use zerocopy::FromZeros;

use super::Maker;

impl Maker {
    pub(in crate::pipeline::tests) fn sock(
        &mut self,
        kind: Kind,
        pid: u32,
        cookie: u64,
        ends: Ends,
        flags: u32,
    ) {
        let sock = wire::Sock { head: self.head(kind, pid), cookie, ends, flags, error: 0 };
        self.record(kind, sock, &[]);
    }

    pub(in crate::pipeline::tests) fn flow(
        &mut self,
        pid: u32,
        cookie: u64,
        ends: Ends,
        bytes: u64,
        flags: u32,
    ) {
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
    pub(in crate::pipeline::tests) fn unix(
        &mut self,
        pid: u32,
        data: [&[u8]; 3],
        fill: impl FnOnce(&mut wire::Unix),
    ) {
        let mut unix = wire::Unix::new_zeroed();
        unix.head = self.head(Kind::Unix, pid);
        (unix.op, unix.kind, unix.socket) = (wire::UnixOp::Connect as u32, 1, 4711);
        [unix.name_len, unix.path_len, unix.exe_len] = data.map(|part| part.len() as u16);
        fill(&mut unix);
        self.record(Kind::Unix, unix, &data);
    }

    /// An open file that was received, with the components of its path.
    pub(in crate::pipeline::tests) fn passed(
        &mut self,
        pid: u32,
        path: &[u8],
        fill: impl FnOnce(&mut wire::Passed),
    ) {
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
    pub(in crate::pipeline::tests) fn call_with(
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
    pub(in crate::pipeline::tests) fn payload(
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
}
