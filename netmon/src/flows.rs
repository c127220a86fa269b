//! The table of conversations.
//!
//! Every connect(2), every UDP send to another peer and every accept is an event at once. What was
//! exchanged is one `flow` event per conversation, when it is over: for TCP after the state went to
//! CLOSE (also of connections that never came to be, so that each connect has its flow), for UDP
//! after the socket was released, one per peer. Records of one end may come in any order, so an
//! ended conversation is told at the next [`Flows::settle`], not at its last record. Whatever is
//! left is told by [`Flows::finish`]. No byte is dropped: sums of flow events are sums of records.

use std::collections::HashMap;
use std::net::SocketAddr;

use event::model::{ConnectResult, Net, NetOp, Role};
use event::wire::{ConnectError, Ends, Flow, Kind, Sock, flow_flag, sock_flag};

use crate::conversation::{Conversation, Done, TCP, local, net};
use crate::recent::{Heard, Recent};

/// Conversations held at most; beyond, the older half is told early, and later traffic of theirs
/// becomes another flow event. Reached by servers with very many open connections.
const MAX_HELD: usize = 1 << 16;

/// Peers of one UDP socket held at most, likewise.
const MAX_PEERS: usize = 256;

/// What a record of a socket has to say at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An event.
    Event(Net),
    /// What became of the connects of this socket that were told as events.
    Result {
        /// The socket.
        cookie: u64,
        /// What became of it.
        result: ConnectResult,
        /// The error, if it was one.
        errno: Option<u32>,
        /// The own address, chosen by now.
        local: Option<SocketAddr>,
    },
    /// Nothing.
    Nothing,
}

/// Conversations that go on, and those that ended since the last [`Flows::settle`].
#[derive(Debug, Default)]
pub struct Flows {
    sockets: HashMap<u64, Vec<Conversation>>,
    held: usize,
    ended: Vec<u64>,
    over: Vec<Conversation>,
    begun: u64,
    /// Connects that failed.
    failed: Recent,
}

impl Flows {
    /// Takes a record of a socket.
    pub fn sock(&mut self, kind: Kind, sock: &Sock, at_ns: u64) -> Said {
        match kind {
            Kind::Connect => self.connect(sock, at_ns),
            Kind::Outside => Said::Event(outside(sock)),
            Kind::Established => self.established(sock, at_ns),
            Kind::Accepted => self.accepted(sock, at_ns),
            Kind::Closed => self.closed(sock, at_ns),
            Kind::Send => Said::Event(net(NetOp::Send, sock.cookie, &sock.ends)),
            Kind::Bind => Said::Event(own_end(NetOp::Bind, sock)),
            Kind::Listen => Said::Event(own_end(NetOp::Listen, sock)),
            _ => Said::Nothing,
        }
    }

    /// connect(2) failed. A TCP socket says that itself where the connection had begun; then this comes
    /// before or after, and only adds what is not known.
    pub fn failed(&mut self, failed: &ConnectError, at_ns: u64) -> Said {
        let (cookie, errno) = (failed.cookie, failed.error);
        self.failed.put(cookie, Heard { at_ns, errno });
        let result = ConnectResult::of_errno(errno);
        let said = |local| Said::Result { cookie, result, errno: Some(errno), local };
        if failed.proto != TCP {
            return said(None);
        }
        let talks = self.sockets.get_mut(&cookie).into_iter().flatten();
        let mut last = talks.filter(|talk| talk.ends.proto == TCP && talk.first_ns <= at_ns);
        match last.next_back() {
            Some(talk) if talk.lacks_result() => {
                talk.fail(errno, at_ns);
                self.ended.push(cookie);
                said(local(&talk.ends))
            }
            _ => Said::Nothing,
        }
    }

    /// Takes totals of a flow.
    pub fn flow(&mut self, flow: &Flow, at_ns: u64) {
        let owner = flow.head.process();
        let talk = self.conversation(flow.cookie, &flow.ends, |order| {
            Conversation::new(order, flow.cookie, owner, flow.ends, at_ns)
        });
        talk.heard(owner, &flow.ends, at_ns);
        talk.add(flow);
        if flow.ends.proto != TCP && flow.flags & flow_flag::RELEASED != 0 {
            self.ended.push(flow.cookie);
        }
    }

    /// Tells the conversations that ended since the last call, in the order of their begin.
    pub fn settle(&mut self, tell: impl FnMut(Done)) {
        self.failed.age();
        for cookie in std::mem::take(&mut self.ended) {
            let Some(mut talks) = self.sockets.remove(&cookie) else { continue };
            self.held -= talks.len();
            self.over.append(&mut talks);
        }
        if self.held > MAX_HELD {
            self.shed();
        }
        self.tell(tell);
    }

    /// Tells all that is left.
    pub fn finish(&mut self, tell: impl FnMut(Done)) {
        self.ended.clear();
        self.held = 0;
        self.over.extend(self.sockets.drain().flat_map(|(_, talks)| talks));
        self.tell(tell);
    }

    fn tell(&mut self, tell: impl FnMut(Done)) {
        self.over.sort_unstable_by_key(|talk| talk.order);
        // What went over a socket from outside is told by process: see `ForeignUses`.
        let told = self.over.drain(..).filter(|talk| !talk.is_told_by_use());
        told.map(Conversation::done).for_each(tell);
    }

