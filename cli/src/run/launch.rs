//! From the user's words to a process that executes them inside the leaf.

use std::{
    io::{self, Read},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

use event::protocol::{Child, scope};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{
    Stopped, attend,
    begin::{self, Begun},
    command, notify,
    signals::{self, Signals},
    sys::{self, ChildPipes, Launch, Mask, Stage},
    user::{self, User},
};
use crate::{
    args::{MountNs, RunArgs},
    exit,
    failure::Failure,
};

/// Variable by which the command can find its run.
const RUN_VARIABLE: &str = "AUDIT_RUN_ID";

/// Variables whose value is the process that they are meant for: `sd_listen_fds(3)`,
/// `sd_watchdog_enabled(3)`.
const PID_VARIABLES: [&str; 2] = ["LISTEN_PID", "WATCHDOG_PID"];

/// What the environment of a recorded command says that ours does not.
#[derive(Debug)]
pub(super) struct Recorded<'a> {
    /// The run.
    pub(super) id: &'a str,
    /// The socket of a service manager.
    pub(super) notify: Option<&'a str>,
}

/// Looks `--user` up.
pub(super) fn user(args: &RunArgs) -> Result<Option<User>, Failure> {
    let Some(wanted) = &args.user else { return Ok(None) };
    match user::find(wanted, Path::new("/etc")) {
        Ok(Some(user)) => Ok(Some(user)),
        Ok(None) => Err(Failure::new(format!("cannot run as '{wanted}': no such user"))
            .hint("a user of another source than /etc/passwd can be given by number")),
        Err(why) => Err(Failure::because(format!("cannot run as '{wanted}'"), &why)),
    }
}

/// Prepares everything that exec needs.
pub(super) fn prepare(
    args: &RunArgs,
    user: Option<User>,
    run: Option<&Recorded<'_>>,
    mask: Mask,
) -> Result<Launch, Stopped> {
    let wrong = |why: io::Error| {
        Stopped::NotExecuted(
            Failure::because("cannot execute the command", &why),
            exit::NOT_EXECUTABLE,
        )
    };
    let program = args.command.first().map_or(std::ffi::OsStr::new(""), |word| word);
    let path = std::env::var_os("PATH");
    let id = run.filter(|_| !args.no_env).map(|run| (RUN_VARIABLE, run.id));
    let notify = run.and_then(|run| Some((notify::VARIABLE, run.notify?)));
    let envp =
        [id, notify].into_iter().flatten().try_fold(sys::environment(), |block, added| {
            command::environment(block, added).map_err(wrong)
        })?;
    let (envp, own_pid) = command::split_pids(envp, &PID_VARIABLES, std::process::id());
    let own_mounts = run.is_some() && own_mounts(args.mount_ns, user.as_ref());
    Ok(Launch {
        files: command::candidates(program, path.as_deref()).map_err(wrong)?,
        argv: command::c_strings(&args.command).map_err(wrong)?,
        envp,
        own_pid,
        become_user: user.map(|user| (user.uid, user.gid, user.groups)),
        own_mounts,
        mask,
    })
}

/// A mount namespace of its own must not be noticed: it is not where mounts that the command makes
/// reach the others (shared propagation), or where it has no right to mount.
fn own_mounts(wanted: MountNs, user: Option<&User>) -> bool {
    match wanted {
        MountNs::On => true,
        MountNs::Off => false,
        // Only root can give it one.
        MountNs::Auto if !rustix::process::geteuid().is_root() => false,
        MountNs::Auto => {
            user.is_some_and(|user| user.uid != 0)
                || std::fs::read("/proc/self/mountinfo").is_ok_and(|info| all_shared(&info))
        }
    }
}

/// Whether every mount passes mounts on to other namespaces (`shared:N`, proc_pid_mountinfo(5)).
fn all_shared(mountinfo: &[u8]) -> bool {
    let mut lines = mountinfo.split(|b| *b == b'\n').filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            let mut tags = line.split(|b| *b == b' ').skip(6).take_while(|tag| *tag != b"-");
            tags.any(|tag| tag.starts_with(b"shared:"))
        })
}

/// Starts the command's process, has it marked, and lets it go.
pub(super) fn launch(
    launch: &Launch,
    args: &RunArgs,
    begun: &mut Begun,
    signals: &mut Signals,
) -> Result<Pid, Stopped> {
    let started = start(launch, args, begun, signals);
    match started {
        Err(Stopped::NotExecuted(..)) => begun.supervisor.abandon(signals),
        Err(Stopped::NotRecorded(_) | Stopped::Signal(_)) => begun.never_was(signals),
        Ok(_) | Err(Stopped::Lost(_) | Stopped::Busy { .. }) => {}
    }
    started
}

