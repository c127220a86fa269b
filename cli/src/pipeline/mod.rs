//! The pipeline: a pure function from the frames of a record to its events.
//!
//! It looks at nothing but frames: no clock, no files, no /proc. The same frames give the same
//! events, while the run goes on, tomorrow, in a test, under a fuzzer. Events of one window (up to
//! the next checkpoint) are held, because the window's last frames say how often each was repeated
//! and how a connect ended; then they are told in arrival order, numbered without gaps.

mod about;
mod beats;
mod calls;
mod counts;
mod directories;
mod effects;
mod ending;
mod files;
mod hashes;
mod hosts;
mod inherited;
mod judgement;
mod launch;
mod meta;
mod mounts;
mod named;
mod names;
mod net;
mod opens;
mod passed;
mod process;
mod programs;
mod redacted;
mod row;
mod statements;
mod unclosed;
mod unix;
mod unix_flows;
mod usage;
mod users;
mod window;

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use event::coverage::Coverage;
use event::frame::{Frame, control, files as file_frames, net as net_frames, signed};
use event::model::{Actor, End, Event, File, Start, What};
use event::process::Table;
use event::time::Clock;
use event::wire::{Kind, Malformed, Record};
use event::{ProcId, frame::control::Seal};

pub(crate) use named::is_secret;
pub use row::row;

/// Version of the derivation: another one may give other events for the same frames.
pub const DERIVATION: u32 = 3;

/// Takes the events as they become certain.
pub type Emit<'e> = dyn FnMut(&Event) + 'e;

/// Where in the record a frame stands, and when it was.
#[derive(Debug, Clone, Copy)]
struct At {
    frame: u64,
    boot_ns: u64,
}

/// What to do after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    EndWindow,
    EndRecord,
}

/// The state between frames. Feed every frame of a record in order, then [`Pipeline::finish`].
#[derive(Debug, Default)]
pub struct Pipeline {
    run: Vec<u8>,
    clock: Clock,
    processes: Table,
    users: users::Users,
    directories: directories::Directories,
    mounts: mounts::Mounts,
    names: names::Names,
    counts: counts::Ledger,
    flows: netmon::Flows,
    hosts: netmon::Hosts,
    /// Conversations that were told in this window: their names are not asked for again.
    over: Vec<(u64, std::net::SocketAddr)>,
    foreign: netmon::ForeignUses,
    unix_sums: unix_flows::Sums,
    handed: inherited::Handed,
    /// Files that rings of io_uring had when they went.
    in_rings: Vec<(Actor, File)>,
    coverage: Coverage,
    beats: beats::Beats,
    effects: effects::Effects,
    window: window::Window,
    /// Connects of this window whose result may still come: event by socket.
    connecting: HashMap<u64, Vec<u64>>,
    /// Odd sockets made in this window, by process, family, type and protocol.
    odd: HashMap<(ProcId, u16, u16, u16), u64>,
    /// Open files that went over in this window.
    passing: HashMap<passed::Alike, u64>,
    /// Execs of which more argv is to come, or its hash.
    executing: HashMap<ProcId, u64>,
    /// Secrets of the argv that comes next.
    marks: HashMap<ProcId, Vec<event::model::Redaction>>,
    /// Frames of this window that are not told on purpose: neither are their repeats.
    untold: HashSet<u64>,
    start: Option<(u64, Start)>,
    main: Option<u32>,
    main_status: Option<i32>,
    unreadable: Option<statements::Unreadable>,
    last: Option<At>,
    /// First clocks: of the kernel, of the world.
    first_boot_ns: Option<u64>,
    first_ts_ns: Option<i64>,
    last_ts_ns: Option<i64>,
    told: u64,
    by_kind: HashMap<(&'static str, Option<&'static str>), u64>,
    end: Option<End>,
    judge: Option<rules::Judge>,
    findings: BTreeMap<&'static str, u64>,
}

