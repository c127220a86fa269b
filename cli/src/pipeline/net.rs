//! Socket records: events at once, results when they come, flows when they are over.

use event::model::{ConnectResult, NetOp, Role, What};
use event::wire::{ConnectError, Kind, Sock};
use netmon::{Done, Said};

use super::{At, Pipeline, window::Window};

impl Pipeline {
    pub(super) fn on_sock(&mut self, kind: Kind, sock: &Sock, at: At) {
        match self.flows.sock(kind, sock, at.boot_ns) {
            Said::Event(net) => {
                let (is_connect, result) = (net.op == NetOp::Connect, net.result);
                let actor = self.processes.actor(sock.head.process());
                let serial = self.push(at, Some(actor), What::Net(net));
                let waiting = is_connect.then(|| self.connecting.entry(sock.cookie).or_default());
                match (waiting, result) {
                    (Some(waiting), Some(ConnectResult::Pending)) => {
                        waiting.retain(|serial| is_pending(&mut self.window, *serial));
                        waiting.push(serial);
                    }
                    // Without a result it succeeded, unless that is taken back; those before did.
                    (Some(waiting), None) => *waiting = vec![serial],
                    _ => {}
                }
            }
            said => self.on_result(said),
        }
    }

    pub(super) fn on_connect_error(&mut self, failed: &ConnectError, at: At) {
        let said = self.flows.failed(failed, at.boot_ns);
        self.on_result(said);
    }

    fn on_result(&mut self, said: Said) {
        let Said::Result { cookie, result, errno, local } = said else { return };
        let Some(waiting) = self.connecting.get(&cookie) else { return };
        for serial in waiting {
            if let Some(What::Net(net)) = self.window.what(*serial) {
                net.result = Some(result);
                net.errno = errno;
                net.local = net.local.or(local);
            }
        }
        // What failed without an error may still get one: connect(2) says it after the socket.
        let vague = matches!(result, ConnectResult::Failed | ConnectResult::Abandoned);
        if !vague || errno.is_some() {
            self.connecting.remove(&cookie);
        }
    }

    /// Tells the flows that ended in this window; in the `last` one all that are left.
    pub(super) fn tell_flows(&mut self, last: bool) {
        let Some(At { frame, .. }) = self.last else { return };
        let mut flows = std::mem::take(&mut self.flows);
        let mut over = std::mem::take(&mut self.over);
        let tell = |done: Done| {
            let actor = self.processes.actor(done.owner);
            let mut net = done.net;
            net.first_ts_ns = Some(self.clock.utc(done.first_ns));
            if net.role != Some(Role::Server) {
                let of = |peer| self.hosts.of(net.cookie, peer, done.owner, done.first_ns);
                net.host = net.peer.and_then(of).map(Box::new);
            }
            over.extend(net.peer.map(|peer| (net.cookie, peer)));
            self.push(At { frame, boot_ns: done.last_ns }, Some(actor), What::Net(net));
        };
        if last {
            flows.finish(tell);
        } else {
            flows.settle(tell);
        }
        self.flows = flows;
        self.over = over;
    }
}

fn is_pending(window: &mut Window, serial: u64) -> bool {
    let what = window.what(serial);
    matches!(what, Some(What::Net(net)) if net.result == Some(ConnectResult::Pending))
}
