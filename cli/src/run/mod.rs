//! The front of a run: starts the recorder and the command, and exits as the command did.
//!
//! The front has no power: it makes the run's directory, forks the command into the leaf that the
//! recorder made, attends to it, derives what readers need, and says how it went.

mod anchor;
mod attend;
mod begin;
mod command;
mod deriving;
mod launch;
mod limits;
mod notify;
mod secrets;
mod signals;
mod since;
mod summary;
mod supervisor;
mod sys;
mod tidy;
mod turn;
mod user;
mod waiting;

use std::{
    io::{IsTerminal, Write},
    os::fd::AsFd,
    process::ExitCode,
};

use event::model::Severity;

use crate::{
    args::{DiffLast, Globals, OnError, RunArgs, SummaryWhen},
    event_log::EventLog,
    exit,
    failure::Failure,
    ruling,
};

pub(crate) use supervisor::{find as find_supervisor, remove as remove_sealed};

/// Why a run did not come about.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Recording cannot start; the command has not run.
    NotRecorded(Failure),
    /// The command cannot be executed; the status says why.
    NotExecuted(Failure, u8),
    /// A run of the same name goes on; the status says so.
    Busy {
        /// Which.
        failure: Failure,
        /// What `--lock` asks for.
        status: u8,
    },
    /// A signal ended us before the command was started.
    Signal(i32),
    /// The command runs, or ran, and how it ends is not known. It must not be started again.
    Lost(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Stopped::NotRecorded(failure)
    }
}

/// Records `args.command`; returns the exit status for `audit`, or dies by the command's signal.
pub(crate) fn run(args: &RunArgs, globals: &Globals) -> ExitCode {
    // Signals first: one that comes from here on is passed on, not lost.
    let mut signals = match signals::Signals::watch() {
        Ok(signals) => signals,
        Err(why) => return refused(&Failure::because("cannot watch signals", &why)),
    };
    let ended = match record(args, globals, &mut signals) {
        Err(Stopped::NotRecorded(failure)) if args.on_error == OnError::Run => {
            unrecorded(args, &mut signals, &failure)
        }
        other => other,
    };
    match ended {
        Ok(attend::End::Exited(code)) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(0)),
        Ok(attend::End::Killed(signal)) | Err(Stopped::Signal(signal)) => sys::die_by(signal),
        Err(Stopped::NotRecorded(failure)) => refused(&failure),
        Err(Stopped::NotExecuted(failure, code)) => {
            failure.print();
            ExitCode::from(code)
        }
        Err(Stopped::Busy { failure, status }) => {
            // cron mails what is printed, and to have been skipped is nothing wrong.
            if status != exit::YES || summary::is_watched(args.summary_when(globals)) {
                failure.print();
            }
            ExitCode::from(status)
        }
        Err(Stopped::Lost(failure)) => {
            failure.print();
            ExitCode::from(exit::TROUBLE)
        }
    }
}

fn refused(failure: &Failure) -> ExitCode {
    failure.print();
    ExitCode::from(exit::NOT_RECORDED)
}

