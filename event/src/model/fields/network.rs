//! Sockets and the names of their peers.

use crate::errno;
use crate::model::{ConnectResult, Dns, DnsOp, Host, Net, Role, Traffic, Value, socket};

use super::{Take, flag, text, time};

impl Net {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("proto", Value::Text(&self.proto_name()));
        match self.ip_version() {
            Some(version) => take("family", Value::Number(version.into())),
            None => take("domain", Value::Text(&socket::domain_name(self.family))),
        }
        if let Some(number) = self.sock_type {
            take("sock_type", Value::Text(&socket::type_name(number)));
        }
        flag(take, "outside", self.outside);
        if let Some(local) = self.local {
            take("local", Value::Address(local));
        }
        if let Some(peer) = self.peer {
            take("peer", Value::Address(peer));
        }
        if let Some(host) = &self.host {
            host.fields(take);
        }
        if let Some(address) = self.odd_address() {
            take("address", Value::Text(&address));
        }
        if self.cookie != 0 {
            take("cookie", Value::Number(self.cookie));
        }
        if self.count > 1 {
            take("count", Value::Number(self.count));
        }
        text(take, "result", self.result.map(ConnectResult::name));
        if let Some(errno) = self.errno {
            take("errno", Value::Text(&errno::name(errno)));
        }
        text(take, "role", self.role.map(Role::name));
        if let Some(traffic) = &self.traffic {
            traffic.fields(take);
        }
        time(take, "first_ts", self.first_ts_ns);
    }
}

impl Traffic {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("sent_bytes", Value::Number(self.sent_bytes));
        take("received_bytes", Value::Number(self.received_bytes));
        take("sent_packets", Value::Number(self.sent_packets));
        take("received_packets", Value::Number(self.received_packets));
    }
}

impl Host {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("host", Value::Bytes(&self.name));
        take("host_source", Value::Text(self.source.name()));
        flag(take, "ech", self.ech);
        if !self.alpn.is_empty() {
            take("alpn", Value::Texts(&self.alpn));
        }
    }
}

impl Dns {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("proto", Value::Text(&self.proto_name()));
        if let Some(local) = self.local {
            take("local", Value::Address(local));
        }
        take("peer", Value::Address(self.peer));
        take("cookie", Value::Number(self.cookie));
        take("role", Value::Text(self.role.name()));
        take("id", Value::Number(self.id.into()));
        text(take, "host", self.host.as_deref());
        text(take, "qtype", self.qtype.as_deref());
        text(take, "rcode", self.rcode.as_deref());
        if self.op == DnsOp::Answer {
            take("answers", Value::Texts(&self.answers));
        }
        flag(take, "answers_cut", self.answers_cut);
        flag(take, "truncated", self.truncated);
        flag(take, "unasked", self.unasked);
        flag(take, "unreadable", self.unreadable);
    }
}
