//! One recording from the front's first word to the seal.

use std::{
    io,
    ops::ControlFlow,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use event::redact::Key;
use event::{
    frame::control::{Ending, KIND_ABOUT, KIND_SEAL, MAX_ABOUT, Seal},
    protocol::{ABOUT, ARMED, BEGIN, Begin, CHILD, Child, DONE, READY, refusal, scope, without},
};
use nix::sys::signalfd::SignalFd;
use zerocopy::IntoBytes;

use crate::{
    arguments::Arguments,
    cgroup::Leaf,
    channel::Channel,
    clock, hashes, inherited, marking,
    queues::Queues,
    recorder::{Asked, Recorder, Source},
    redaction::Redaction,
    refusal::{Refusal, errno, with_causes},
    segment::Writer,
    statement,
};

/// A recording that has begun.
struct Session {
    recorder: Recorder,
    signals: SignalFd,
    settings: Begin,
}

/// Records one run for the front at the other end of `socket`.
pub(crate) fn serve(socket: OwnedFd) {
    let mut channel = Channel::new(socket);
    let mut session = match begin(&mut channel) {
        Ok(session) => session,
        Err(refusal) => return say(&channel, &refusal),
    };
    let ending = match arm(&mut channel, &mut session) {
        Ok(()) => record(&mut channel, &mut session),
        Err(refusal) => {
            say(&channel, &refusal);
            Ending::NotStarted
        }
    };
    seal(&mut session.recorder, ending);
    // The front may be gone; the record is whole all the same.
    let _ = channel.send(DONE, None);
    // Letting go of marks and programs takes the kernel a while, which nobody has to wait for.
}

fn say(channel: &Channel, refusal: &Refusal) {
    // The front may be gone, and then nobody needs to know.
    let _ = channel.refuse(refusal.reason, refusal.errno, &refusal.text);
}

/// Everything up to READY: the store first, for without it nothing else makes sense.
fn begin(channel: &mut Channel) -> Result<Session, Refusal> {
    let (settings, segments) = hear_begin(channel)?;
    let about = hear_about(channel)?;
    let signals = inherited::signals().map_err(Refusal::kernel("watch signals"))?;
    let now = clock::boot_ns();
    let mut writer = Writer::create(segments, &settings, now).map_err(|why| {
        Refusal::new(refusal::STORE, errno(&why), format!("cannot write the record: {why}"))
    })?;
    let leaf = make_leaf(&settings)?;
    statement::start(&mut writer, &settings, leaf.id());
    writer.control(KIND_ABOUT, now, &[&about]);
    let sensors = statement::sensors(&settings, &leaf, &mut writer)?;
    let hashes = (settings.without & without::HASHES == 0).then(hashes::Hashes::start);
    let hashes = hashes.transpose().map_err(Refusal::kernel("start a thread"))?;
    let linger = Duration::from_millis(settings.linger_ms);
    let keep = settings.without & without::PROCESS == 0;
    let mut queues = Queues::new(sensors, writer, keep);
    queues.processes.hashes = hashes;
    if settings.without & without::REDACTION == 0 {
        let key = Key::new(settings.redaction);
        queues.processes.arguments = Arguments::keyed(&key);
        queues.processes.redaction = Some(Redaction::new(key));
    }
    let recorder = Recorder::new(leaf, queues, linger)
        .and_then(|recorder| {
            recorder.watch(channel, Source::Front)?;
            recorder.watch(&signals, Source::Signals)?;
            Ok(recorder)
        })
        .map_err(Refusal::kernel("make the loop"))?;
    channel.send(READY, Some(recorder.leaf.as_fd())).map_err(Refusal::protocol)?;
    Ok(Session { recorder, signals, settings })
}

fn hear_begin(channel: &mut Channel) -> Result<(Begin, OwnedFd), Refusal> {
    let (message, fd) = channel.receive().map_err(Refusal::protocol)?;
    if message.kind != BEGIN {
        return Err(Refusal::protocol("its first word is not the beginning"));
    }
    let (settings, _) = message.body::<Begin>().map_err(Refusal::protocol)?;
    let segments = fd.ok_or_else(|| Refusal::protocol("no directory came with its first word"))?;
    Ok((*settings, segments))
}

fn hear_about(channel: &mut Channel) -> Result<Vec<u8>, Refusal> {
    let (message, _) = channel.receive().map_err(Refusal::protocol)?;
    match message.bytes() {
        about if message.kind == ABOUT && about.len() <= MAX_ABOUT => Ok(about.to_vec()),
        _ => Err(Refusal::protocol("its second word is not what the run is about")),
    }
}

fn make_leaf(settings: &Begin) -> Result<Leaf, Refusal> {
    let id = settings.run.split(|b| *b == 0).next().unwrap_or_default();
    let good = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    let name =
        std::str::from_utf8(id).ok().filter(|id| !id.is_empty() && id.bytes().all(|b| good(&b)));
    let name =
        name.ok_or_else(|| Refusal::protocol("the run's id has other characters than [a-z0-9-]"))?;
    Leaf::create(&format!("audit-{name}")).map_err(|why| {
        let kind = match why.errno() {
            libc::EACCES | libc::EPERM | libc::EROFS => refusal::RIGHTS,
            _ => refusal::KERNEL,
        };
        Refusal::new(kind, why.errno(), with_causes(&why))
    })
}

/// Hears which process is the command and places the marks while it waits.
fn arm(channel: &mut Channel, session: &mut Session) -> Result<(), Refusal> {
    let (message, pidfd) = channel.receive().map_err(Refusal::protocol)?;
    if message.kind != CHILD {
        return Err(Refusal::protocol("it did not say which process is the command"));
    }
    let (child, _) = message.body::<Child>().map_err(Refusal::protocol)?;
    let child = *child;
    let pidfd = pidfd.ok_or_else(|| Refusal::protocol("no descriptor of the process came"))?;
    let Session { recorder, settings, .. } = session;
    recorder
        .add_command(child.pid, child.scope, pidfd)
        .map_err(Refusal::kernel("watch the command"))?;
    if settings.without & without::FILES == 0 && !proc_is_ours() {
        // Numbers of processes are those of our pid namespace; in a /proc of another they are other
        // processes, whose mounts would be marked.
        let why = io::Error::other("/proc is that of another pid namespace");
        statement::files_off(&mut recorder.queues.writer, &why);
    } else if settings.without & without::FILES == 0 {
        let own_mounts = child.scope == scope::MOUNT;
        let Queues { writer, sensors, .. } = &mut recorder.queues;
        match marking::mark(child.pid, own_mounts, writer, sensors) {
            Ok(monitor) => recorder
                .add_files(monitor, child.pid, own_mounts)
                .map_err(Refusal::kernel("watch the marks"))?,
            Err(why) => statement::files_off(&mut recorder.queues.writer, &why),
        }
    } else {
        statement::files_not_asked(&mut recorder.queues.writer);
    }
    recorder.queues.writer.flush(clock::boot_ns());
    recorder.queues.writer.sync_beside();
    channel.send(ARMED, None).map_err(Refusal::protocol)
}

/// Whether /proc lists the processes of our own pid namespace by the numbers that they have in it.
fn proc_is_ours() -> bool {
    let own = rustix::process::getpid().as_raw_nonzero().to_string();
    rustix::fs::readlink("/proc/self", Vec::new())
        .is_ok_and(|link| link.to_bytes() == own.as_bytes())
}

/// Runs the loop until the run is over.
fn record(channel: &mut Channel, session: &mut Session) -> Ending {
    let Session { recorder, signals, .. } = session;
    let (mut front_lives, mut told) = (true, 0);
    loop {
        let turned = recorder.turn(|source| match source {
            // Whoever ends the command often ends us with it (a service manager's stop): what the
            // command does at its end belongs to the record. A second word ends it at once.
            Source::Signals => {
                while matches!(signals.read_signal(), Ok(Some(_))) {
                    told += 1;
                }
                match told {
                    0 => Asked::GoOn,
                    1 => Asked::EndSoon,
                    _ => Asked::End(Ending::Stopped),
                }
            }
            // The front has nothing more to say; that it is gone changes nothing for the record.
            Source::Front if front_lives => {
                front_lives = channel.is_open();
                Asked::GoOn
            }
            _ => Asked::GoOn,
        });
        match turned {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(ending)) => return ending,
            Err(_) => return Ending::Stopped,
        }
    }
}

