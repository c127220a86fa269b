//! What a sample says as an event.

use std::net::SocketAddr;

use event::ProcId;
use event::model::{
    Call, Cred, Delegation, Dns, DnsOp, Exec, Exit, File, FileOp, Fork, Host, HostSource, Left,
    Net, NetOp, Other, Role, Traffic, Unix, What,
};
use event::wire::{CRED_GROUPS, CallName, Creds, UnixOp};

use super::Sample;

/// Names of socket types and their numbers (include/linux/net.h).
const SOCKET_TYPES: &[(&str, u16)] = &[("stream", 1), ("dgram", 2), ("raw", 3), ("seqpacket", 5)];

/// Names of address families without addresses of ours, and their numbers (include/linux/socket.h).
const DOMAINS: &[(&str, u16)] = &[("inet6", 10), ("netlink", 16), ("packet", 17), ("vsock", 40)];

/// Those who work for others, as far as samples speak of them.
const BROKERS: &[&str] = &[
    "docker",
    "containerd",
    "podman",
    "systemd",
    "dbus",
    "cron",
    "at",
    "tmux",
    "screen",
    "ssh",
    "ssh-agent",
    "gpg-agent",
    "udev",
    "snapd",
];

fn number_of(names: &[(&str, u16)], name: &str) -> Option<u16> {
    names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

impl Sample {
    /// The event of one repetition; nothing when the words make none.
    pub(super) fn what(&self, round: u64) -> Option<What> {
        let op = self.text("op");
        Some(match self.text("type") {
            "exec" => What::Exec(Box::new(Exec {
                argv: self.list("argv"),
                argv_len: self.list("argv").len() as u64,
                file: self.bytes("file", 0).or(self.bytes("exe", 0)).unwrap_or_default(),
                cwd: self.bytes("cwd", 0),
                exe_dev: self.number("dev").unwrap_or(0),
                exe_ino: self.number("ino").unwrap_or(0),
                euid: self.number("euid").or(self.number("uid")).unwrap_or(1000),
                unlinked: self.text("unlinked") == "true",
                secure: self.text("secure") == "true",
                stdin: self.has("stdin").then(|| self.text("stdin").to_owned()),
                stdout: self.has("stdout").then(|| self.text("stdout").to_owned()),
                ..Exec::default()
            })),
            "file" => {
                let op = FileOp::ALL.into_iter().find(|one| one.name() == op)?;
                let mut file = File::new(op);
                file.path = self.bytes("path", round);
                file.path2 = self.bytes("path2", round);
                file.also = self.list("also");
                (file.dev, file.ino) = (self.number("dev"), self.number("ino"));
                file.count = self.number("count").unwrap_or(1);
                file.usage.size_after = self.number("size_after");
                file.usage.created = self.text("created") == "true";
                file.usage.truncated = self.text("truncated") == "true";
                What::File(file)
            }
            "net" => {
                let op = NetOp::ALL.into_iter().find(|one| one.name() == op)?;
                let mut net = Net::new(op, round + 1);
                net.proto = if self.text("proto") == "udp" { 17 } else { 6 };
                net.sock_type = number_of(SOCKET_TYPES, self.text("sock_type"));
                net.family = number_of(DOMAINS, self.text("domain")).unwrap_or(net.family);
                net.peer = self.address("peer");
                net.local = self.address("local");
                net.host = self.bytes("host", round).map(|name| {
                    let (source, alpn) = (HostSource::Dns, Vec::new());
                    Host { name, source, ech: false, alpn }.into()
                });
                if self.has("sent_bytes") || self.has("received_bytes") {
                    net.traffic = Some(Traffic {
                        sent_bytes: self.number("sent_bytes").unwrap_or(0),
                        received_bytes: self.number("received_bytes").unwrap_or(0),
                        sent_packets: 1,
                        received_packets: 1,
                    });
                }
                What::Net(net)
            }
            "dns" => What::Dns(Box::new(Dns {
                op: if op == "answer" { DnsOp::Answer } else { DnsOp::Query },
                proto: 17,
                local: None,
                peer: self.address("peer").unwrap_or_else(|| ([192, 0, 2, 53], 53).into()),
                cookie: 1,
                role: Role::Client,
                id: 1,
                host: self.bytes("host", round).and_then(|host| String::from_utf8(host).ok()),
                qtype: Some(if self.has("qtype") { self.text("qtype") } else { "A" }.to_owned()),
                rcode: None,
                answers: arguments_of(&self.list("answers")),
                answers_cut: false,
                truncated: false,
                unasked: false,
                unreadable: false,
            })),
            "unix" => What::Unix(Box::new(Unix {
                op: match op {
                    "send" => UnixOp::Send,
                    "accept" => UnixOp::Accept,
                    "receive" => UnixOp::Receive,
                    "give" => UnixOp::Give,
                    "flow" => UnixOp::Flow,
                    _ => UnixOp::Connect,
                },
                kind: 1,
                socket: 1,
                error: 0,
                path: self.bytes("path", round),
                path_cut: false,
                bound: None,
                abstract_name: None,
                path_claimed: None,
                abstract_claimed: None,
                args_claimed: false,
                peer: None,
                passed: None,
                flow: None,
            })),
            "call" => {
                let name = self.text("name");
                let name = CallName::ALL.into_iter().find(|one| one.name() == name)?;
                let mut call = Call::new(name, self.number("ret").unwrap_or(0));
                call.path = self.bytes("path", 0);
                call.label = self.bytes("label", 0);
                call.cmd = self.has("cmd").then(|| self.text("cmd").to_owned());
                call.flags = self.has("flags").then(|| self.text("flags").to_owned());
                call.target = self.bytes("target", 0).map(|exe| Other {
                    id: ProcId { pid: 7, start_ns: 7 },
                    exe: Some(exe.into()),
                    ..Other::default()
                });
                What::Call(Box::new(call))
            }
            "delegation" => What::Delegation(Box::new(Delegation {
                broker: BROKERS.iter().copied().find(|known| *known == self.text("broker"))?,
                how: "path",
                evidence: 1,
                path: self.bytes("path", round),
                peer: None,
            })),
            "process" => match op {
                "fork" => What::Fork(Fork {
                    child: ProcId { pid: 1_000 + round as u32, start_ns: 1 + round },
                    parent_pid: self.number("pid").unwrap_or(100),
                    new_mount_namespace: false,
                    inner: None,
                }),
                "exit" => What::Exit(Exit {
                    status: self.number("code").unwrap_or(0),
                    utime_ns: 0,
                    stime_ns: 0,
                }),
                "cred" => What::Cred(Box::new(self.cred())),
                "left" => What::Left(Left { cgroup_id: 1 }),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Credentials: those that are not said are the real user's.
    fn cred(&self) -> Cred {
        let uid = self.number("uid").unwrap_or(1000);
        let euid = self.number("euid").unwrap_or(uid);
        let now = Creds {
            cap_effective: 0,
            cap_permitted: 0,
            uid,
            gid: uid,
            euid,
            egid: euid,
            suid: euid,
            sgid: euid,
            fsuid: euid,
            fsgid: euid,
            group_count: 0,
            pad: 0,
            groups: [0; CRED_GROUPS],
        };
        Cred { tid: None, now, groups: Vec::new() }
    }

    fn address(&self, name: &str) -> Option<SocketAddr> {
        self.text(name).parse().ok()
    }
}

fn arguments_of(list: &[u8]) -> Vec<String> {
    let texts = event::model::arguments(list);
    texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}
