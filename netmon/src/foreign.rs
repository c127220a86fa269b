//! Sockets that no cgroup program tells of: who uses them, and how much.

use std::collections::HashMap;

use event::ProcId;
use event::frame::net::{FOREIGN_ENDED, Foreign};
use event::model::{Net, NetOp, Traffic};
use event::wire::{FOREIGN_MANY, FOREIGN_OUTSIDE, ForeignKey, ForeignUse};

use crate::conversation::{Done, local, net};

/// `AF_INET`, `AF_INET6`.
const IP: [u16; 2] = [2, 10];

/// What was used and by whom, as last told.
#[derive(Debug, Default)]
pub struct ForeignUses {
    held: HashMap<ForeignKey, ForeignUse>,
}

impl ForeignUses {
    /// Takes what is told of a socket and a process. Returns an event at the first use of a socket from
    /// outside, and the flow when the process has ended.
    pub fn see(&mut self, told: &Foreign) -> (Option<Net>, Option<Done>) {
        let is_new = self.held.insert(told.key, told.used).is_none();
        let outside = told.used.flags & FOREIGN_OUTSIDE != 0;
        let begin = (is_new && outside).then(|| event(NetOp::Socket, &told.key, &told.used));
        if told.used.flags & FOREIGN_ENDED == 0 {
            return (begin, None);
        }
        self.held.remove(&told.key);
        (begin, Some(flow(&told.key, &told.used)))
    }

    /// Tells the flows of all that is left, in the order of their begin.
    pub fn finish(&mut self, tell: impl FnMut(Done)) {
        let mut left: Vec<Done> = self.held.drain().map(|(key, used)| flow(&key, &used)).collect();
        left.sort_by_key(|done| (done.first_ns, done.net.cookie));
        left.into_iter().for_each(tell);
    }
}

fn event(op: NetOp, key: &ForeignKey, used: &ForeignUse) -> Net {
    let cookie = if key.cookie & FOREIGN_MANY == 0 { key.cookie } else { 0 };
    let is_ip = IP.contains(&used.ends.family);
    let connected = is_ip && used.ends.peer_port != 0;
    Net {
        sock_type: u16::try_from(used.sock_type).ok(),
        outside: used.flags & FOREIGN_OUTSIDE != 0,
        local: local(&used.ends).filter(|_| is_ip),
        peer: connected.then(|| used.ends.peer()),
        ..net(op, cookie, &used.ends)
    }
}

fn flow(key: &ForeignKey, used: &ForeignUse) -> Done {
    let traffic = Traffic {
        sent_bytes: used.sent_bytes,
        received_bytes: used.received_bytes,
        sent_packets: used.sent_packets,
        received_packets: used.received_packets,
    };
    Done {
        owner: ProcId { pid: key.pid, start_ns: key.start_ns },
        first_ns: used.first_ns,
        last_ns: used.last_ns,
        net: Net { traffic: Some(traffic), ..event(NetOp::Flow, key, used) },
    }
}
