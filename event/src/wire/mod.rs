//! Records as the BPF programs send them, mirrored from `bpf/progs/abi.h` and its parts.
//!
//! A record is viewed where it lies (ring or segment); nothing is copied. Sizes and offsets are held
//! against the BTF of the built objects by a test in `bpf`.

mod call;
mod named;
mod net;
mod open;
mod passed;
mod payload;
mod process;
mod unix;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use call::{Call, CallData, CallName, NAMESPACES, NS_COUNT, call_flag};
pub use named::{Named, NamedData, failed_opens, named_flag};
pub use net::{
    ConnectError, Ends, FOREIGN_MANY, FOREIGN_OUTSIDE, Flow, ForeignKey, ForeignUse, NET_RAW, Odd,
    Sock, flow_flag, odd_call, sock_flag,
};
pub use open::{
    Inherited, InheritedKey, InheritedUse, Open, OpenPath, inherited_flag, open_flag, open_how,
    open_mode, use_flag,
};
pub use payload::{Payload, payload_flag, payload_kind};
pub use process::{
    ARGV_CAP, Argv, ArgvEnd, CRED_GROUPS, Cred, Creds, Exec, ExecData, Exit, Fork, Left, exec_flag,
    fork_flag, stdio,
};

pub use passed::{Passed, passed_flag};
pub use unix::{Unix, UnixData, UnixOp, unix_flag};

/// Longest record that a BPF program may send: the per-CPU scratch of 32 KiB
/// (`PCPU_MIN_UNIT_SIZE`, include/linux/percpu.h).
pub const MAX_RECORD: usize = 32 * 1024;

/// Number of kinds that have a row in the `counters` map of each object.
pub const RECORD_KINDS: usize = 64;

/// Cells per row of the `counters` map: see [`Cell`].
pub const COUNT_CELLS: usize = 4;

/// What a cell of the `counters` map counts; the row is the record kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The hook ran for a task or socket of the run.
    Seen = 0,
    /// No room in the ring: the record is gone.
    Lost = 1,
    /// A part could not be read; the record says which.
    Fault = 2,
    /// Held back from the run's owner; in no other cell.
    Held = 3,
}

/// Kinds of records, frozen numbers of `enum rec_kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Kind {
    /// A process was forked.
    Fork = 1,
    /// A program was executed.
    Exec = 2,
    /// More of the argv of the exec just before.
    Argv = 3,
    /// A process ended.
    Exit = 4,
    /// A task was moved out of the leaf.
    Left = 5,
    /// All of an argv beyond the cap was sent.
    ArgvEnd = 6,
    /// A task changed its credentials.
    Cred = 9,
    /// connect(2) was called.
    Connect = 16,
    /// A UDP send to a new peer.
    Send = 17,
    /// A TCP handshake that we began ended.
    Established = 18,
    /// A TCP connection was accepted.
    Accepted = 19,
    /// Totals of a socket with one peer.
    Flow = 20,
    /// A TCP socket reached CLOSE.
    Closed = 21,
    /// bind(2) gave a socket its local end.
    Bind = 22,
    /// A socket begins to take connections.
    Listen = 23,
    /// An IP socket that is neither TCP nor UDP was made.
    Socket = 24,
    /// A unix socket was connected, accepted, or sent from.
    Unix = 25,
    /// First bytes of a conversation.
    Payload = 27,
    /// connect(2) failed.
    Result = 28,
    /// Something was done with a socket of a rare family.
    Odd = 30,
    /// A regular file was opened.
    Open = 32,
    /// What shows how an open file was used.
    Use = 33,
    /// An open or exec failed.
    Failed = 34,
    /// A file was opened where marks do not reach.
    OpenKernel = 35,
    /// A regular file that no mark watches was opened.
    OpenPath = 37,
    /// The command begins with a descriptor of a regular file.
    Inherited = 38,
    /// A ring of io_uring has a regular file when a descriptor of the ring goes.
    RingFile = 39,
    /// A rare system call came back.
    Call = 40,
    /// An open file went with a message over a unix socket.
    Passed = 41,
    /// connect(2) of a socket from outside the run came back.
    Outside = 42,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Kind; 30] = [
        Kind::Fork,
        Kind::Exec,
        Kind::Argv,
        Kind::Exit,
        Kind::Left,
        Kind::ArgvEnd,
        Kind::Cred,
        Kind::Connect,
        Kind::Send,
        Kind::Established,
        Kind::Accepted,
        Kind::Flow,
        Kind::Closed,
        Kind::Bind,
        Kind::Listen,
        Kind::Socket,
        Kind::Unix,
        Kind::Payload,
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
    ];

    /// Returns whether records of the kind are summed by the recorder and not stored as they came.
    #[must_use]
    pub fn is_summed(self) -> bool {
        matches!(self, Kind::Open | Kind::Use)
    }

    /// Returns the kind that `number` stands for.
    #[must_use]
    pub fn from_wire(number: u32) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u32 == number)
    }
}