    fn connect(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let mut event = net(NetOp::Connect, sock.cookie, &sock.ends);
        event.outside = sock.flags & sock_flag::OUTSIDE != 0;
        let failed = self.failed.since(sock.cookie, at_ns);
        if sock.ends.proto != TCP {
            event.errno = failed.map(|failed| failed.errno);
            event.result = event.errno.map(ConnectResult::of_errno);
            return Said::Event(event);
        }
        let again = |talks: &Vec<Conversation>| talks.iter().any(|talk| talk.closed);
        if self.sockets.get(&sock.cookie).is_some_and(again) {
            // The socket was used before and its connection is over: this is another one.
            let mut talks = self.sockets.remove(&sock.cookie).unwrap_or_default();
            self.held -= talks.len();
            self.over.append(&mut talks);
        }
        let talk = self.talk(sock, at_ns);
        talk.role = Some(Role::Client);
        talk.outside = event.outside;
        talk.result.get_or_insert(ConnectResult::Pending);
        if let Some(Heard { errno, at_ns }) = failed.filter(|_| talk.lacks_result()) {
            talk.fail(errno, at_ns);
        }
        (event.result, event.errno) = (talk.result, talk.errno);
        if talk.closed {
            self.ended.push(sock.cookie);
        }
        Said::Event(event)
    }

    fn established(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let talk = self.talk(sock, at_ns);
        talk.role = Some(Role::Client);
        talk.result = Some(ConnectResult::Established);
        Said::Result {
            cookie: sock.cookie,
            result: ConnectResult::Established,
            errno: None,
            local: local(&sock.ends),
        }
    }

    fn accepted(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let talk = self.talk(sock, at_ns);
        talk.role = Some(Role::Server);
        talk.result = Some(ConnectResult::Established);
        Said::Event(net(NetOp::Accept, sock.cookie, &sock.ends))
    }

    fn closed(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let failed = sock.flags & sock_flag::NEVER_ESTABLISHED != 0;
        let known = self.sockets.contains_key(&sock.cookie);
        if failed && !known && self.failed.since(sock.cookie, at_ns).is_some() {
            // connect(2) said so before, and its flow was told.
            return Said::Nothing;
        }
        let talk = self.talk(sock, at_ns);
        talk.closed = true;
        // The handshake may have been told already; a close does not take that back.
        if talk.lacks_result() {
            talk.result = Some(match sock.error {
                _ if !failed => ConnectResult::Established,
                0 if sock.flags & sock_flag::NOT_BEGUN != 0 => ConnectResult::Failed,
                0 => ConnectResult::Abandoned,
                errno => ConnectResult::of_errno(errno),
            });
        }
        talk.errno = talk.errno.or((sock.error != 0).then_some(sock.error));
        let result = Said::Result {
            cookie: sock.cookie,
            result: talk.result.unwrap_or(ConnectResult::Established),
            errno: talk.errno.filter(|_| failed),
            local: local(&sock.ends),
        };
        self.ended.push(sock.cookie);
        result
    }

    /// The conversation of a socket's record, begun if need be.
    fn talk(&mut self, sock: &Sock, at_ns: u64) -> &mut Conversation {
        let owner = sock.head.process();
        let talk = self.conversation(sock.cookie, &sock.ends, |order| {
            Conversation::new(order, sock.cookie, owner, sock.ends, at_ns)
        });
        talk.heard(owner, &sock.ends, at_ns);
        talk
    }

    /// A TCP socket has one conversation at a time; others have one per peer.
    fn conversation(
        &mut self,
        cookie: u64,
        ends: &Ends,
        begin: impl FnOnce(u64) -> Conversation,
    ) -> &mut Conversation {
        let talks = self.sockets.entry(cookie).or_default();
        let same = |talk: &Conversation| {
            talk.ends.proto == ends.proto && (ends.proto == TCP || !differs(&talk.ends, ends))
        };
        let at = match talks.iter().position(same) {
            Some(at) => at,
            None => {
                if talks.len() >= MAX_PEERS {
                    self.held -= talks.len();
                    self.over.append(talks);
                }
                talks.push(begin(self.begun));
                self.begun += 1;
                self.held += 1;
                talks.len() - 1
            }
        };
        &mut talks[at]
    }

    /// Tells the older half early.
    fn shed(&mut self) {
        let mut orders: Vec<u64> = self.sockets.values().flatten().map(|talk| talk.order).collect();
        let middle = orders.len() / 2;
        let (_, limit, _) = orders.select_nth_unstable(middle);
        let limit = *limit;
        let (over, held) = (&mut self.over, &mut self.held);
        self.sockets.retain(|_, talks| {
            let old = talks.extract_if(.., |talk| talk.order < limit);
            let before = over.len();
            over.extend(old);
            *held -= over.len() - before;
            !talks.is_empty()
        });
    }
}

fn differs(a: &Ends, b: &Ends) -> bool {
    (a.peer, a.peer_port) != (b.peer, b.peer_port)
}

/// connect(2) of a socket from outside came back, and nothing else tells of it. Without success there is no
/// peer: the socket has none.
fn outside(sock: &Sock) -> Net {
    let event = net(NetOp::Connect, sock.cookie, &sock.ends);
    let errno = (sock.error != 0).then_some(sock.error);
    Net {
        outside: true,
        peer: event.peer.filter(|peer| errno.is_none() && peer.port() != 0),
        errno,
        result: errno.map(ConnectResult::of_errno),
        ..event
    }
}

/// The event of a socket that has no peer.
fn own_end(op: NetOp, sock: &Sock) -> Net {
    Net { peer: None, ..net(op, sock.cookie, &sock.ends) }
}

#[cfg(test)]
mod tests;
