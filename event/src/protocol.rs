//! What the front and the supervisor say to each other: numbers and descriptors, never paths.
//!
//! One message is one packet of a `SOCK_SEQPACKET` socket pair, a [`MessageHead`] and then a fixed
//! structure; descriptors travel beside it (`SCM_RIGHTS`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::wire::{Malformed, tail, view};

/// Version of this protocol; both programs are built together, so any difference is refused.
pub const VERSION: u32 = 3;

/// Longest packet, bytes.
pub const MAX_PACKET: usize = crate::frame::control::MAX_ABOUT + 64;

/// Front to supervisor: a [`Begin`], with the segments directory's descriptor. An installed recorder
/// takes none: it makes the run's directory in its own store.
pub const BEGIN: u32 = 1;
/// Front to supervisor: the bytes of the `About` frame; with the descriptor of the directory of keys,
/// which the record is not signed without.
pub const ABOUT: u32 = 2;
/// Front to supervisor: a [`Child`], with its pidfd.
pub const CHILD: u32 = 3;
/// Front to an installed supervisor, as its first word: a [`Prune`]. More may follow; [`DONE`] answers each.
pub const PRUNE: u32 = 4;
/// Supervisor to front: recording can start: a [`Ready`], with the leaf's directory descriptor.
pub const READY: u32 = 16;
/// Supervisor to front: marks are in place, let the command go.
pub const ARMED: u32 = 17;
/// Supervisor to front: the seal is written.
pub const DONE: u32 = 18;
/// Supervisor to front: a [`Refused`], then a text.
pub const REFUSED: u32 = 19;

/// Start of every packet.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct MessageHead {
    /// One of the numbers above.
    pub kind: u32,
    /// [`VERSION`].
    pub version: u32,
}

/// Bits of [`Begin::without`]: sources that the user switched off.
pub mod without {
    /// No process records. Files and flows are then without names of programs.
    pub const PROCESS: u32 = 1;
    /// No socket records.
    pub const NETWORK: u32 = 2;
    /// No file records.
    pub const FILES: u32 = 4;
    /// No exact counts of opens.
    pub const OPENS: u32 = 8;
    /// No first bytes of conversations, and so no names of hosts.
    pub const HOSTS: u32 = 16;
    /// No hashes of contents: the default.
    pub const HASHES: u32 = 32;
    /// No marks in place of secrets: arguments are stored as they are.
    pub const REDACTION: u32 = 64;
}

/// What to record and how. [`BEGIN`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Begin {
    /// How long to go on after the command's end while others live, milliseconds.
    pub linger_ms: u64,
    /// Size at which a segment is closed and the next begun, bytes.
    pub segment_bytes: u64,
    /// The run's id, `[a-z0-9-]`, padded with NUL; names the leaf.
    pub run: [u8; 64],
    /// Sizes of the process, network and opens rings, KiB, powers of two; 0: the default.
    pub ring_kib: [u32; 3],
    /// See [`without`].
    pub without: u32,
    /// Zero; the supervisor puts what it knows of itself here: see [`trust`].
    pub trust: u32,
    /// See [`crate::wire::failed_opens`].
    pub failed_opens: u32,
    /// Time between two heartbeats, milliseconds; 0 is never. What the recorder writes while nothing happens is
    /// written in time for them.
    pub heartbeat_ms: u32,
    /// Zero.
    pub pad: u32,
    /// What makes the marks in place of secrets ([`crate::redact::Key`]).
    pub redaction: [u8; 32],
}

/// How far the record is out of the recorded command's reach ([`Ready::trust`]).
pub mod trust {
    /// By a recorder of its own user, into a store that nobody else writes to.
    pub const SEALED: u32 = 1;
    /// By root.
    pub const DIRECT: u32 = 2;
    /// By the user who is recorded: the record could have been altered.
    pub const LOCAL: u32 = 3;

    /// The word for it.
    #[must_use]
    pub fn word(level: u32) -> &'static str {
        match level {
            SEALED => "sealed",
            DIRECT => "direct",
            _ => "local",
        }
    }
}

/// Recording can start. [`READY`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Ready {
    /// See [`trust`]: what the recorder knows of itself.
    pub trust: u32,
    /// Zero.
    pub pad: u32,
}

/// Remove a run. [`PRUNE`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Prune {
    /// Its id, as in [`Begin::run`].
    pub run: [u8; 64],
}

/// How files are watched ([`Child::scope`]).
pub mod scope {
    /// Mount marks: the command has a mount namespace of its own.
    pub const MOUNT: u32 = 1;
    /// Filesystem marks: it shares the caller's.
    pub const FILESYSTEM: u32 = 2;
}

/// The command's process waits to be let go. [`CHILD`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Child {
    /// Its pid.
    pub pid: u32,
    /// See [`scope`].
    pub scope: u32,
}

/// Recording could not start. [`REFUSED`]; a text for the user follows.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Refused {
    /// 0, or the errno behind it.
    pub errno: i32,
    /// What the way out is; see [`refusal`].
    pub reason: u32,
}

/// Kinds of refusals ([`Refused::reason`]).
pub mod refusal {
    /// Rights are missing.
    pub const RIGHTS: u32 = 1;
    /// The store cannot be written (read-only, full).
    pub const STORE: u32 = 2;
    /// The kernel lacks something that recording cannot do without.
    pub const KERNEL: u32 = 3;
    /// Front and supervisor do not understand each other.
    pub const PROTOCOL: u32 = 4;
    /// What was asked for is not for the one who asks.
    pub const NOT_YOURS: u32 = 5;
}

/// One received packet, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// One of the numbers above.
    pub kind: u32,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Views `packet`, which starts at a multiple of eight, as a message.
    ///
    /// # Errors
    /// [`Malformed`] when it is short or of another version.
    pub fn parse(packet: &'a [u8]) -> Result<Self, Malformed> {
        let head: &MessageHead = view(packet)?;
        if head.version != VERSION {
            return Err(Malformed::Unknown { kind: head.version });
        }
        Ok(Message { kind: head.kind, body: tail::<MessageHead>(packet) })
    }

    /// Views the body's front as a `T`; returns it with what follows.
    ///
    /// # Errors
    /// [`Malformed::Short`].
    pub fn body<T: FromBytes + KnownLayout + Immutable>(
        &self,
    ) -> Result<(&'a T, &'a [u8]), Malformed> {
        Ok((view(self.body)?, tail::<T>(self.body)))
    }

    /// Returns the body as bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.body
    }
}

/// Returns the head of a message of `kind`.
#[must_use]
pub fn head(kind: u32) -> MessageHead {
    MessageHead { kind, version: VERSION }
}
