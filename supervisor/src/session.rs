//! One recording from the front's first word to the seal.

use std::{
    io,
    ops::ControlFlow,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    time::Duration,
};

use event::redact::Key;
use event::{
    frame::control::{self, Ending, KIND_ABOUT, MAX_ABOUT, Seal, State},
    protocol::{
        ABOUT, ARMED, BEGIN, Begin, CHILD, Child, DONE, PRUNE, Prune, READY, Ready, refusal, scope,
        without,
    },
};
use fsmon::Power;
use nix::sys::signalfd::SignalFd;
use zerocopy::IntoBytes;

use crate::{
    admission,
    arguments::Arguments,
    cgroup::{self, Leaf, Parent},
    channel::Channel,
    clock,
    hashes::Hashes,
    inherited,
    keeper::{Beside, Keeper},
    lockdown, marking,
    powers::{self, Powers},
    queues::Queues,
    recorder::{Asked, Recorder, Source},
    redaction::Redaction,
    refusal::{Refusal, errno, with_causes},
    segment::Writer,
    standing::Standing,
    statement,
    store::{self, Room},
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
    let (first, segments) = hear_first(channel)?;
    let settings = match first {
        First::Begin(settings) => settings,
        First::Prune(run) => return prune(channel, &standing, &parent, &run),
    };
    let mut session = begin(channel, Ground { standing, powers, parent }, settings, segments)?;
    let ending = match arm(channel, &mut session, powers) {
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
    seal(&mut session.recorder, ending);
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
    let linger = Duration::from_millis(settings.linger_ms);
    let keep = settings.without & without::PROCESS == 0;
    let mut queues = Queues::new(sensors, writer, keep);
    if settings.without & without::REDACTION == 0 {
        let key = Key::new(settings.redaction);
        queues.processes.arguments = Arguments::keyed(&key);
        queues.processes.redaction = Some(Redaction::new(key));
    }
    let recorder = Recorder::new(leaf, queues, linger)
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

/// Removes the runs that the front names, one a word, unless it is itself recorded.
fn prune(
    channel: &mut Channel,
    standing: &Standing,
    parent: &Parent,
    first: &Prune,
) -> Result<(), Refusal> {
    let Standing::For(caller) = standing else {
        return Err(Refusal::protocol("only an installed recorder has a store of its own"));
    };
    let own = rustix::process::geteuid().as_raw();
    if parent.is_recorded(own).map_err(|why| no_leaf(&why))? {
        let text = "cannot remove runs from inside a recorded run";
        return Err(Refusal::new(refusal::NOT_YOURS, libc::EPERM, text));
    }
    let mut next = *first;
    loop {
        match id_of(&next.run).and_then(|id| store::prune(store::INSTALLED, caller, id)) {
            Ok(()) => channel.send(DONE, None).map_err(Refusal::protocol)?,
            Err(why) => {
                channel.refuse(why.reason, why.errno, &why.text).map_err(Refusal::protocol)?;
            }
        }
        match hear_first(channel) {
            Ok((First::Prune(prune), _)) => next = prune,
            _ => return Ok(()),
        }
    }
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

/// Hears which process is the command and places the marks while it waits.
fn arm(channel: &mut Channel, session: &mut Session, powers: &Powers) -> Result<(), Refusal> {
    let (message, pidfd) = channel.receive().map_err(Refusal::protocol)?;
    if message.kind != CHILD {
        return Err(Refusal::protocol("it did not say which process is the command"));
    }
    let (child, _) = message.body::<Child>().map_err(Refusal::protocol)?;
    let mut child = *child;
    if let Standing::For(_) = &session.standing {
        // An ordinary user's command is in the machine's namespace, whatever its front says: with mount
        // marks there, whatever happens would count as the command's.
        child.scope = scope::FILESYSTEM;
    }
    let pidfd = pidfd.ok_or_else(|| Refusal::protocol("no descriptor of the process came"))?;
    let Session { recorder, settings, power, standing, .. } = session;
    if let Standing::For(caller) = standing {
        powers
            .with(powers::PLACES | powers::MARKS, || {
                admission::admit(caller, &child, pidfd.as_fd(), &recorder.leaf)
            })
            .map_err(Refusal::kernel("raise the capability for cgroups"))??;
    }
    recorder
        .add_command(child.pid, child.scope, pidfd)
        .map_err(Refusal::kernel("watch the command"))?;
    powers
        .with(powers::MARKS, || mark(&child, settings, recorder, power))
        .map_err(Refusal::kernel("raise the capabilities for marks"))??;
    let kept = match &session.standing {
        Standing::For(_) => powers::LOOKUPS,
        Standing::Own => powers::OWN,
    };
    powers.keep_only(kept).map_err(Refusal::kernel("give capabilities up"))?;
    rustix::thread::set_no_new_privs(true)
        .map_err(|errno| Refusal::kernel("set no_new_privs")(errno.into()))?;
    let marks = matches!(session.standing, Standing::Own);
    match (lockdown::recorder(session.segments.as_fd(), marks), &session.standing) {
        (Ok(()), _) => {}
        (Err(why), Standing::For(_)) => return Err(Refusal::kernel("shut itself in")(why)),
        // The caller's own rights are lent to it: less protection, and the record is the same.
        (Err(why), Standing::Own) => {
            let text = format!("the recorder is not shut in: {why}");
            statement::source(
                &mut recorder.queues.writer,
                control::Source::Record,
                State::On,
                &text,
            );
        }
    }
    // Threads have the rights of the one that starts them: not before.
    let hashes = (settings.without & without::HASHES == 0).then(|| Hashes::start(Rc::clone(power)));
    let hashes = hashes.transpose().map_err(Refusal::kernel("start a thread"))?;
    recorder.queues.processes.hashes = hashes;
    recorder.watch(channel, Source::Front).map_err(Refusal::kernel("watch the front"))?;
    recorder.queues.writer.flush(clock::boot_ns());
    recorder.queues.writer.sync_beside();
    // A front that is gone lets nobody go: the command's process ends, and the record says so.
    let _ = channel.send(ARMED, None);
    Ok(())
}

/// Marks what the command can reach.
fn mark(
    child: &Child,
    settings: &Begin,
    recorder: &mut Recorder,
    power: &Rc<dyn Power>,
) -> Result<(), Refusal> {
    if settings.without & without::FILES != 0 {
        statement::files_not_asked(&mut recorder.queues.writer);
        return Ok(());
    }
    if !proc_is_ours() {
        // Numbers of processes are those of our pid namespace; in a /proc of another they are other
        // processes, whose mounts would be marked.
        let why = io::Error::other("/proc is that of another pid namespace");
        statement::files_off(&mut recorder.queues.writer, &why);
        return Ok(());
    }
    let own_mounts = child.scope == scope::MOUNT;
    let Queues { writer, sensors, .. } = &mut recorder.queues;
    match marking::mark(child.pid, own_mounts, writer, sensors, Rc::clone(power)) {
        Ok(monitor) => recorder
            .add_files(monitor, child.pid, own_mounts)
            .map_err(Refusal::kernel("watch the marks")),
        Err(why) => {
            statement::files_off(&mut recorder.queues.writer, &why);
            Ok(())
        }
    }
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
    for attempt in 0..2 {
        let firm = writer.settle(clock::boot_ns());
        if attempt > 0 {
            // The frames that begin the reserve came behind the last signature.
            writer.sign(clock::boot_ns());
        }
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
    writer.seal(seal);
}
