//! One recording from the front's first word to the seal.

mod arming;
mod pruning;
mod sealing;

use std::{
    io,
    ops::ControlFlow,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    time::Duration,
};

use event::redact::Key;
use event::{
    frame::control::{Ending, KIND_ABOUT, MAX_ABOUT},
    protocol::{ABOUT, BEGIN, Begin, DONE, PRUNE, Prune, READY, Ready, refusal, without},
};
use fsmon::Power;
use nix::sys::signalfd::SignalFd;
use zerocopy::IntoBytes;

use crate::{
    arguments::Arguments,
    cgroup::{self, Leaf, Parent},
    channel::Channel,
    clock, inherited,
    keeper::{Beside, Keeper},
    powers::{self, Powers},
    queues::Queues,
    recorder::{Asked, Recorder},
    redaction::Redaction,
    refusal::{Refusal, errno, with_causes},
    segment::Writer,
    source::Source,
    standing::Standing,
    statement,
    store::{self, Room},
    sys,
};

/// A recording that has begun.
struct Session {
    recorder: Recorder,
    signals: SignalFd,
    settings: Begin,
    standing: Standing,
    /// Where an installed recorder writes.
    room: Option<Room>,
    segments: OwnedFd,
    power: Rc<dyn Power>,
}

/// Who we are and may be.
struct Ground<'a> {
    standing: Standing,
    powers: &'a Powers,
    parent: Parent,
}

/// Records one run for the front at the other end of `socket`, or removes runs for it.
pub(crate) fn serve(socket: OwnedFd, standing: Standing, powers: &Powers) {
    let mut channel = Channel::new(socket);
    if let Err(refusal) = attend(&mut channel, standing, powers) {
        // The front may be gone, and then nobody needs to know.
        let _ = channel.refuse(refusal.reason, refusal.errno, &refusal.text);
    }
}

fn attend(channel: &mut Channel, standing: Standing, powers: &Powers) -> Result<(), Refusal> {
    let parent = Parent::find().map_err(|why| no_leaf(&why))?;
    // The front reads its rules meanwhile.
    if !channel.has_word() {
        sys::apart(bpf::read_ahead);
    }
    let (first, segments) = hear_first(channel)?;
    let settings = match first {
        First::Begin(settings) => settings,
        First::Prune(run) => return pruning::prune(channel, &standing, &parent, &run),
    };
    let mut session = begin(channel, Ground { standing, powers, parent }, settings, segments)?;
    let ending = match arming::arm(channel, &mut session, powers) {
        Ok(()) => record(channel, &mut session),
        Err(refusal) => {
            let _ = channel.refuse(refusal.reason, refusal.errno, &refusal.text);
            if let Some(room) = &session.room {
                // What was seen may be somebody else's: nothing of it is kept.
                room.never_was();
                session.recorder.leaf.remove();
                return Ok(());
            }
            Ending::NotStarted
        }
    };
    sealing::seal(&mut session.recorder, ending);
    // The front may be gone; the record is whole all the same.
    let _ = channel.send(DONE, None);
    // Letting go of marks and programs takes the kernel a while, which nobody has to wait for.
    Ok(())
}

/// Everything up to READY: the store first, for without it nothing else makes sense.
fn begin(
    channel: &mut Channel,
    ground: Ground<'_>,
    mut settings: Begin,
    segments: Option<OwnedFd>,
) -> Result<Session, Refusal> {
    let (about, keys) = hear_about(channel)?;
    // Who may say where to write may say by whose keys.
    let keys = match &ground.standing {
        Standing::Own => keys.ok_or_else(|| io::Error::other("there is no directory of keys")),
        Standing::For(_) => store::keys(ground.powers),
    };
    settings.trust = ground.standing.trust();
    let (room, segments) = place(&ground, &settings, segments)?;
    let Ground { standing, powers, parent } = ground;
    let kept = segments.try_clone().map_err(Refusal::kernel("keep the directory open"))?;
    let place = (segments, room.as_ref(), keys);
    let begun = prepare((&standing, powers, parent), settings, place, &about);
    let never_was = |refusal| {
        if let Some(room) = &room {
            room.never_was();
        }
        refusal
    };
    let (mut recorder, signals, power) = begun.map_err(never_was)?;
    // The front reads the run's keys as soon as it hears that we are ready.
    recorder.queues.writer.settle(clock::boot_ns());
    let ready = Ready { trust: settings.trust, pad: 0 };
    let said = channel.say(READY, ready.as_bytes(), Some(recorder.leaf.as_fd()));
    said.map_err(Refusal::protocol).map_err(never_was)?;
    Ok(Session { recorder, signals, settings, standing, room, segments: kept, power })
}

/// Where to write: where the front says, with its rights; or where nobody says.
fn place(
    ground: &Ground<'_>,
    settings: &Begin,
    segments: Option<OwnedFd>,
) -> Result<(Option<Room>, OwnedFd), Refusal> {
    match &ground.standing {
        Standing::Own => {
            let none = || Refusal::protocol("no directory came with its first word");
            Ok((None, segments.ok_or_else(none)?))
        }
        Standing::For(caller) => {
            let (room, segments) =
                Room::make(store::INSTALLED, caller, id_of(&settings.run)?, ground.powers)?;
            Ok((Some(room), segments))
        }
    }
}

