//! Socket records: events at once, results when they come, flows when they are over.

use event::ProcId;
use event::frame::{Frame, net::Foreign};
use event::model::{ConnectResult, Net, NetOp, Role, What};
use event::wire::{ConnectError, Kind, Malformed, Odd, Sock, odd_call};
use netmon::{Done, Said};

use super::{At, Pipeline, unix_flows::is_unix, window::Window};

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

    /// A socket that is neither TCP nor UDP. Programs make netlink sockets in numbers: those without IP
    /// that a process made alike within a window are one event.
    pub(super) fn on_odd(&mut self, odd: &Odd, at: At) {
        let like = (odd.head.process(), odd.family, odd.sock_type, odd.proto);
        let made = odd.call == odd_call::SOCKET && odd.cookie == 0;
        if made
            && let Some(What::Net(net)) = self.odd.get(&like).and_then(|at| self.window.what(*at))
        {
            net.count += 1;
            net.cookie = 0;
            return;
        }
        let op = match odd.call {
            odd_call::CONNECT => NetOp::Connect,
            odd_call::BIND => NetOp::Bind,
            _ => NetOp::Socket,
        };
        let result = (op == NetOp::Connect).then(|| match odd.error {
            0 => ConnectResult::Established,
            errno => ConnectResult::of_errno(errno),
        });
        let net = Net {
            family: odd.family,
            proto: odd.proto,
            sock_type: Some(odd.sock_type),
            address: odd.address,
            errno: (odd.error != 0).then_some(odd.error),
            result,
            ..Net::new(op, odd.cookie)
        };
        let actor = self.processes.actor(odd.head.process());
        let serial = self.push(at, Some(actor), What::Net(net));
        if made {
            self.odd.insert(like, serial);
        }
    }

    pub(super) fn on_foreign(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let (told, _) = frame.body::<Foreign>()?;
        if is_unix(&told.key) {
            self.on_unix_use(told, at);
            return Ok(());
        }
        let (begin, done) = self.foreign.see(told);
        if let Some(net) = begin {
            let actor =
                self.processes.actor(ProcId { pid: told.key.pid, start_ns: told.key.start_ns });
            self.push(At { boot_ns: told.used.first_ns, ..at }, Some(actor), What::Net(net));
        }
        if let Some(done) = done {
            self.tell_flow(done, at.frame);
        }
        Ok(())
    }

    /// Tells the flows that ended in this window; in the `last` one all that are left.
    pub(super) fn tell_flows(&mut self, last: bool) {
        let Some(At { frame, .. }) = self.last else { return };
        let mut flows = std::mem::take(&mut self.flows);
        if last {
            flows.finish(|done| self.tell_flow(done, frame));
            let mut foreign = std::mem::take(&mut self.foreign);
            foreign.finish(|done| self.tell_flow(done, frame));
            self.tell_unix_uses(frame);
        } else {
            flows.settle(|done| self.tell_flow(done, frame));
        }
        self.flows = flows;
    }

    fn tell_flow(&mut self, done: Done, frame: u64) {
        let actor = self.processes.actor(done.owner);
        let mut net = done.net;
        net.first_ts_ns = Some(self.clock.utc(done.first_ns));
        if net.role != Some(Role::Server) {
            let of = |peer| self.hosts.of(net.cookie, peer, done.owner, done.first_ns);
            net.host = net.peer.and_then(of).map(Box::new);
        }
        self.over.extend(net.peer.map(|peer| (net.cookie, peer)));
        self.push(At { frame, boot_ns: done.last_ns }, Some(actor), What::Net(net));
    }
}

fn is_pending(window: &mut Window, serial: u64) -> bool {
    let what = window.what(serial);
    matches!(what, Some(What::Net(net)) if net.result == Some(ConnectResult::Pending))
}
