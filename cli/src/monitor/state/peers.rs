//! Who is talked to, and how fast.

use std::collections::{BTreeSet, HashMap};

use super::Rate;
use crate::{
    pages::Line,
    text::{Safe, program},
};

/// Peers that are kept; of those beyond only the bytes are counted.
const MOST: usize = 2_000;

/// Peers by protocol and address.
#[derive(Debug, Default)]
pub(in crate::monitor) struct Peers {
    known: HashMap<String, Peer>,
    /// Payload bytes out, of all.
    pub(in crate::monitor) sent: u64,
    /// Payload bytes in, of all.
    pub(in crate::monitor) received: u64,
    /// Peers beyond those that are kept: contacts with them.
    pub(in crate::monitor) beyond: u64,
    out: Rate,
    into: Rate,
}

/// A peer.
#[derive(Debug, Default)]
pub(in crate::monitor) struct Peer {
    /// `tcp 192.0.2.7:443`; of those who came to us without their port.
    pub(in crate::monitor) address: String,
    /// Its name, where one is known.
    pub(in crate::monitor) host: String,
    /// Who talked to it.
    pub(in crate::monitor) by: BTreeSet<String>,
    /// Connects, sends, accepts.
    pub(in crate::monitor) contacts: u64,
    /// Connections that were begun and not ended.
    pub(in crate::monitor) open: BTreeSet<u64>,
    /// Payload bytes out and in.
    pub(in crate::monitor) sent: u64,
    /// In.
    pub(in crate::monitor) received: u64,
    /// When it was last heard of, nanoseconds since 1970.
    pub(in crate::monitor) ts_ns: i64,
    /// What became of the last contact, where it failed.
    pub(in crate::monitor) failed: String,
    out: Rate,
    into: Rate,
}

/// Connections of a peer that are told apart.
const OPEN: usize = 1_000;

impl Peers {
    pub(super) fn take(&mut self, ts_ns: i64, line: &Line) {
        let op = line.text("op");
        if !line.has("peer") || !matches!(op, "connect" | "send" | "accept" | "flow") {
            return;
        }
        let came = op == "accept" || line.text("role") == "server";
        let peer = line.text("peer");
        let shown = if came { peer.rsplit_once(':').map_or(peer, |(ip, _)| ip) } else { peer };
        let from = if came { "from " } else { "" };
        let name = format!("{} {from}{}", Safe::new(line.text("proto")), Safe::new(shown));
        let (sent, received) = (number(line, "sent_bytes"), number(line, "received_bytes"));
        self.sent = self.sent.saturating_add(sent);
        self.received = self.received.saturating_add(received);
        self.out.add(ts_ns, sent);
        self.into.add(ts_ns, received);
        if self.known.len() >= MOST && !self.known.contains_key(&name) {
            self.beyond += u64::from(op != "flow");
            return;
        }
        let known = self.known.entry(name.clone()).or_default();
        known.address = name;
        known.add(ts_ns, op, line);
        known.sent = known.sent.saturating_add(sent);
        known.received = known.received.saturating_add(received);
        known.out.add(ts_ns, sent);
        known.into.add(ts_ns, received);
    }

    /// The last heard of first.
    pub(in crate::monitor) fn latest(&self) -> Vec<&Peer> {
        let mut all: Vec<&Peer> = self.known.values().collect();
        all.sort_unstable_by(|a, b| b.ts_ns.cmp(&a.ts_ns).then_with(|| a.address.cmp(&b.address)));
        all
    }

    /// How many there are.
    pub(in crate::monitor) fn len(&self) -> usize {
        self.known.len()
    }

    /// Bytes a second, out and in.
    pub(in crate::monitor) fn rates(&self, now_ns: i64) -> (u64, u64) {
        (self.out.at(now_ns), self.into.at(now_ns))
    }
}

impl Peer {
    fn add(&mut self, ts_ns: i64, op: &str, line: &Line) {
        self.ts_ns = self.ts_ns.max(ts_ns);
        self.by.extend(line.bytes("exe").map(|exe| program(&exe)));
        if let Some(host) = line.bytes("host") {
            self.host = Safe::bytes(&host).to_string();
        }
        let result = line.text("result");
        let failed = !matches!(result, "" | "established" | "pending");
        if failed {
            self.failed = Safe::new(&result.replace('_', " ")).to_string();
        }
        let cookie = line.number("cookie");
        if op == "flow" {
            cookie.map(|cookie| self.open.remove(&cookie));
            return;
        }
        self.contacts += 1;
        if !failed && op != "send" && self.open.len() < OPEN {
            self.open.extend(cookie);
        }
    }

    /// Bytes a second, out and in.
    pub(in crate::monitor) fn rates(&self, now_ns: i64) -> (u64, u64) {
        (self.out.at(now_ns), self.into.at(now_ns))
    }
}

fn number(line: &Line, name: &str) -> u64 {
    line.number(name).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(peers: &mut Peers, text: &str) {
        peers.take(5_000_000_000, &Line::parse(text.as_bytes()));
    }

    #[test]
    fn a_connection_is_open_until_its_flow_and_has_a_rate() {
        let mut peers = Peers::default();
        let on = r#""type":"net","proto":"tcp","peer":"192.0.2.7:443","cookie":5"#;
        take(&mut peers, &format!(r#"{{{on},"op":"connect","result":"established"}}"#));
        assert_eq!(peers.latest()[0].open.len(), 1);
        take(&mut peers, &format!(r#"{{{on},"op":"flow","sent_bytes":1000,"received_bytes":20}}"#));
        let peer = peers.latest()[0];
        assert_eq!((peer.open.len(), peer.sent, peer.contacts), (0, 1000, 1));
        assert_eq!((peer.rates(5_000_000_000), peer.rates(60_000_000_000)), ((100, 2), (0, 0)));
    }

    #[test]
    fn peers_are_bounded_and_their_bytes_are_counted_all_the_same() {
        let mut peers = Peers::default();
        for port in 0..3_000 {
            take(
                &mut peers,
                &format!(
                    r#"{{"type":"net","op":"connect","proto":"tcp","peer":"192.0.2.7:{port}","cookie":{port}}}"#
                ),
            );
            take(
                &mut peers,
                &format!(
                    r#"{{"type":"net","op":"flow","proto":"tcp","peer":"192.0.2.7:{port}","cookie":{port},"sent_bytes":1}}"#
                ),
            );
        }
        assert_eq!((peers.len(), peers.beyond, peers.sent), (MOST, 1_000, 3_000));
    }
}
