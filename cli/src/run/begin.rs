//! Before anything runs: the run's directory and a recorder that is ready.

use std::{
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
};

use event::protocol::{Begin, without};
use event::redact::Key;
use event::wire::failed_opens;
use jiff::Timestamp;
use storage::{About, RunDir, Store};

use super::{
    Stopped,
    secrets::Secrets,
    signals::Signals,
    supervisor::{Error, Supervisor},
    user::{self, User},
};
use crate::{
    args::{FailedOpens, Globals, RunArgs},
    failure::Failure,
    text,
};

/// Size at which the next segment is begun, MiB: small enough to copy, large enough to be few.
const SEGMENT_MIB: u64 = 64;

/// Started by root: the record is out of an ordinary command's reach by its place.
const TRUST_DIRECT: u32 = 2;

/// A recording that is ready for its command.
#[derive(Debug)]
pub(super) struct Begun {
    /// Where it is kept.
    pub(super) run: RunDir,
    /// Who records.
    pub(super) supervisor: Supervisor,
    /// The cgroup for the command.
    pub(super) leaf: OwnedFd,
}

impl Begun {
    /// Name of the leaf, as the recorder makes it.
    pub(super) fn leaf_name(&self) -> String {
        format!("audit-{}", self.run.id().as_str())
    }

    /// The command did not come to be and nothing is recorded: nothing stays.
    pub(super) fn never_was(&mut self, signals: &Signals) {
        self.supervisor.dismiss(signals);
        self.remove_leaf();
        run_never_was(&self.run);
    }

    /// Removes the leaf if nobody is in it: in place of a recorder that is gone, or that could not
    /// because the last process had not quite ended.
    pub(super) fn remove_leaf(&self) {
        let own = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.leaf));
        if let Ok(path) = std::fs::read_link(own) {
            let _ = std::fs::remove_dir(path);
        }
    }
}

/// Makes the run's directory and gets the recorder ready.
pub(super) fn begin(
    args: &RunArgs,
    globals: &Globals,
    user: Option<&User>,
    signals: &mut Signals,
) -> Result<Begun, Stopped> {
    let mut supervisor = Supervisor::start().map_err(|why| explain(&why, args))?;
    let begun = ready(args, globals, user, (&mut supervisor, signals));
    match begun {
        Ok((run, leaf)) => Ok(Begun { run, supervisor, leaf }),
        Err((run, stopped)) => {
            supervisor.dismiss(signals);
            if let Some(run) = run {
                run_never_was(&run);
            }
            Err(stopped)
        }
    }
}

/// Returns the run and its leaf; or the run, if it was made, and why there is no leaf.
fn ready(
    args: &RunArgs,
    globals: &Globals,
    user: Option<&User>,
    (supervisor, signals): (&mut Supervisor, &mut Signals),
) -> Result<(RunDir, OwnedFd), (Option<RunDir>, Stopped)> {
    let run = make_run(args, globals).map_err(|failure| (None, failure.into()))?;
    let secrets = match globals.store().and_then(|store| Secrets::of(args, &store)) {
        Ok(secrets) => secrets,
        Err(failure) => return Err((Some(run), failure.into())),
    };
    let begin = |segments: OwnedFd| {
        let settings = settings(args, run.id().as_str(), &secrets);
        let about = about(args, user, &secrets).encode();
        let segments = std::os::fd::AsFd::as_fd(&segments);
        supervisor.begin(&settings, segments, &about, signals).map_err(|why| stopped(&why, args))
    };
    let leaf = run
        .open_segments()
        .map_err(|why| Failure::because("cannot record", &why).into())
        .and_then(begin);
    match leaf {
        Ok(leaf) => Ok((run, leaf)),
        Err(stopped) => Err((Some(run), stopped)),
    }
}

fn make_run(args: &RunArgs, globals: &Globals) -> Result<RunDir, Failure> {
    let store = Store::open(&globals.store_dir()?);
    let program = args.command.first().map_or(std::ffi::OsStr::new(""), |word| word);
    let seconds = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
    let name = args.name.as_deref().map(std::ffi::OsStr::new);
    store.create_run(seconds, name, program).map_err(|why| {
        Failure::because("cannot record", &why)
            .hint("choose another place with --home DIR or AUDIT_HOME=DIR")
    })
}