fn start(
    launch: &Launch,
    args: &RunArgs,
    begun: &mut Begun,
    signals: &mut Signals,
) -> Result<Pid, Stopped> {
    let trouble = |why: io::Error| Failure::because("cannot start the command", &why);
    let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|errno| trouble(errno.into()));
    let ((ready, ready_in), (go_out, go), (failed, failed_in)) = (pipe()?, pipe()?, pipe()?);
    let parents = [ready.as_raw_fd(), go.as_raw_fd(), failed.as_raw_fd()];
    let pipes = ChildPipes { ready: ready_in, go: go_out, failed: failed_in, parents };
    let (pid, pidfd) = sys::spawn(launch, begun.leaf_to_enter(), &pipes).map_err(trouble)?;
    // Ours must go, or end of file would never come.
    drop(pipes);
    let child =
        Pid::from_raw(pid.cast_signed()).ok_or_else(|| trouble(io::ErrorKind::Other.into()))?;
    let ours = Pipes { ready, go, failed };
    let armed = armed(launch, args, begun, (child, &pidfd), ours, signals);
    if armed.is_err() {
        // It ends by itself: it wrote why, or reads end of file where it waits to be let go.
        let _ = rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
    }
    armed.map(|()| child)
}

/// Our ends of [`ChildPipes`].
struct Pipes {
    ready: OwnedFd,
    go: OwnedFd,
    failed: OwnedFd,
}

fn armed(
    launch: &Launch,
    args: &RunArgs,
    begun: &mut Begun,
    (child, pidfd): (Pid, &OwnedFd),
    Pipes { ready, go, failed }: Pipes,
    signals: &mut Signals,
) -> Result<(), Stopped> {
    let mut word = [0];
    let waits = std::fs::File::from(ready).read(&mut word).is_ok_and(|len| len == 1);
    if waits {
        let scope = if launch.own_mounts { scope::MOUNT } else { scope::FILESYSTEM };
        let pid = child.as_raw_pid().cast_unsigned();
        let told = begun.supervisor.child(&Child { pid, scope }, pidfd.as_fd(), signals);
        told.map_err(|why| begin::stopped(&why, args))?;
        signals.hand_over(child);
        let _ = rustix::io::write(&go, &[1]);
    }
    drop(go);
    let leaf = begun.leaf_name();
    while waits && !signals.or(Some(failed.as_fd()), None).unwrap_or(true) {
        meanwhile(child, &leaf, signals);
    }
    // End of file: exec closed the pipe, the command runs.
    let mut message = [0; 5];
    match std::fs::File::from(failed).read_exact(&mut message) {
        Err(_) if waits => Ok(()),
        Err(why) => Err(Failure::because("cannot start the command", &why).into()),
        Ok(()) => {
            let (stage, errno) = sys::stage_from(message);
            Err(failure(args, stage, &io::Error::from_raw_os_error(errno)))
        }
    }
}

/// exec may take its time (a file system over the network), and a ^Z from before stops the command
/// there; signals are for the command now.
fn meanwhile(child: Pid, leaf: &str, signals: &Signals) {
    while let Some(came) = signals.next() {
        signals::pass_on(child, leaf, came);
    }
    // Its end is not taken here, that is for who attends to it.
    let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    if let Ok(Some(status)) = waitid(WaitId::Pid(child), stopped) {
        attend::stop_with_it(status.stopping_signal());
    }
}

/// What the user is told when the child could not become the command.
pub(super) fn failure(args: &RunArgs, stage: Stage, why: &io::Error) -> Stopped {
    let program = args.command.first().map(|word| word.to_string_lossy().into_owned());
    let program = program.unwrap_or_default();
    let said = |attempt: String| Failure::because(attempt, why);
    match stage {
        Stage::Mounts => said("cannot give the command a mount namespace".into())
            .hint("audit run --mount-ns off")
            .into(),
        Stage::User => {
            said(format!("cannot run as '{}'", args.user.as_deref().unwrap_or_default()))
                .hint("only root can run a command as another user")
                .into()
        }
        Stage::Exec => {
            let code = sys::exit_status(stage, why.raw_os_error().unwrap_or(0));
            let code = u8::try_from(code).unwrap_or(exit::NOT_EXECUTABLE);
            let failure = match code {
                exit::NOT_FOUND => Failure::new(format!("cannot find '{program}'")),
                _ => said(format!("cannot execute '{program}'")),
            };
            Stopped::NotExecuted(failure, code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propagation_counts_only_when_all_mounts_are_shared() {
        let shared = b"1 0 8:1 / / rw shared:1 - ext4 /dev/x rw\n2 1 0:5 / /p rw shared:2 master:1 - proc p rw\n";
        let mixed =
            b"1 0 8:1 / / rw shared:1 - ext4 /dev/x rw\n2 1 0:5 / /p rw - proc shared:9 rw\n";
        assert!(all_shared(shared));
        assert!(!all_shared(mixed));
        assert!(!all_shared(b""));
    }
}
