//! Derives events and index while the run goes on, in a thread of the front.
//!
//! Nothing depends on it: what it does not do, any later command does.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    thread::JoinHandle,
};

use rustix::pipe::{PipeFlags, pipe_with};
use storage::{Meta, RunDir, Summary};

use super::{attend::Recorder, signals::Signals, waiting::Waiting};
use crate::{
    derive::{Deriver, Opened, Progress},
    event_log::EventLog,
    failure::Failure,
    pages::Findings,
};

/// Entries of the summary's lists; only their numbers are told.
const SUMMARY_TOP: usize = 5;

/// The thread at work.
#[derive(Debug)]
pub(super) struct Deriving {
    /// The recorder is done or gone when this is closed.
    over: Option<OwnedFd>,
    thread: Option<JoinHandle<Result<Both, Failure>>>,
    /// Hangs up when the thread ends.
    ended: Option<OwnedFd>,
}

type Both = (Box<Meta>, Box<Summary>, Findings);

/// What came of it.
#[derive(Debug)]
pub(super) enum Derived {
    /// Everything is in place.
    Done(Box<Meta>, Box<Summary>, Findings),
    /// Not now: the recorder goes on without us, or a signal ended the waiting.
    Later,
    /// It could not be done now; the segments are what they are.
    Failed(Failure),
}

/// Starts the thread, which copies each event into `log`.
pub(super) fn start(run: &RunDir, rules: Arc<rules::RuleSet>, log: Option<EventLog>) -> Deriving {
    let (told, over) = pipe_with(PipeFlags::CLOEXEC).ok().unzip();
    let again = run.again();
    let (ended, ends) = pipe_with(PipeFlags::CLOEXEC).ok().unzip();
    let work = move || {
        let _ends = ends;
        let run = again.map_err(|why| Failure::because("cannot derive events", &why))?;
        let told = told.ok_or_else(|| Failure::new("cannot derive events: no pipe"))?;
        let waiting = Waiting::new(told, run.segments());
        let meta = derive(Deriver::live(&run, rules, log)?, waiting)?;
        let (summary, findings) = summary(run, &meta)?;
        Ok((Box::new(meta), Box::new(summary), findings))
    };
    let thread = std::thread::Builder::new().name("derive".to_owned()).spawn(work).ok();
    Deriving { over, thread, ended }
}

impl Deriving {
    /// Waits until everything is derived that the recorder wrote, or a signal ends the waiting.
    pub(super) fn finish(self, recorder: Recorder, signals: &mut Signals) -> Derived {
        if recorder == Recorder::Working {
            return Derived::Later;
        }
        drop(self.over);
        let Some(thread) = self.thread else {
            return Derived::Failed(Failure::new("cannot start the thread that derives events"));
        };
        if self.ended.is_some_and(|ended| signals.wait_for(ended.as_fd()).is_err()) {
            return Derived::Later;
        }
        match thread.join() {
            Ok(Ok((meta, summary, findings))) => Derived::Done(meta, summary, findings),
            Ok(Err(failure)) => Derived::Failed(failure),
            Err(_) => {
                Derived::Failed(Failure::new("cannot derive events: a bug, see the segments"))
            }
        }
    }
}

fn derive(mut deriver: Deriver<'_>, mut waiting: Waiting<'_>) -> Result<Meta, Failure> {
    loop {
        match deriver.step()? {
            Progress::New => waiting.news(),
            Progress::Ended => return deriver.finish(),
            // Takes the rest.
            Progress::Idle if waiting.rest() => return deriver.finish(),
            Progress::Idle => {}
        }
    }
}

fn summary(run: RunDir, meta: &Meta) -> Result<(Summary, Findings), Failure> {
    let opened = Opened::new(run, meta.clone(), false);
    Ok((opened.summary(SUMMARY_TOP)?, Findings::of(&opened)?))
}