impl Pipeline {
    /// Starts on the record of the run `id`.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Pipeline { run: id.as_bytes().to_vec(), ..Pipeline::default() }
    }

    /// Has events judged: what rules find in one is told right after it.
    #[must_use]
    pub fn judged_by(self, judge: rules::Judge) -> Self {
        Pipeline { judge: Some(judge), ..self }
    }

    /// Takes the next frame; events that are certain by now go to `emit`.
    pub fn feed(&mut self, frame: &Frame<'_>, emit: &mut Emit<'_>) {
        if self.end.is_some() {
            return;
        }
        let at = At { frame: frame.head.seq, boot_ns: frame.head.boot_ns };
        self.last = Some(at);
        match self.take(frame, at) {
            Ok(Then::GoOn) => {}
            Ok(Then::EndWindow) => self.end_window(false, emit),
            Ok(Then::EndRecord) => self.seal(frame, emit),
            Err(_) => self.unreadable(at),
        }
    }

    /// Ends the record: tells what is held. Without a seal among the frames, or with `truncated`
    /// before one, the verdict is `truncated`. Does nothing after the seal.
    pub fn finish(&mut self, truncated: bool, emit: &mut Emit<'_>) {
        if self.end.is_none() {
            if truncated {
                self.coverage.note("the record cannot be read to its end".to_owned());
            }
            self.end(None, emit);
        }
    }

    /// What is known of the record's completeness so far.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// What the record says of its beginning.
    #[must_use]
    pub fn start(&self) -> Option<&Start> {
        self.start.as_ref().map(|(_, start)| start)
    }

    /// What was said at its end, once that was reached.
    #[must_use]
    pub fn ended(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Events told so far, by type and op.
    #[must_use]
    pub fn by_kind(&self) -> BTreeMap<(&'static str, Option<&'static str>), u64> {
        self.by_kind.iter().map(|(kind, events)| (*kind, *events)).collect()
    }

    /// Findings told so far by severity, repeats not counted.
    #[must_use]
    pub fn findings(&self) -> &BTreeMap<&'static str, u64> {
        &self.findings
    }

    /// Times of the first and the last frame, nanoseconds since 1970.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        // A record that was cut off goes on after its last clocks.
        let frame = self.last.map(|at| self.clock.utc(at.boot_ns));
        self.first_ts_ns.zip(self.last_ts_ns.max(frame))
    }

    /// From the first frame to the last by the kernel's clock, which nobody sets, nanoseconds.
    #[must_use]
    pub fn took_ns(&self) -> Option<u64> {
        let (first, last) = self.first_boot_ns.zip(self.last)?;
        Some(last.boot_ns.saturating_sub(first))
    }

    fn take(&mut self, frame: &Frame<'_>, at: At) -> Result<Then, Malformed> {
        match frame.head.kind {
            file_frames::KIND_FILE => self.on_file(frame, at)?,
            file_frames::KIND_FILE_REPEAT => self.on_file_repeat(frame)?,
            event::frame::hash::KIND_HASH => self.on_hash(frame, at)?,
            file_frames::KIND_OPENS => self.on_opens(frame)?,
            file_frames::KIND_USES => self.on_uses(frame)?,
            file_frames::KIND_INHERITED_USE => self.on_inherited_use(frame, at)?,
            file_frames::KIND_DIR => self.directories.tell(frame)?,
            file_frames::KIND_WITHIN => self.directories.within(frame)?,
            file_frames::KIND_SETTLED => self.directories.settle(at.frame),
            file_frames::KIND_MOUNT => self.mounts.tell(frame)?,
            net_frames::KIND_FOREIGN => self.on_foreign(frame, at)?,
            control::KIND_SEGMENT => self.on_segment(frame)?,
            control::KIND_START => self.on_start(frame, at)?,
            control::KIND_ABOUT => self.on_about(frame, at),
            control::KIND_ARGV_HASH => self.on_argv_hash(frame)?,
            event::frame::redact::KIND_REDACTED => self.on_redacted(frame)?,
            control::KIND_MAIN => self.on_main(frame)?,
            control::KIND_SOURCE => self.on_source(frame, at)?,
            control::KIND_LOST => self.on_lost(frame, at)?,
            control::KIND_CHECKPOINT => {
                self.on_checkpoint(frame, at)?;
                return Ok(Then::EndWindow);
            }
            control::KIND_SEAL => {
                frame.body::<Seal>()?;
                return Ok(Then::EndRecord);
            }
            kind if kind < 64 => self.on_record(kind, Record::parse(frame.payload)?, at)?,
            // Held against the record by its reader; there is no event in them.
            signed::KIND_KEYS | signed::KIND_SIGNATURE => {}
            _ => self.coverage.unknown_kind(),
        }
        Ok(Then::GoOn)
    }

    fn on_record(&mut self, kind: u16, record: Record<'_>, at: At) -> Result<(), Malformed> {
        if record.head().kind != u32::from(kind) {
            return Err(Malformed::Unknown { kind: kind.into() });
        }
        if let Some(kind) = Kind::from_wire(kind.into()) {
            self.coverage.stored(kind);
        }
        match record {
            Record::Fork(fork) => self.on_fork(fork, at),
            Record::Exec(exec, data) => self.on_exec(exec, &data, at),
            Record::Argv(argv, bytes) => self.on_argv(argv, bytes),
            Record::Exit(exit) => self.on_exit(exit, at),
            Record::Left(left) => self.on_left(left, at),
            Record::Cred(cred) => self.on_cred(cred, at),
            // The recorder makes a hash of it, which has a frame of its own.
            Record::ArgvEnd(_) => {}
            Record::Sock(kind, sock) => self.on_sock(kind, sock, at),
            Record::Odd(odd) => self.on_odd(odd, at),
            Record::Result(failed) => self.on_connect_error(failed, at),
            Record::Flow(flow) => self.flows.flow(flow, at.boot_ns),
            Record::Payload(payload, data) => self.on_payload(payload, data, at),
            // Opens are summed by the recorder; a single one counts as a sum of one.
            Record::Open(open) => self.on_open(open),
            // A single use says nothing without its open.
            Record::Use(_) => {}
            Record::Named(kind, named, data) => self.on_named(kind, named, &data, at),
            Record::OpenPath(open, path) => self.on_open_path(open, path, at),
            Record::Inherited(kind, file, path) => self.on_held(kind, file, path),
            Record::Unix(unix, data) => self.on_unix(unix, &data, at)?,
            Record::Call(call, data) => self.on_call(call, &data, at)?,
            Record::Passed(passed, path) => self.on_passed(passed, path, at)?,
        }
        Ok(())
    }

    /// Adds an event to the window; `actor` as it is known now.
    fn push(&mut self, at: At, actor: Option<Actor>, what: What) -> u64 {
        let ts_ns = self.clock.utc(at.boot_ns);
        let event = Event { seq: 0, ts_ns, boot_ns: at.boot_ns, actor, what };
        self.window.push(at.frame, event)
    }

    /// Ends a window: completes what it holds and tells it. What still waits for something (more
    /// argv, the name of a directory, the result of a connect) waits for one more window, and all
    /// behind it, for the order.
    fn end_window(&mut self, last: bool, emit: &mut Emit<'_>) {
        self.tell_flows(last);
        if last {
            self.tell_all_handed();
        }
        self.tell_unreadable();
        self.name_again();
        let ready = self.window.ready(last);
        self.know_actors(ready);
        self.know_programs(ready);
        self.users.settle(self.window.first(usize::MAX));
        self.name_hosts(ready);
        self.join_counts(ready);
        self.tell(ready, emit);
        self.forget();
    }

    /// Actors that were not known when their event came may be by now: the rings of processes and
    /// of files are not in step.
    fn know_actors(&mut self, ready: usize) {
        for slot in self.window.first(ready) {
            if slot.stranger
                && let Some(actor) = &mut slot.event.actor
            {
                *actor = self.processes.actor(actor.id);
            }
        }
    }

    fn tell(&mut self, ready: usize, emit: &mut Emit<'_>) {
        let Pipeline { window, coverage, told, by_kind, effects, processes, names, mounts, .. } =
            self;
        let (judge, findings) = (&mut self.judge, &mut self.findings);
        window.drain(ready, |slot| {
            if slot.folded {
                coverage.folded();
                return;
            }
            let mut number = |event: &mut Event| {
                *told += 1;
                event.seq = *told;
                *by_kind.entry((event.what.kind(), event.what.op())).or_default() += 1;
                emit(event);
            };
            let mut tell = |event: &mut Event| {
                number(event);
                if let Some(judge) = judge {
                    judge.see(event, &mut |mut found| {
                        judgement::count(findings, &found);
                        number(&mut found);
                    });
                }
            };
            let event = &mut slot.event;
            if let What::File(file) = &mut event.what {
                Pipeline::name_all(names, mounts, file);
            }
            redacted::show(event);
            know_target(event, processes);
            tell(event);
            if let Some(delegation) = effects.see(event, processes) {
                event.what = What::Delegation(Box::new(delegation));
                tell(event);
            }
        });
    }

    /// Adds an event of a process whose fork may still be in another queue.
    fn push_by(&mut self, at: At, actor: Actor, what: What) -> u64 {
        let stranger = self.processes.identify(actor.id).is_none();
        let serial = self.push(at, Some(actor), what);
        if let Some(slot) = self.window.get(serial) {
            slot.stranger = stranger;
        }
        serial
    }

    /// Drops what nobody will ask for any more.
    fn forget(&mut self) {
        let Pipeline { processes, counts, window, .. } = self;
        processes.expire(|gone| counts.forget(&gone));
        self.connecting.retain(|_, events| {
            events.retain(|event| window.holds(*event));
            !events.is_empty()
        });
        self.odd.retain(|_, event| window.holds(*event));
        self.passing.retain(|_, event| window.holds(*event));
        self.executing.retain(|_, event| window.holds(*event));
        let frame = self.last.map_or(0, |at| at.frame);
        self.directories.expire(frame);
        self.users.end_window();
        self.names.end_window();
        for (cookie, peer) in self.over.drain(..) {
            self.hosts.forget(cookie, peer);
        }
        self.untold.clear();
        self.marks.clear();
        self.window.end_stretch();
    }
}

/// Whether another process is of the run is known when the window's forks are.
fn know_target(event: &mut Event, processes: &Table) {
    let other = match &mut event.what {
        What::Call(call) => call.target.as_mut(),
        What::Unix(unix) => unix.peer.as_mut(),
        _ => None,
    };
    if let Some(other) = other {
        other.in_run = processes.identify(other.id).is_some();
        if other.in_run && other.exe.is_none() {
            other.exe = processes.actor(other.id).exe;
        }
    }
}

#[cfg(test)]
mod tests;