fn record(
    args: &RunArgs,
    globals: &Globals,
    signals: &mut signals::Signals,
) -> Result<attend::End, Stopped> {
    let _turn = turn::take(args, globals)?;
    let last = since::Last::find(args, globals);
    tidy::before(args, globals);
    let user = launch::user(args)?;
    // It gets ready while the rules are read.
    let mut started = begin::start(args, globals)?;
    let ruled = ruling::load(&args.rules)
        .and_then(|ruling| Ok((ruling, anchor::Anchors::open(&args.anchors)?, log(args)?)));
    let (ruling, anchors, log) = match ruled {
        Ok(ruled) => ruled,
        Err(failure) => {
            started.dismiss(signals);
            return Err(failure.into());
        }
    };
    ruling.warn();
    let mut begun = begin::begin(started, args, globals, (user.as_ref(), &ruling), signals)?;
    if let Err(failure) = anchors.start(&begun.run) {
        begun.never_was(signals);
        return Err(failure.into());
    }
    let notify = notify::Proxy::start();
    let recorded = launch::Recorded {
        id: begun.run.id().as_str(),
        notify: notify.as_ref().map(notify::Proxy::name),
    };
    let prepared = launch::prepare(args, user, Some(&recorded), signals.mask());
    let launch = match prepared {
        Ok(launch) => launch,
        Err(stopped) => {
            begun.never_was(signals);
            return Err(stopped);
        }
    };
    let child = launch::launch(&launch, args, &mut begun, signals)?;
    // From here on the command runs, and what we do to ourselves is not inherited by it.
    limits::raise();
    // The one thread is started after the one fork.
    let deriving = deriving::start(&begun.run, ruling.set.clone(), log);
    let leaf = begun.leaf_name();
    // Alone, the command would give its caller the prompt back now.
    let at_once = !args.needs_all() && (args.no_wait || std::io::stderr().is_terminal());
    let left = at_once.then(|| begun.leaf.as_fd());
    let mut attendant = attend::Attendant {
        child,
        leaf: &leaf,
        signals,
        supervisor: &mut begun.supervisor,
        recorder: attend::Recorder::Working,
        notify,
    };
    let end = attendant.until_end().map_err(|why| {
        Stopped::Lost(
            Failure::because("cannot wait for the command, which was started", &why)
                .hint(format!("audit view {}", begun.run.id().suffix())),
        )
    })?;
    // How the command ended is known: nothing that comes now changes the status.
    let _ = attendant.until_sealed(left);
    let recorder = attendant.recorder;
    let derived = deriving.finish(recorder, signals);
    if recorder != attend::Recorder::Working {
        begun.remove_leaf();
        anchors.end(&begun.run);
    }
    summary::print(&begun.run, end, recorder, &derived, args.summary_when(globals));
    let quiet = args.summary_when(globals) == SummaryWhen::Never;
    let news = last.map_or(since::News::None, |last| last.compare(&begun.run, &derived, quiet));
    tidy::after(args, globals, &begun.run);
    Ok(judged(args, end, summary::is_complete(recorder, &derived), summary::worst(&derived), news))
}

fn log(args: &RunArgs) -> Result<Option<EventLog>, Failure> {
    args.log.as_deref().map(EventLog::open).transpose()
}

/// How we end: as the command did, unless a flag says that what was seen is a failure.
fn judged(
    args: &RunArgs,
    end: attend::End,
    complete: bool,
    worst: Option<Severity>,
    news: since::News,
) -> attend::End {
    if args.strict && !complete {
        return attend::End::Exited(exit::NOT_COMPLETE.into());
    }
    let found = args.fail_on.is_some_and(|least| worst >= Some(least.into()));
    let gate = args.diff_last == Some(DiffLast::FailOnNew);
    let new = gate && news == since::News::Some;
    let unknown = gate && args.strict && news == since::News::Unknown;
    match end {
        attend::End::Exited(0) if found || new => attend::End::Exited(args.fail_code.into()),
        attend::End::Exited(0) if unknown => attend::End::Exited(exit::NOT_COMPARED.into()),
        end => end,
    }
}

/// `--on-error run`: the command must run whatever becomes of the record.
fn unrecorded(
    args: &RunArgs,
    signals: &mut signals::Signals,
    why: &Failure,
) -> Result<attend::End, Stopped> {
    let said = why.to_string();
    let said = said.strip_prefix("audit: ").unwrap_or(&said);
    // A failure escapes itself, line by line. That nobody may hear it must not stop the command.
    let _ = write!(anstream::stderr(), "audit: running unrecorded: {said}");
    let launch = launch::prepare(args, launch::user(args)?, None, signals.mask())?;
    // We are the command now, and what was held for it is delivered when the mask is restored.
    signals.hand_over(rustix::process::getpid());
    let (stage, error) = sys::exec_unrecorded(&launch);
    Err(launch::failure(args, stage, &error))
}
