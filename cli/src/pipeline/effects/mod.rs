//! Through what a run may have had effects that are not in its record: work handed to others, and
//! what was done to the world outside.

mod brokers;

use foldhash::HashSet;
use std::net::{IpAddr, SocketAddr};

use event::ProcId;
use event::model::{
    Call, ConnectResult, Delegation, Event, File, FileOp, NetOp, Other, Unix, What,
};
use event::process::Table;
use event::wire::{self, CallName, UnixOp};

use super::calls::changed_places;
use brokers::{BROKERS, Broker, fits};

/// Uses that are remembered, so that each is told once: more are told again.
const MAX_USES: usize = 65_536;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// In the order in which they came, each once.
    names: Vec<String>,
    used: HashSet<(ProcId, &'static str)>,
    /// Namespaces that the run made.
    own: HashSet<u32>,
}

/// What an event shows of a broker.
struct Use<'e> {
    broker: &'static Broker,
    how: &'static str,
    path: Option<&'e [u8]>,
    peer: Option<&'e Other>,
}

impl Effects {
    /// The names of all that was seen.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// A call that makes or enters namespaces: those that the run made are its own.
    pub(super) fn namespaces(&mut self, name: CallName, record: &wire::Call) {
        let inode = |place: usize| record.namespaces.get(place).copied();
        let changed: Vec<u32> = changed_places(name, record).filter_map(inode).collect();
        match name {
            CallName::Setns if changed.iter().any(|inode| !self.own.contains(inode)) => {
                self.name("setns");
            }
            CallName::Unshare | CallName::Clone => self.own.extend(changed),
            _ => {}
        }
    }

    /// Looks at an event that is told now. Returns the use of a broker by a process that did not use
    /// it before.
    pub(super) fn see(&mut self, event: &Event, processes: &Table) -> Option<Delegation> {
        let found = match &event.what {
            What::Call(call) => {
                self.call(call);
                None
            }
            What::Left(_) => {
                self.name("another cgroup");
                None
            }
            What::File(file) => {
                if is_memory_of_others(file, processes) {
                    self.name("/proc/PID/mem");
                }
                of_file(file)
            }
            What::Net(net) => {
                use ConnectResult::{Established, Pending};
                let came = matches!(net.result, None | Some(Established | Pending));
                net.peer.filter(|_| came && net.op == NetOp::Connect).and_then(of_port)
            }
            What::Unix(unix) => of_socket(unix),
            _ => None,
        }?;
        self.name(found.broker.name);
        let who = event.actor.as_ref().map(|actor| actor.id).unwrap_or_default();
        if self.used.len() >= MAX_USES {
            self.used.clear();
        }
        self.used.insert((who, found.broker.name)).then(|| Delegation {
            broker: found.broker.name,
            how: found.how,
            evidence: event.seq,
            path: found.path.map(<[u8]>::to_vec),
            peer: found.peer.cloned(),
        })
    }

    /// What reaches into a process outside, or into the kernel.
    fn call(&mut self, call: &Call) {
        if call.ret < 0 {
            return;
        }
        let of_others = || call.target.as_ref().is_none_or(|target| !target.in_run);
        let traced = || call.cmd.as_deref() != Some("PTRACE_TRACEME");
        match call.name {
            CallName::Ptrace if traced() && of_others() => self.name("ptrace"),
            CallName::ProcessVmWritev | CallName::PidfdGetfd if of_others() => {
                self.name(call.name.name());
            }
            CallName::InitModule | CallName::FinitModule => self.name("kernel module"),
            CallName::KexecLoad | CallName::KexecFileLoad => self.name("kexec"),
            _ => {}
        }
    }

    fn name(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }
}

fn is_memory_of_others(file: &File, processes: &Table) -> bool {
    let path = file.path.as_deref().unwrap_or_default();
    let pid = path.strip_prefix(b"/proc/").and_then(|rest| rest.strip_suffix(b"/mem"));
    let pid = pid.and_then(|pid| std::str::from_utf8(pid).ok()).and_then(|pid| pid.parse().ok());
    file.op == FileOp::Write && pid.is_some_and(|pid| processes.by_pid(pid).is_none())
}

/// Names that appear in a place from which somebody takes orders.
fn of_file(file: &File) -> Option<Use<'_>> {
    let path = match file.op {
        FileOp::Write | FileOp::Create => file.path.as_deref(),
        FileOp::Rename => file.path2.as_deref(),
        _ => None,
    }?;
    let reads = |broker: &&Broker| broker.files.iter().any(|one| fits(one.as_bytes(), path));
    let broker = BROKERS.iter().find(reads)?;
    Some(Use { broker, how: "file", path: Some(path), peer: None })
}

/// A broker that is of the run works within it.
fn of_socket(unix: &Unix) -> Option<Use<'_>> {
    let peer = unix.peer.as_ref();
    let asks = matches!(unix.op, UnixOp::Connect | UnixOp::Send);
    if unix.error != 0 || !asks || peer.is_some_and(|peer| peer.in_run) {
        return None;
    }
    let any = |patterns: &[&str], name: &[u8]| patterns.iter().any(|it| fits(it.as_bytes(), name));
    let paths = [&unix.path, &unix.bound, &unix.path_claimed];
    for path in paths.into_iter().flatten() {
        if let Some(broker) = BROKERS.iter().find(|broker| any(broker.sockets, path)) {
            return Some(Use { broker, how: "path", path: Some(path), peer });
        }
    }
    for name in [&unix.abstract_name, &unix.abstract_claimed].into_iter().flatten() {
        if let Some(broker) = BROKERS.iter().find(|broker| any(broker.abstracts, name)) {
            return Some(Use { broker, how: "abstract", path: Some(name), peer });
        }
    }
    let exe = peer?.exe.as_deref()?;
    let program = exe.rsplit(|byte| *byte == b'/').next()?;
    let runs = |broker: &&Broker| broker.programs.iter().any(|name| name.as_bytes() == program);
    let broker = BROKERS.iter().find(runs)?;
    Some(Use { broker, how: "program", path: unix.best_path(), peer })
}

fn of_port(peer: SocketAddr) -> Option<Use<'static>> {
    let here = match peer.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
    };
    let broker = BROKERS.iter().find(|broker| here && broker.ports.contains(&peer.port()))?;
    Some(Use { broker, how: "port", path: None, peer: None })
}