/// First 32 bytes of every record (`struct rec_head`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Head {
    /// `CLOCK_BOOTTIME`, nanoseconds.
    pub boot_ns: u64,
    /// Start of the thread group's leader, `CLOCK_BOOTTIME` nanoseconds.
    pub start_ns: u64,
    /// A [`Kind`].
    pub kind: u32,
    /// Bytes of the whole record.
    pub size: u32,
    /// Thread group id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
}

/// A process for ever: pids are used again, a pid with its start time is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ProcId {
    /// Thread group id.
    pub pid: u32,
    /// Start of the leader, `CLOCK_BOOTTIME` nanoseconds; 0 where it is not known.
    pub start_ns: u64,
}

impl Head {
    /// Returns the process that the record is about.
    #[must_use]
    pub fn process(&self) -> ProcId {
        ProcId { pid: self.pid, start_ns: self.start_ns }
    }
}

/// Bytes that are not what they should be. Counted and told, never a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes than the structure has.
    Short {
        /// Bytes there were.
        got: usize,
    },
    /// A kind that this version does not know.
    Unknown {
        /// The number found.
        kind: u32,
    },
    /// A length inside the record points beyond its end.
    Length,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Malformed::Short { got } => write!(f, "record cut short after {got} bytes"),
            Malformed::Unknown { kind } => write!(f, "record of unknown kind {kind}"),
            Malformed::Length => write!(f, "record with a length that points beyond its end"),
        }
    }
}

impl std::error::Error for Malformed {}

