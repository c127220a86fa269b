//! Before anything runs: the run's directory and a recorder that is ready.

use std::{
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use event::install::SUPERVISOR;
use event::protocol::{Begin, trust, without};
use event::redact::Key;
use event::wire::failed_opens;
use jiff::Timestamp;
use storage::{About, RunDir, RunId};

use super::{
    Stopped,
    secrets::Secrets,
    signals::Signals,
    supervisor::{Error, Supervisor, find},
    user::{self, User},
};
use crate::{
    args::{FailedOpens, Globals, MountNs, RunArgs, Trust},
    failure::Failure,
    installed::{self, Installed},
    ruling::Ruling,
    text,
};

/// Size at which the next segment is begun, MiB: small enough to copy, large enough to be few.
const SEGMENT_MIB: u64 = 64;

/// A recording that is ready for its command.
#[derive(Debug)]
pub(super) struct Begun {
    /// Where it is kept.
    pub(super) run: RunDir,
    /// Who records.
    pub(super) supervisor: Supervisor,
    /// The cgroup for the command.
    pub(super) leaf: OwnedFd,
    /// The recorder has its own store and moves the command into the leaf.
    sealed: bool,
}

impl Begun {
    /// The leaf, if we may put the command into it.
    pub(super) fn leaf_to_enter(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        (!self.sealed).then(|| std::os::fd::AsFd::as_fd(&self.leaf))
    }

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

/// A recorder that does not know yet what to record.
#[derive(Debug)]
pub(super) struct Started {
    supervisor: Supervisor,
    sealed: bool,
}

impl Started {
    /// Nothing will be recorded.
    pub(super) fn dismiss(&mut self, signals: &Signals) {
        self.supervisor.dismiss(signals);
    }
}

/// Starts the recorder.
pub(super) fn start(args: &RunArgs, globals: &Globals) -> Result<Started, Stopped> {
    let sealed = installed::look() == Installed::Ready
        && !globals.is_store_chosen()
        && args.user.is_none()
        && args.mount_ns != MountNs::On;
    let program = if sealed { Some(SUPERVISOR.into()) } else { find() };
    let supervisor = Supervisor::start(program).map_err(|why| explain(&why, args))?;
    Ok(Started { supervisor, sealed })
}

/// Makes the run's directory and gets the recorder ready.
pub(super) fn begin(
    Started { mut supervisor, sealed }: Started,
    args: &RunArgs,
    globals: &Globals,
    (user, ruling): (Option<&User>, &Ruling),
    signals: &mut Signals,
) -> Result<Begun, Stopped> {
    let place = if sealed { sealed_run(args) } else { make_run(args, globals) };
    let begun = place
        .map_err(Stopped::from)
        .and_then(|place| ready(place, args, globals, (user, ruling), (&mut supervisor, signals)));
    match begun {
        Ok((run, leaf)) => {
            ruling.keep(&run);
            Ok(Begun { run, supervisor, leaf, sealed })
        }
        Err(stopped) => {
            supervisor.dismiss(signals);
            Err(stopped)
        }
    }
}

/// Where the record comes to be.
enum Place {
    /// In a directory of ours.
    Own(RunDir),
    /// In the recorder's store, under this id.
    Sealed(RunId),
}

/// Returns the run and its leaf. Without a leaf no run stays.
fn ready(
    place: Place,
    args: &RunArgs,
    globals: &Globals,
    (user, ruling): (Option<&User>, &Ruling),
    (supervisor, signals): (&mut Supervisor, &mut Signals),
) -> Result<(RunDir, OwnedFd), Stopped> {
    let secrets = globals.key_store().and_then(|store| Secrets::of(args, &store));
    let secrets = match secrets {
        Ok(secrets) => secrets,
        Err(failure) => {
            supervisor.dismiss(signals);
            if let Place::Own(run) = &place {
                run_never_was(run);
            }
            return Err(failure.into());
        }
    };
    let mut begin = |id: &RunId, segments: Option<OwnedFd>| {
        let settings = settings(args, id.as_str(), &secrets);
        let mut about = about(args, user, &secrets);
        about.other.extend(ruling.told());
        let about = about.encode();
        // One that has its own segments has its own keys. Else the record says why it is not signed.
        let keys = segments.as_ref().and_then(|_| globals.store().ok()?.open_keys().ok());
        let dirs = (segments.as_ref().map(AsFd::as_fd), keys.as_ref().map(AsFd::as_fd));
        let (leaf, trust) = supervisor
            .begin(&settings, dirs, &about, signals)
            .map_err(|why| stopped(&why, args))?;
        enough(trust, args)?;
        Ok::<_, Stopped>(leaf)
    };
    match place {
        Place::Own(run) => {
            let leaf = run
                .open_segments()
                .map_err(|why| Failure::because("cannot record", &why).into())
                .and_then(|segments| begin(run.id(), Some(segments)));
            if leaf.is_err() {
                supervisor.dismiss(signals);
                run_never_was(&run);
            }
            leaf.map(|leaf| (run, leaf))
        }
        Place::Sealed(id) => {
            let leaf = begin(&id, None)?;
            let run = globals.store().and_then(|store| {
                store.run(&id).map_err(|why| Failure::because("cannot read what is recorded", &why))
            });
            Ok((run?, leaf))
        }
    }
}

/// `--require-trust`.
fn enough(level: u32, args: &RunArgs) -> Result<(), Failure> {
    let has = match level {
        trust::SEALED => Trust::Sealed,
        trust::DIRECT => Trust::Direct,
        _ => Trust::Local,
    };
    let Some(wanted) = args.require_trust.filter(|wanted| has < *wanted) else { return Ok(()) };
    let wanted = format!("{wanted:?}").to_lowercase();
    let failure = Failure::new(format!(
        "cannot record as required: the trust would be {}, not {wanted}",
        trust::word(level)
    ));
    let command = text::command_line(args.command.iter().map(|word| word.as_bytes()));
    let hints = match installed::look() {
        Installed::NotForRoot => {
            vec!["sealed is for ordinary users: sudo audit setup, then as one of them".to_owned()]
        }
        other => other.ways_out(&command),
    };
    Err(hints.into_iter().fold(failure, Failure::hint))
}

fn program_and_name(args: &RunArgs) -> (&std::ffi::OsStr, Option<&std::ffi::OsStr>) {
    let program = args.command.first().map_or(std::ffi::OsStr::new(""), |word| word);
    (program, args.name.as_deref().map(std::ffi::OsStr::new))
}

fn sealed_run(args: &RunArgs) -> Result<Place, Failure> {
    let (program, name) = program_and_name(args);
    let seconds = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
    RunId::draw(seconds, name, program)
        .map(Place::Sealed)
        .map_err(|why| Failure::because("cannot record", &why))
}

fn make_run(args: &RunArgs, globals: &Globals) -> Result<Place, Failure> {
    let store = globals.store()?;
    let (program, name) = program_and_name(args);
    let seconds = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
    store.create_run(seconds, name, program).map(Place::Own).map_err(|why| {
        let failure = Failure::because("cannot record", &why);
        match installed::look() {
            it @ Installed::NoEffect(_) => it.ways_out("").into_iter().fold(failure, Failure::hint),
            _ => failure.hint("choose another place with --home DIR or AUDIT_HOME=DIR"),
        }
    })
}

/// Nothing was recorded: the directory would only look like a run. Only empty directories and the
/// few files of a beginning go; anything else stays.
fn run_never_was(run: &RunDir) {
    let segments = run.path().join("segments");
    for file in ["000001.seg", "reserve", "seal", "seal.sig"] {
        let _ = std::fs::remove_file(segments.join(file));
    }
    let _ = std::fs::remove_dir(segments);
    let rules = run.path().join("rules");
    for kept in std::fs::read_dir(&rules).into_iter().flatten().flatten() {
        let _ = std::fs::remove_file(kept.path());
    }
    let _ = std::fs::remove_dir(rules);
    let _ = std::fs::remove_dir(run.path());
    if run.derived_path() != run.path() {
        let _ = std::fs::remove_dir_all(run.derived_path().join("rules"));
        let _ = std::fs::remove_dir(run.derived_path());
    }
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
        trust: 0,
        failed_opens: match args.failed_opens {
            FailedOpens::Denied => failed_opens::DENIED,
            FailedOpens::All => failed_opens::ALL,
            FailedOpens::None => failed_opens::NONE,
        },
        // A day at most.
        heartbeat_ms: u32::try_from(args.heartbeat.as_millis()).unwrap_or(0),
        pad: 0,
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
    // Homes below /home and /root are known as such; this one may be elsewhere.
    let home = std::env::var("HOME").ok().filter(|_| user.is_none());
    if let Some(home) = home {
        about.other.insert("home".to_owned(), home.into());
    }
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
    let no_effect = matches!(installed::look(), Installed::NoEffect(_));
    if why.is_rights() && (!root || no_effect) {
        let command = text::command_line(args.command.iter().map(|word| word.as_bytes()));
        let uid = rustix::process::getuid().as_raw();
        let failure = failure.hint(format!("you are uid {uid}, recording needs rights"));
        let hints = installed::look().ways_out(&command);
        return hints.into_iter().fold(failure, Failure::hint).hint("details: audit doctor");
    }
    if why.is_rights() {
        return failure
            .hint("this root lacks rights (a container?): CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN")
            .hint("details: audit doctor");
    }
    failure.hint("details: audit doctor")
}
