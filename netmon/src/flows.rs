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
use event::wire::{Ends, Flow, Kind, Sock, flow_flag, sock_flag};

use crate::conversation::{Conversation, Done, TCP, local, net};

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
}

impl Flows {
    /// Takes a record of a socket.
    pub fn sock(&mut self, kind: Kind, sock: &Sock, at_ns: u64) -> Said {
        match kind {
            Kind::Connect => self.connect(sock, at_ns),
            Kind::Established => self.established(sock, at_ns),
            Kind::Accepted => self.accepted(sock, at_ns),
            Kind::Closed => self.closed(sock, at_ns),
            Kind::Send => Said::Event(net(NetOp::Send, sock.cookie, &sock.ends)),
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
        self.over.drain(..).map(Conversation::done).for_each(tell);
    }

    fn connect(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let mut event = net(NetOp::Connect, sock.cookie, &sock.ends);
        if sock.ends.proto != TCP {
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
        let result = *talk.result.get_or_insert(ConnectResult::Unknown);
        event.result = Some(result);
        Said::Event(event)
    }

    fn established(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let talk = self.talk(sock, at_ns);
        talk.role = Some(Role::Client);
        talk.result = Some(ConnectResult::Established);
        result(sock, ConnectResult::Established)
    }

    fn accepted(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let talk = self.talk(sock, at_ns);
        talk.role = Some(Role::Server);
        talk.result = Some(ConnectResult::Established);
        Said::Event(net(NetOp::Accept, sock.cookie, &sock.ends))
    }

    fn closed(&mut self, sock: &Sock, at_ns: u64) -> Said {
        let talk = self.talk(sock, at_ns);
        talk.closed = true;
        let failed = sock.flags & sock_flag::NEVER_ESTABLISHED != 0;
        let known = if failed { ConnectResult::Failed } else { ConnectResult::Established };
        // The handshake may have been told already; a close does not take that back.
        let kept = match talk.result {
            Some(ConnectResult::Established) => ConnectResult::Established,
            _ => known,
        };
        talk.result = Some(kept);
        self.ended.push(sock.cookie);
        result(sock, kept)
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

fn result(sock: &Sock, result: ConnectResult) -> Said {
    Said::Result { cookie: sock.cookie, result, local: local(&sock.ends) }
}

#[cfg(test)]
mod tests;