/// One record, borrowed.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// A process was forked.
    Fork(&'a Fork),
    /// A program was executed.
    Exec(&'a Exec, ExecData<'a>),
    /// More argv: the fixed part and the bytes.
    Argv(&'a Argv, &'a [u8]),
    /// A process ended.
    Exit(&'a Exit),
    /// A task left the leaf.
    Left(&'a Left),
    /// All of an argv beyond the cap was sent.
    ArgvEnd(&'a ArgvEnd),
    /// A task changed its credentials.
    Cred(&'a Cred),
    /// Connect, Send, Established, Accepted, Closed, Bind or Listen, as the kind says.
    Sock(Kind, &'a Sock),
    /// Totals of a flow.
    Flow(&'a Flow),
    /// connect(2) failed.
    Result(&'a ConnectError),
    /// First bytes of a conversation: the fixed part and the bytes.
    Payload(&'a Payload, &'a [u8]),
    /// Socket or Odd: a socket that is neither TCP nor UDP.
    Odd(&'a Odd),
    /// A regular file was opened.
    Open(&'a Open),
    /// What shows how an open file was used.
    Use(&'a Open),
    /// Failed or OpenKernel, as the kind says.
    Named(Kind, &'a Named, NamedData<'a>),
    /// A regular file that no mark watches was opened; the components of its path.
    OpenPath(&'a OpenPath, &'a [u8]),
    /// Inherited or RingFile, as the kind says; the components of its path.
    Inherited(Kind, &'a Inherited, &'a [u8]),
    /// A unix socket was used.
    Unix(&'a Unix, UnixData<'a>),
    /// A rare system call.
    Call(&'a Call, CallData<'a>),
    /// An open file went over a unix socket; the components of its path.
    Passed(&'a Passed, &'a [u8]),
}

impl<'a> Record<'a> {
    /// Views `bytes` as a record; bytes after its declared end are ignored.
    ///
    /// # Errors
    /// [`Malformed`] when it is short, of an unknown kind, or has lengths that do not fit.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let head: &Head = view(bytes)?;
        let size = usize::try_from(head.size).map_err(|_| Malformed::Length)?;
        let bytes = bytes.get(..size).ok_or(Malformed::Short { got: bytes.len() })?;
        let kind = Kind::from_wire(head.kind).ok_or(Malformed::Unknown { kind: head.kind })?;
        Ok(match kind {
            Kind::Fork => Record::Fork(view(bytes)?),
            Kind::Exec => {
                let exec: &Exec = view(bytes)?;
                Record::Exec(exec, ExecData::split(exec, tail::<Exec>(bytes))?)
            }
            Kind::Argv => {
                let argv: &Argv = view(bytes)?;
                let len = usize::try_from(argv.len).map_err(|_| Malformed::Length)?;
                let data = tail::<Argv>(bytes).get(..len).ok_or(Malformed::Length)?;
                Record::Argv(argv, data)
            }
            Kind::Exit => Record::Exit(view(bytes)?),
            Kind::Left => Record::Left(view(bytes)?),
            Kind::ArgvEnd => Record::ArgvEnd(view(bytes)?),
            Kind::Cred => Record::Cred(view(bytes)?),
            Kind::Flow => Record::Flow(view(bytes)?),
            Kind::Payload => {
                let payload: &Payload = view(bytes)?;
                let len = usize::try_from(payload.len).map_err(|_| Malformed::Length)?;
                let data = tail::<Payload>(bytes).get(..len).ok_or(Malformed::Length)?;
                Record::Payload(payload, data)
            }
            Kind::Open => Record::Open(view(bytes)?),
            Kind::Use => Record::Use(view(bytes)?),
            Kind::Failed | Kind::OpenKernel => {
                let named: &Named = view(bytes)?;
                Record::Named(kind, named, NamedData::split(named, tail::<Named>(bytes))?)
            }
            Kind::OpenPath => {
                let open: &OpenPath = view(bytes)?;
                let len = usize::try_from(open.path_len).map_err(|_| Malformed::Length)?;
                let path = tail::<OpenPath>(bytes).get(..len).ok_or(Malformed::Length)?;
                Record::OpenPath(open, path)
            }
            Kind::Inherited | Kind::RingFile => {
                let file: &Inherited = view(bytes)?;
                let len = usize::try_from(file.path_len).map_err(|_| Malformed::Length)?;
                let path = tail::<Inherited>(bytes).get(..len).ok_or(Malformed::Length)?;
                Record::Inherited(kind, file, path)
            }
            Kind::Result => Record::Result(view(bytes)?),
            Kind::Socket | Kind::Odd => Record::Odd(view(bytes)?),
            Kind::Connect
            | Kind::Send
            | Kind::Established
            | Kind::Accepted
            | Kind::Closed
            | Kind::Bind
            | Kind::Listen
            | Kind::Outside => Record::Sock(kind, view(bytes)?),
            Kind::Unix => {
                let unix: &Unix = view(bytes)?;
                Record::Unix(unix, UnixData::split(unix, tail::<Unix>(bytes))?)
            }
            Kind::Call => {
                let call: &Call = view(bytes)?;
                Record::Call(call, CallData::split(call, tail::<Call>(bytes))?)
            }
            Kind::Passed => {
                let passed: &Passed = view(bytes)?;
                let len = usize::try_from(passed.path_len).map_err(|_| Malformed::Length)?;
                let path = tail::<Passed>(bytes).get(..len).ok_or(Malformed::Length)?;
                Record::Passed(passed, path)
            }
        })
    }

    /// Returns the record's head.
    #[must_use]
    pub fn head(&self) -> &'a Head {
        match self {
            Record::Fork(r) => &r.head,
            Record::Exec(r, _) => &r.head,
            Record::Argv(r, _) => &r.head,
            Record::Exit(r) => &r.head,
            Record::Left(r) => &r.head,
            Record::ArgvEnd(r) => &r.head,
            Record::Cred(r) => &r.head,
            Record::Sock(_, r) => &r.head,
            Record::Flow(r) => &r.head,
            Record::Result(r) => &r.head,
            Record::Open(r) | Record::Use(r) => &r.head,
            Record::Named(_, r, _) => &r.head,
            Record::Payload(r, _) => &r.head,
            Record::Odd(r) => &r.head,
            Record::OpenPath(r, _) => &r.head,
            Record::Inherited(_, r, _) => &r.head,
            Record::Unix(r, _) => &r.head,
            Record::Call(r, _) => &r.head,
            Record::Passed(r, _) => &r.head,
        }
    }
}

/// Views the front of `bytes` as a `T`, checking size and alignment.
pub(crate) fn view<T: FromBytes + KnownLayout + Immutable>(bytes: &[u8]) -> Result<&T, Malformed> {
    T::ref_from_prefix(bytes).map(|(t, _)| t).map_err(|_| Malformed::Short { got: bytes.len() })
}

/// Returns what follows a `T` at the front of `bytes`.
pub(crate) fn tail<T>(bytes: &[u8]) -> &[u8] {
    bytes.get(size_of::<T>()..).unwrap_or_default()
}