/// Detaches the programs, so that all counters stand still, takes what is left, and closes the record.
fn seal(recorder: &mut Recorder, ending: Ending) {
    if let Some(why) = recorder.queues.sensors.detach() {
        statement::open_sockets_untold(&mut recorder.queues.writer, &why);
    }
    recorder.queues.drain_all();
    recorder.queues.finish_hashes();
    recorder.queues.finish_redaction();
    let last = LastWords {
        code: recorder.queues.main_code(),
        ending,
        alive: recorder.queues.processes.members.alive(),
    };
    recorder.queues.writer.close();
    recorder.checkpoint(clock::boot_ns());
    let writer = &mut recorder.queues.writer;
    // What the disk refuses is said again in the reserve.
    for _ in 0..2 {
        let firm = writer.settle(clock::boot_ns());
        write_seal(writer, &last);
        if writer.settle(clock::boot_ns()) == firm {
            break;
        }
    }
    writer.finish(clock::boot_ns());
    recorder.leaf.remove();
}

/// What the seal says, but for the chain and the clocks.
struct LastWords {
    code: Option<i32>,
    ending: Ending,
    alive: u32,
}

fn write_seal(writer: &mut Writer, last: &LastWords) {
    let boot_ns = clock::boot_ns();
    let seal = Seal {
        chain: writer.link(),
        boot_ns,
        real_ns: clock::real_ns(),
        frames: writer.frames() + 1,
        main_code: last.code.unwrap_or(0),
        main_known: u32::from(last.code.is_some()),
        ending: last.ending as u32,
        alive: last.alive,
    };
    writer.control(KIND_SEAL, boot_ns, &[seal.as_bytes()]);
}
