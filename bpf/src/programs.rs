//! The table of programs: the loader attaches it, `audit doctor` shows it.

use event::wire::Kind;

/// A source of records: one object file, one ring, one set of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Fork, exec, exit, leaving the leaf.
    Proc,
    /// Sockets, peers, bytes.
    Net,
    /// System calls: how often files are opened, and rare calls.
    Calls,
    /// First bytes of conversations, which name hosts.
    Names,
}

impl Topic {
    /// Every topic, the one that others need first.
    pub const ALL: [Topic; 4] = [Topic::Proc, Topic::Net, Topic::Calls, Topic::Names];

    /// Returns the name that coverage statements use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Topic::Proc => "proc",
            Topic::Net => "net",
            Topic::Calls => "calls",
            Topic::Names => "names",
        }
    }

    /// Returns the kinds of records that it sends: the rows of its counters that can move.
    #[must_use]
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Topic::Proc => {
                &[Kind::Fork, Kind::Exec, Kind::Argv, Kind::Exit, Kind::Left, Kind::ArgvEnd]
            }
            Topic::Net => &[
                Kind::Connect,
                Kind::Send,
                Kind::Established,
                Kind::Accepted,
                Kind::Flow,
                Kind::Closed,
                Kind::Bind,
                Kind::Listen,
                Kind::Socket,
            ],
            Topic::Calls => &[
                Kind::Cred,
                Kind::Unix,
                Kind::Result,
                Kind::Odd,
                Kind::Open,
                Kind::Use,
                Kind::Failed,
                Kind::OpenKernel,
                Kind::OpenPath,
                Kind::Inherited,
                Kind::RingFile,
                Kind::Call,
                Kind::Passed,
                Kind::Outside,
            ],
            Topic::Names => &[Kind::Payload],
        }
    }

    pub(crate) fn ring(self) -> &'static str {
        match self {
            Topic::Proc => "proc_ring",
            Topic::Net => "net_ring",
            Topic::Calls => "call_ring",
            Topic::Names => "name_ring",
        }
    }
}

/// What a program hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// A tracepoint with typed arguments, for the whole machine.
    BtfTracepoint(&'static str),
    /// Packets of the leaf's sockets.
    CgroupSkb,
    /// Socket creation, bind(2) and release in the leaf.
    CgroupSock,
    /// connect(2) and sendmsg(2) in the leaf.
    CgroupSockAddr,
    /// TCP state changes of the leaf's sockets.
    SockOps,
    /// Descriptors of all processes, when it is asked.
    TaskFiles,
}

/// One program of an object.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The object that holds it.
    pub topic: Topic,
    /// Its function in the C source.
    pub name: &'static str,
    /// Where it is attached.
    pub hook: Hook,
    /// What would be missing without it.
    pub why: &'static str,
    /// What it is to its topic, on a kernel that does not have its hook.
    pub need: Need,
}

/// What a program is to its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The topic is of no use without it.
    Must,
    /// Without it the coverage says what is missing ([`Program::why`]).
    Told,
    /// Without it less is claimed, and nothing wrong.
    Quiet,
}

const fn on(topic: Topic, name: &'static str, hook: Hook, why: &'static str) -> Program {
    Program { topic, name, hook, why, need: Need::Must }
}

/// A program whose hook came later than the oldest kernel that is supported.
const fn newer(need: Need, program: Program) -> Program {
    Program { need, ..program }
}

/// Every program, in the order of attaching: what creates state before what uses it.
pub const PROGRAMS: &[Program] = {
    use Hook::{BtfTracepoint, CgroupSkb, CgroupSock, CgroupSockAddr, SockOps, TaskFiles};
    use Topic::{Calls, Names, Net, Proc};
    &[
        on(Proc, "on_fork", BtfTracepoint("sched_process_fork"), "new processes"),
        on(Proc, "on_exec", BtfTracepoint("sched_process_exec"), "executed programs and argv"),
        on(Proc, "on_exit", BtfTracepoint("sched_process_exit"), "ends, exit codes, CPU time"),
        on(Proc, "on_attach", BtfTracepoint("cgroup_attach_task"), "processes that leave the leaf"),
        on(Net, "on_create", CgroupSock, "owners of sockets"),
        on(Net, "on_connect4", CgroupSockAddr, "IPv4 connects"),
        on(Net, "on_connect6", CgroupSockAddr, "IPv6 connects"),
        on(Net, "on_sendmsg4", CgroupSockAddr, "IPv4 datagrams to named peers"),
        on(Net, "on_sendmsg6", CgroupSockAddr, "IPv6 datagrams to named peers"),
        on(Net, "on_bind4", CgroupSock, "IPv4 binds"),
        on(Net, "on_bind6", CgroupSock, "IPv6 binds"),
        on(Net, "on_tcp", SockOps, "results of connects, listens, accepts, closes"),
        on(Net, "on_egress", CgroupSkb, "bytes sent"),
        on(Net, "on_ingress", CgroupSkb, "bytes received"),
        on(Net, "on_release", CgroupSock, "totals per socket"),
        on(
            Net,
            "on_state",
            BtfTracepoint("inet_sock_set_state"),
            "TCP connects by sockets from outside",
        ),
        // Both came with Linux 6.3.
        newer(
            Need::Told,
            on(
                Net,
                "on_sent",
                BtfTracepoint("sock_send_length"),
                "what is sent by sockets from outside the run",
            ),
        ),
        newer(
            Need::Told,
            on(Net, "on_received", BtfTracepoint("sock_recv_length"), "what these receive"),
        ),
        on(Net, "on_files", TaskFiles, "totals of sockets still open at the end"),
        on(Calls, "on_sys_exit", BtfTracepoint("sys_exit"), "numbers of opens, rare calls"),
        on(Calls, "on_birth", BtfTracepoint("sched_process_fork"), "new namespaces at birth"),
        on(Calls, "on_cgroup", BtfTracepoint("cgroup_mkdir"), "new cgroups"),
        on(
            Calls,
            "on_copied",
            BtfTracepoint("skb_copy_datagram_iovec"),
            "open files that come over unix sockets",
        ),
        on(
            Calls,
            "on_sys_enter",
            BtfTracepoint("sys_enter"),
            "how files were used, at their close",
        ),
        on(
            Calls,
            "on_program",
            BtfTracepoint("sched_process_exec"),
            "files that were open before the run",
        ),
        on(Calls, "on_end", BtfTracepoint("sched_process_exit"), "the same at exit"),
        newer(
            Need::Quiet,
            on(Calls, "on_prepare_exec", BtfTracepoint("sched_prepare_exec"), "the same at exec"),
        ),
        on(Names, "on_name_egress", CgroupSkb, "names in DNS, TLS, QUIC and HTTP that are sent"),
        on(Names, "on_name_ingress", CgroupSkb, "names in DNS that are received"),
    ]
};

impl Topic {
    /// Returns the programs of its object.
    pub fn programs(self) -> impl Iterator<Item = &'static Program> {
        PROGRAMS.iter().filter(move |program| program.topic == self)
    }
}