fn prepare(
    (standing, powers, parent): (&Standing, &Powers, Parent),
    settings: Begin,
    (segments, room, keys): (OwnedFd, Option<&Room>, io::Result<OwnedFd>),
    about: &[u8],
) -> Result<(Recorder, SignalFd, Rc<dyn Power>), Refusal> {
    let signals = inherited::signals().map_err(Refusal::kernel("watch signals"))?;
    let now = clock::boot_ns();
    let mut writer = Writer::create(segments, &settings, now).map_err(|why| {
        Refusal::new(refusal::STORE, errno(&why), format!("cannot write the record: {why}"))
    })?;
    if let Some(room) = room {
        let (lease, budget) = room.lease().map_err(Refusal::kernel("keep the store open"))?;
        writer.limit(budget, lease);
    }
    let (leaf, power) = make_leaf(&settings, standing, powers, parent)?;
    statement::start(&mut writer, &settings, (standing.uid(), leaf.id()), keys);
    writer.control(KIND_ABOUT, now, &[about]);
    let owner = standing.owner().map_err(Refusal::kernel("tell who reads the record"))?;
    let sensors = powers
        .with(powers::PROGRAMS, || statement::sensors(&settings, owner, &leaf, &mut writer))
        .map_err(Refusal::kernel("raise the capabilities for its programs"))??;
    sys::give_memory_back();
    let linger = Duration::from_millis(settings.linger_ms);
    let keep = settings.without & without::PROCESS == 0;
    let mut queues = Queues::new(sensors, writer, keep);
    if settings.without & without::REDACTION == 0 {
        let key = Key::new(settings.redaction);
        queues.processes.arguments = Arguments::keyed(&key);
        queues.processes.redaction = Some(Redaction::new(key));
    }
    let recorder = Recorder::new(leaf, queues, linger, settings.heartbeat_ms)
        .and_then(|recorder| {
            recorder.watch(&signals, Source::Signals)?;
            Ok(recorder)
        })
        .map_err(Refusal::kernel("make the loop"))?;
    Ok((recorder, signals, power))
}

/// The first word of a front.
enum First {
    Begin(Begin),
    Prune(Prune),
}

fn hear_first(channel: &mut Channel) -> Result<(First, Option<OwnedFd>), Refusal> {
    let (message, fd) = channel.receive().map_err(Refusal::protocol)?;
    let first = match message.kind {
        BEGIN => First::Begin(*message.body::<Begin>().map_err(Refusal::protocol)?.0),
        PRUNE => First::Prune(*message.body::<Prune>().map_err(Refusal::protocol)?.0),
        _ => return Err(Refusal::protocol("its first word is not the beginning")),
    };
    Ok((first, fd))
}

/// With what the run is about comes the directory of keys, where there is one.
fn hear_about(channel: &mut Channel) -> Result<(Vec<u8>, Option<OwnedFd>), Refusal> {
    let (message, keys) = channel.receive().map_err(Refusal::protocol)?;
    match message.bytes() {
        about if message.kind == ABOUT && about.len() <= MAX_ABOUT => Ok((about.to_vec(), keys)),
        _ => Err(Refusal::protocol("its second word is not what the run is about")),
    }
}

/// The run's id, which names its leaf and its directory.
fn id_of(run: &[u8; 64]) -> Result<&str, Refusal> {
    let id = run.split(|b| *b == 0).next().unwrap_or_default();
    let good = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    std::str::from_utf8(id)
        .ok()
        .filter(|id| !id.is_empty() && id.bytes().all(|b| good(&b)))
        .ok_or_else(|| Refusal::protocol("the run's id has other characters than [a-z0-9-]"))
}

fn no_leaf(why: &cgroup::Error) -> Refusal {
    let kind = match why.errno() {
        libc::EACCES | libc::EPERM | libc::EROFS => refusal::RIGHTS,
        _ => refusal::KERNEL,
    };
    Refusal::new(kind, why.errno(), with_causes(why))
}

/// Makes the leaf below the caller's cgroup; an installed recorder leaves that one first. From here on
/// there is a keeper.
fn make_leaf(
    settings: &Begin,
    standing: &Standing,
    powers: &Powers,
    parent: Parent,
) -> Result<(Leaf, Rc<dyn Power>), Refusal> {
    let name = format!("audit-{}", id_of(&settings.run)?);
    let mut leaf = powers
        .with(powers::PLACES, || {
            if let Standing::For(_) = standing {
                parent.leave()?;
            }
            Leaf::create(parent, &name)
        })
        .map_err(Refusal::kernel("raise the capability for cgroups"))?
        .map_err(|why| no_leaf(&why))?;
    let keeper = Keeper::start(leaf.place(), powers).map_err(Refusal::kernel("fork"))?;
    let keeper = Rc::new(keeper);
    leaf.keep(Rc::clone(&keeper));
    Ok(match standing {
        Standing::For(_) => (leaf, keeper),
        Standing::Own => (leaf, Rc::new(Beside(keeper))),
    })
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
