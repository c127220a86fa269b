//! From READY to ARMED: the command's process, the marks, and the recorder's own confinement.

use std::{io, os::fd::AsFd, rc::Rc};

use event::{
    frame::control::{self, State},
    protocol::{ARMED, Begin, CHILD, Child, scope, without},
};
use fsmon::Power;

use super::Session;
use crate::{
    admission,
    channel::Channel,
    clock,
    hashes::Hashes,
    lockdown, marking,
    powers::{self, Powers},
    queues::Queues,
    recorder::Recorder,
    refusal::Refusal,
    source::Source,
    standing::Standing,
    statement,
};

/// Hears which process is the command and places the marks while it waits.
pub(super) fn arm(
    channel: &mut Channel,
    session: &mut Session,
    powers: &Powers,
) -> Result<(), Refusal> {
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
    // What the record says of itself is on the disk before the command can fill it.
    recorder.queues.writer.settle(clock::boot_ns());
    recorder.queues.writer.sync_beside();
    match channel.send(ARMED, None) {
        // A front that is gone lets nobody go: the command's process ends, and the record says so.
        Ok(()) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        // One that is there would wait for ever.
        Err(why) => Err(Refusal::kernel("tell the front to begin")(why)),
    }
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
    let Queues { writer, sensors, processes, .. } = &mut recorder.queues;
    let (members, power) = (&mut processes.members, Rc::clone(power));
    match marking::mark(child.pid, own_mounts, writer, sensors, members, power) {
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
