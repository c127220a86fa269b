//! Socket records: events at once, results when they come, flows when they are over.

use event::model::{ConnectResult, NetOp, What};
use event::wire::{Kind, Sock};
use netmon::{Done, Said};

use super::{At, Pipeline};

impl Pipeline {
    pub(super) fn on_sock(&mut self, kind: Kind, sock: &Sock, at: At) {
        match self.flows.sock(kind, sock, at.boot_ns) {
            Said::Nothing => {}
            Said::Event(net) => {
                let waits = net.op == NetOp::Connect && net.result == Some(ConnectResult::Unknown);
                let actor = self.processes.actor(sock.head.process());
                let serial = self.push(at, Some(actor), What::Net(net));
                if waits {
                    self.connecting.entry(sock.cookie).or_default().push(serial);
                }
            }
            Said::Result { cookie, result, local } => {
                for serial in self.connecting.remove(&cookie).unwrap_or_default() {
                    if let Some(What::Net(net)) = self.window.what(serial) {
                        net.result = Some(result);
                        net.local = net.local.or(local);
                    }
                }
            }
        }
    }

    /// Tells the flows that ended in this window; in the `last` one all that are left.
    pub(super) fn tell_flows(&mut self, last: bool) {
        let Some(At { frame, .. }) = self.last else { return };
        let mut flows = std::mem::take(&mut self.flows);
        let tell = |done: Done| {
            let actor = self.processes.actor(done.owner);
            let mut net = done.net;
            net.first_ts_ns = Some(self.clock.utc(done.first_ns));
            self.push(At { frame, boot_ns: done.last_ns }, Some(actor), What::Net(net));
        };
        if last {
            flows.finish(tell);
        } else {
            flows.settle(tell);
        }
        self.flows = flows;
    }
}
