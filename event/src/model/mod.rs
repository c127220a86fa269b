//! Events: what happened, as it is told to people, files and rules.
//!
//! An event owns its bytes and is the same for every reader. Names, order and meaning of its fields
//! are data in [`table`]; [`Event::fields`] hands them out under those names, so that the JSON
//! form, the columns of an index and the conditions of a query cannot drift apart.

mod call;
mod dns;
mod fields;
mod file;
mod finding;
mod hash;
mod net;
mod process;
mod record;
mod socket;
pub mod table;
mod unix;

use std::sync::Arc;

pub use call::{Call, Delegation, Other};
pub use dns::{Dns, DnsOp, Host, HostSource};
pub use file::{Basis, File, FileOp, Missing, Usage};
pub use finding::{Finding, Severity};
pub use hash::Hash;
pub use net::{ConnectResult, Net, NetOp, Role, Traffic};
pub use process::{ArgvHash, Cred, Exec, Exit, Fork, Inner, Left, Redaction, arguments};
pub use record::{End, Heartbeat, Loss, Opens, Source, Start, Totals};
pub use unix::{Passed, PeerBasis, Unix};

use crate::ProcId;

/// Bytes that many events share: the path of a program.
pub type Bytes = Arc<[u8]>;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// 1, 2, … in arrival order, without gaps.
    pub seq: u64,
    /// When it happened, nanoseconds since 1970, UTC.
    pub ts_ns: i64,
    /// The same on the clock that the kernel uses, `CLOCK_BOOTTIME`.
    pub boot_ns: u64,
    /// Who did it, where that is known.
    pub actor: Option<Actor>,
    /// What happened.
    pub what: What,
}

/// The process that did something, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actor {
    /// Which one.
    pub id: ProcId,
    /// Its parent's pid.
    pub ppid: Option<u32>,
    /// Its real user.
    pub uid: Option<u32>,
    /// The file it runs.
    pub exe: Option<Bytes>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The recording began.
    Start(Box<Start>),
    /// A process was forked.
    Fork(Fork),
    /// A program was executed.
    Exec(Box<Exec>),
    /// A process ended.
    Exit(Exit),
    /// A process was moved out of the run's cgroup.
    Left(Left),
    /// A task changed its credentials.
    Cred(Box<Cred>),
    /// Something was done to a file.
    File(File),
    /// Contents of a file.
    Hash(Box<Hash>),
    /// Something was done with a socket.
    Net(Net),
    /// A unix socket was used.
    Unix(Box<Unix>),
    /// A rare system call came back.
    Call(Box<Call>),
    /// Something that works for others was used.
    Delegation(Box<Delegation>),
    /// A DNS message went or came.
    Dns(Box<Dns>),
    /// A rule says that something is to be looked at.
    Finding(Box<Finding>),
    /// Something is not in the record.
    Lost(Loss),
    /// What a source says of itself.
    Source(Box<Source>),
    /// The recorder lives.
    Heartbeat(Box<Heartbeat>),
    /// The recording ended.
    End(Box<End>),
}

impl What {
    /// Returns the `type` of the event: a name in [`table::TYPES`].
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            What::Start(_) => "start",
            What::Fork(_) | What::Exit(_) | What::Left(_) | What::Cred(_) => "process",
            What::Exec(_) => "exec",
            What::File(_) => "file",
            What::Hash(_) => "hash",
            What::Net(_) => "net",
            What::Unix(_) => "unix",
            What::Call(_) => "call",
            What::Delegation(_) => "delegation",
            What::Dns(_) => "dns",
            What::Finding(_) => "finding",
            What::Lost(_) => "lost",
            What::Source(_) => "source",
            What::Heartbeat(_) => "heartbeat",
            What::End(_) => "end",
        }
    }

    /// Returns the `op` of the event, where its type has some.
    #[must_use]
    pub fn op(&self) -> Option<&'static str> {
        match self {
            What::Fork(_) => Some("fork"),
            What::Exit(_) => Some("exit"),
            What::Left(_) => Some("left"),
            What::Cred(_) => Some("cred"),
            What::File(file) => Some(file.op.name()),
            What::Hash(hash) => Some(hash.op),
            What::Net(net) => Some(net.op.name()),
            What::Unix(unix) => Some(unix.op.name()),
            What::Dns(dns) => Some(dns.op.name()),
            _ => None,
        }
    }
}

/// The value of a field, borrowed from an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A number that may be below zero.
    Signed(i64),
    /// Text of ours.
    Text(&'a str),
    /// Text from the observed programs: any bytes.
    Bytes(&'a [u8]),
    /// Several of them, each ended by NUL (the last one perhaps cut before it).
    List(&'a [u8]),
    /// Several texts of ours.
    Texts(&'a [String]),
    /// Address and port.
    Address(std::net::SocketAddr),
    /// Nanoseconds since 1970, UTC.
    Time(i64),
}

#[cfg(test)]
mod tests;
