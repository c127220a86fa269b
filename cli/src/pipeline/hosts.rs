//! First bytes of conversations: DNS messages as events, names of hosts in the events of sockets.

use event::model::{NetOp, What};
use event::wire::Payload;

use super::{At, Pipeline};

impl Pipeline {
    pub(super) fn on_payload(&mut self, payload: &Payload, data: &[u8], at: At) {
        let mut told = Vec::new();
        self.hosts.payload(payload, data, at.boot_ns, &mut |dns| told.push(dns));
        let id = payload.head.process();
        for dns in told {
            // Whose socket it is, is not always known.
            let actor = (id.pid != 0).then(|| self.processes.actor(id));
            self.push(at, actor, What::Dns(Box::new(dns)));
        }
    }

    /// Names the peers in the first `ready` events of the window. Rings are not read in the order of
    /// time, so this is done when the window ends, with what was known when the event happened.
    pub(super) fn name_hosts(&mut self, ready: usize) {
        let Pipeline { window, hosts, .. } = self;
        for slot in window.first(ready) {
            let at_ns = slot.event.boot_ns;
            let Some(id) = slot.event.actor.as_ref().map(|actor| actor.id) else { continue };
            let What::Net(net) = &mut slot.event.what else { continue };
            // A client that comes in has no name that it was found by; flows are named by their begin.
            if matches!(net.op, NetOp::Connect | NetOp::Send) {
                let of = |peer| hosts.of(net.cookie, peer, id, at_ns);
                net.host = net.peer.and_then(of).map(Box::new);
            }
        }
    }
}
