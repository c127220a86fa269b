//! One recording from the front's first word to the seal.

use std::{
    ops::ControlFlow,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use event::{
    frame::control::{Ending, KIND_ABOUT, KIND_SEAL, MAX_ABOUT, Seal},
    protocol::{ABOUT, ARMED, BEGIN, Begin, CHILD, Child, DONE, READY, refusal, scope, without},
};
use nix::sys::signalfd::SignalFd;
use zerocopy::IntoBytes;

use crate::{
    cgroup::Leaf,
    channel::Channel,
    clock, inherited, marking,
    queues::Queues,
    recorder::{Recorder, Source},
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
    let linger = Duration::from_millis(settings.linger_ms);
    let keep = settings.without & without::PROCESS == 0;
    let recorder = Recorder::new(leaf, Queues::new(sensors, writer, keep), linger)
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
    if settings.without & without::FILES == 0 {
        let own_mounts = child.scope == scope::MOUNT;
        match marking::mark(child.pid, own_mounts, &mut recorder.queues.writer) {
            Ok(monitor) => recorder
                .add_files(monitor, child.pid, own_mounts)
                .map_err(Refusal::kernel("watch the marks"))?,
            Err(why) => statement::files_off(&mut recorder.queues.writer, &why),
        }
    } else {
        statement::files_not_asked(&mut recorder.queues.writer);
    }
    recorder.queues.writer.flush(clock::boot_ns());
    channel.send(ARMED, None).map_err(Refusal::protocol)
}

/// Runs the loop until the run is over.
fn record(channel: &mut Channel, session: &mut Session) -> Ending {
    let Session { recorder, signals, .. } = session;
    let mut front_lives = true;
    loop {
        let turned = recorder.turn(|source| match source {
            // Told to end: the record is closed properly; the command goes on.
            Source::Signals if matches!(signals.read_signal(), Ok(Some(_))) => {
                ControlFlow::Break(Ending::Stopped)
            }
            // The front has nothing more to say; that it is gone changes nothing for the record.
            Source::Front if front_lives => {
                front_lives = channel.is_open();
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
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
    recorder.queues.sensors.detach();
    recorder.queues.drain_all();
    recorder.checkpoint(clock::boot_ns());
    let boot_ns = clock::boot_ns();
    let seal = Seal {
        chain: recorder.queues.writer.link(),
        boot_ns,
        real_ns: clock::real_ns(),
        frames: recorder.queues.writer.frames() + 1,
        main_code: recorder.queues.main_code().unwrap_or(0),
        main_known: u32::from(recorder.queues.main_code().is_some()),
        ending: ending as u32,
        alive: recorder.queues.processes.members.alive(),
    };
    recorder.queues.writer.control(KIND_SEAL, boot_ns, &[seal.as_bytes()]);
    recorder.queues.writer.finish(boot_ns);
    recorder.leaf.remove();
}
