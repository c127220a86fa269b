//! What went over unix sockets, for each process and peer.

use foldhash::HashMap;

use event::ProcId;
use event::frame::net::{FOREIGN_ENDED, Foreign};
use event::model::{Other, Traffic, Unix, What};
use event::wire::{FOREIGN_MANY, ForeignKey, ForeignUse, UnixOp};

use super::{At, Pipeline};

const AF_UNIX: u64 = 1;

/// Sums that were told and may grow.
pub(super) type Sums = HashMap<ForeignKey, ForeignUse>;

/// Whether the sums are of unix sockets.
pub(super) fn is_unix(key: &ForeignKey) -> bool {
    key.cookie & FOREIGN_MANY != 0 && key.cookie >> 16 & 0xffff == AF_UNIX
}

impl Pipeline {
    pub(super) fn on_unix_use(&mut self, told: &Foreign, at: At) {
        if told.used.flags & FOREIGN_ENDED == 0 {
            self.unix_sums.insert(told.key, told.used);
            return;
        }
        self.unix_sums.remove(&told.key);
        self.tell_unix_use(&told.key, &told.used, at.frame);
    }

    /// Tells those of processes that still live, at the end of the record, in the order of their begin.
    pub(super) fn tell_unix_uses(&mut self, frame: u64) {
        let mut left: Vec<_> = std::mem::take(&mut self.unix_sums).into_iter().collect();
        left.sort_by_key(|(key, used)| (used.first_ns, key.pid, key.cookie));
        for (key, used) in &left {
            self.tell_unix_use(key, used, frame);
        }
    }

    fn tell_unix_use(&mut self, key: &ForeignKey, used: &ForeignUse, frame: u64) {
        let peer_pid = u32::try_from(key.cookie >> 32 & 0x7fff_ffff).unwrap_or_default();
        let peer = (peer_pid != 0).then(|| Other {
            // The socket knows its peer by number; a process of the run is known with its start.
            id: self.processes.by_pid(peer_pid).unwrap_or(ProcId { pid: peer_pid, start_ns: 0 }),
            ..Other::default()
        });
        let traffic = Traffic {
            sent_bytes: used.sent_bytes,
            received_bytes: used.received_bytes,
            sent_packets: used.sent_packets,
            received_packets: used.received_packets,
        };
        let unix = Unix {
            op: UnixOp::Flow,
            kind: (key.cookie & 0xffff) as u16,
            socket: 0,
            error: 0,
            path: None,
            path_cut: false,
            bound: None,
            abstract_name: None,
            path_claimed: None,
            abstract_claimed: None,
            args_claimed: false,
            peer,
            passed: None,
            flow: Some((traffic, self.clock.utc(used.first_ns))),
        };
        let actor = self.processes.actor(ProcId { pid: key.pid, start_ns: key.start_ns });
        let at = At { frame, boot_ns: used.last_ns };
        self.push_by(at, actor, What::Unix(Box::new(unix)));
    }
}