/// Nothing was recorded: the directory would only look like a run. Only empty directories and the
/// few files of a beginning go; anything else stays.
fn run_never_was(run: &RunDir) {
    let segments = run.path().join("segments");
    for file in ["000001.seg", "reserve"] {
        let _ = std::fs::remove_file(segments.join(file));
    }
    let _ = std::fs::remove_dir(segments);
    let _ = std::fs::remove_dir(run.path());
}

fn settings(args: &RunArgs, id: &str, secrets: &Secrets) -> Begin {
    let mut run = [0; 64];
    for (place, byte) in run.iter_mut().zip(id.bytes().take(63)) {
        *place = byte;
    }
    let bits = [
        (args.no_exec, without::PROCESS),
        (args.no_net, without::NETWORK),
        (args.no_host_names, without::HOSTS),
        (args.no_files, without::FILES),
        (args.no_open_counts, without::OPENS),
        (!args.hash, without::HASHES),
        (secrets.key().is_none(), without::REDACTION),
    ];
    Begin {
        linger_ms: u64::try_from(args.linger.as_millis()).unwrap_or(u64::MAX),
        segment_bytes: args.segment_mib.map_or(SEGMENT_MIB, u64::from) << 20,
        run,
        ring_kib: args.ring_kib.0,
        without: bits.iter().filter(|(on, _)| *on).fold(0, |all, (_, bit)| all | bit),
        trust: TRUST_DIRECT,
        failed_opens: match args.failed_opens {
            FailedOpens::Denied => failed_opens::DENIED,
            FailedOpens::All => failed_opens::ALL,
            FailedOpens::None => failed_opens::NONE,
        },
        redaction: secrets.key().map_or([0; 32], Key::bytes),
    }
}

fn about(args: &RunArgs, user: Option<&User>, secrets: &Secrets) -> About {
    let cwd = std::env::current_dir().unwrap_or_default();
    let command = secrets.words(&args.command);
    let mut about = About::new(command.iter().map(Vec::as_slice), cwd.as_os_str().as_bytes());
    about.redaction_key = secrets.name();
    about.tell_env(secrets.variables(&args.env).iter().map(Vec::as_slice));
    let own = rustix::process::getuid().as_raw();
    about.name = args.name.clone();
    about.uid = user.map_or(own, |user| user.uid);
    about.user =
        user.map_or_else(|| user::name_of(own, Path::new("/etc")), |user| user.name.clone());
    about.heartbeat_ms = u64::try_from(args.heartbeat.as_millis()).ok();
    about.version = env!("CARGO_PKG_VERSION").to_owned();
    if !args.tags.is_empty() {
        let tags =
            args.tags.iter().map(|tag| (tag.key.clone(), secrets.tag(&tag.key, &tag.value).into()));
        about.other.insert("tags".to_owned(), serde_json::Value::Object(tags.collect()));
    }
    about
}

/// What `why` means for the run.
pub(super) fn stopped(why: &Error, args: &RunArgs) -> Stopped {
    match why {
        Error::Signal(signal) => Stopped::Signal(*signal),
        _ => explain(why, args).into(),
    }
}

/// What went wrong with the recorder, with the command that mends it.
fn explain(why: &Error, args: &RunArgs) -> Failure {
    let failure = Failure::new(format!("cannot record: {why}"));
    if matches!(why, Error::Missing) {
        return failure.hint("it belongs beside the audit program: build or install both");
    }
    if why.is_store() {
        return failure
            .hint("choose another place with --home DIR or AUDIT_HOME=DIR, or make room");
    }
    let root = rustix::process::geteuid().is_root();
    if why.is_rights() && !root {
        let command = text::command_line(args.command.iter().map(|word| word.as_bytes()));
        return failure
            .hint(format!(
                "you are uid {}, recording needs root",
                rustix::process::getuid().as_raw()
            ))
            .hint(format!("sudo -E audit run --user \"$USER\" -- {command}"))
            .hint("details: audit doctor");
    }
    if why.is_rights() {
        return failure
            .hint("this root lacks rights (a container?): CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN")
            .hint("details: audit doctor");
    }
    failure.hint("details: audit doctor")
}
