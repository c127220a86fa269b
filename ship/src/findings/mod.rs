//! Findings while they happen, to a subject of NATS JetStream: each as its JSON line, with `RUN:SEQ` as its
//! id, so that the stream keeps it once however often it is sent.
//!
//! What waits is in the runs themselves: what is kept here is how far each run is.

mod follow;
mod nats;
mod progress;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::{
    backoff::Backoff,
    marks::Marks,
    runs::{self, Seen},
    say,
    settings::{Act, Settings},
    target::Refused,
};
use follow::{Follower, Got};
use nats::{Address, Client};
use progress::{Book, Progress};

/// Runs that are followed while they are recorded; more wait for their seal. Each is a process.
const MOST_LIVE: usize = 64;
/// Lines that wait here, of all runs; more wait in pipes, then in the runs.
const WAITING: usize = 64;
/// Progress is written at least so often while findings come; what a kill takes of it is sent again.
const UNWRITTEN: u64 = 32;
/// How long a server that refuses us for good is left alone, when watching.
const ALONE: Duration = Duration::from_secs(60);

/// What is read of a line.
#[derive(Deserialize)]
struct Head {
    r#type: String,
    seq: u64,
}

/// What a target has.
pub(crate) struct Counts {
    /// Findings that it took.
    pub(crate) sent: u64,
    /// Findings that it will never take.
    pub(crate) refused: u64,
    /// Runs of which there is or may come more.
    pub(crate) waiting: u64,
}

/// Counts what the target `word` has, by what is written down.
pub(crate) fn counts(settings: &Settings, word: &str) -> Result<Counts, String> {
    Address::parse(word, settings.insecure_http)?;
    let book = Book::of(&settings.state, word);
    let mut counts = Counts { sent: 0, refused: 0, waiting: 0 };
    for run in runs::seen(&settings.home, |_| true)? {
        let progress = book.read(&run.id);
        counts.sent += progress.sent;
        counts.refused += progress.refused;
        counts.waiting += u64::from(!progress.over);
    }
    Ok(counts)
}

/// A run that is followed.
struct Open {
    follower: Follower,
    progress: Progress,
    /// Progress that is not written yet, in findings.
    unwritten: u64,
    sealed: bool,
}

/// One target.
pub(crate) struct Feed<'s> {
    settings: &'s Settings,
    word: &'s str,
    client: Client,
    backoff: Backoff,
    book: Book,
    open: BTreeMap<String, Open>,
    /// Bytes of runs without a seal that were read to their end: read again when they have grown.
    read: BTreeMap<String, u64>,
    /// Runs that need no more look in this life.
    over: BTreeSet<String>,
    give: SyncSender<Got>,
    take: Receiver<Got>,
    /// Something is left that was told.
    left: bool,
    given_up: bool,
}

impl<'s> Feed<'s> {
    pub(crate) fn new(settings: &'s Settings, word: &'s str) -> Result<Feed<'s>, String> {
        let address = Address::parse(word, settings.insecure_http)?;
        Marks::of(&settings.state, word)
            .make(word)
            .map_err(|why| format!("cannot use {}: {why}", settings.state.display()))?;
        let (give, take) = sync_channel(WAITING);
        Ok(Feed {
            settings,
            word,
            client: Client::new(address),
            backoff: Backoff::new(settings.pause()),
            book: Book::of(&settings.state, word),
            open: BTreeMap::new(),
            read: BTreeMap::new(),
            over: BTreeSet::new(),
            give,
            take,
            left: false,
            given_up: false,
        })
    }

    /// Sends until all is sent or given up; for ever when watching. Returns whether something is left.
    pub(crate) fn go(mut self) -> bool {
        let watch = self.settings.act == Act::Watch;
        while !self.given_up {
            if let Err(why) = self.look() {
                say::error(&why);
                self.left = true;
            }
            if self.open.is_empty() && !watch {
                break;
            }
            self.serve(Instant::now() + self.settings.interval());
        }
        self.left
    }

    /// Follows what is new: all that is live, and one run after the other of those that are sealed.
    fn look(&mut self) -> Result<(), String> {
        let watch = self.settings.act == Act::Watch;
        let new = |id: &str| !self.over.contains(id) && !self.open.contains_key(id);
        for run in runs::seen(&self.settings.home, new)? {
            let live = watch && !run.sealed;
            let most = if live { MOST_LIVE } else { 1 };
            let alike = |open: &&Open| (watch && !open.sealed) == live;
            let has_room = self.open.values().filter(alike).count() < most;
            let has_grown = run.sealed || self.read.get(&run.id) != Some(&run.bytes);
            if has_room && has_grown {
                self.follow(&run, live);
            }
        }
        Ok(())
    }

    fn follow(&mut self, run: &Seen, live: bool) {
        let progress = self.book.read(&run.id);
        if progress.over {
            self.over.insert(run.id.clone());
            return;
        }
        self.read.insert(run.id.clone(), run.bytes);
        let audit = &self.settings.audit;
        match Follower::start(audit, &run.id, &run.path, live, self.give.clone()) {
            Ok(follower) => {
                let open = Open { follower, progress, unwritten: 0, sealed: run.sealed };
                self.open.insert(run.id.clone(), open);
            }
            Err(why) => {
                say::error(&format!("cannot start {}: {why}", audit.display()));
                self.left = true;
            }
        }
    }

    /// Takes what comes until then, or until there is room for the next run.
    fn serve(&mut self, until: Instant) {
        while !self.given_up {
            let left = until.saturating_duration_since(Instant::now());
            match self.take.recv_timeout(left) {
                Ok(Got::Line(id, line)) => self.line(&id, &line),
                Ok(Got::End(id, end)) => return self.ended(&id, end),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let ids: Vec<String> = self.open.keys().cloned().collect();
                    return ids.iter().for_each(|id| self.write(id, 1));
                }
            }
        }
    }

    fn line(&mut self, id: &str, line: &[u8]) {
        let Some(before) = self.open.get(id).map(|open| open.progress.seq) else { return };
        // Notices about the stream itself are no events.
        let Ok(head) = serde_json::from_slice::<Head>(line) else { return };
        if head.r#type != "finding" || head.seq <= before {
            return;
        }
        let taken = self.deliver(&format!("{id}:{}", head.seq), line);
        let Some((open, taken)) = self.open.get_mut(id).zip(taken) else { return };
        open.progress.seq = head.seq;
        open.progress.sent += u64::from(taken);
        open.progress.refused += u64::from(!taken);
        open.unwritten += 1;
        self.write(id, UNWRITTEN);
    }

    /// Sends until the stream has it, whatever happens; with an end where we are to end. Returns whether it was
    /// taken; nothing where it was given up.
    fn deliver(&mut self, id: &str, line: &[u8]) -> Option<bool> {
        let watch = self.settings.act == Act::Watch;
        let what = format!("finding {id} to {}", self.word);
        loop {
            let (why, pause, last) = match self.client.publish(id, line) {
                Ok(again) => {
                    self.backoff.works();
                    let note = if again { " (was there)" } else { "" };
                    say::note(self.settings.quiet, &format!("sent {what}{note}"));
                    return Some(true);
                }
                Err(Refused::Conflict(why)) => {
                    say::error(&format!("cannot send {what}: {why}"));
                    self.left = true;
                    return Some(false);
                }
                Err(Refused::Later(why, after)) => {
                    let pause = self.backoff.failed(after);
                    (why, pause, self.backoff.failures() >= self.settings.tries)
                }
                Err(Refused::Never(why)) => (why, self.backoff.failed(Some(ALONE)), true),
            };
            if last && !watch {
                say::error(&format!("cannot send {what}: {why}"));
                (self.left, self.given_up) = (true, true);
                return None;
            }
            let seconds = pause.as_secs_f64();
            say::note(
                self.settings.quiet,
                &format!("cannot send {what} yet: {why}; again in {seconds:.1} s"),
            );
            thread::sleep(pause);
        }
    }

    fn ended(&mut self, id: &str, end: Result<(), String>) {
        self.write(id, 1);
        let Some(Open { follower, mut progress, sealed, .. }) = self.open.remove(id) else {
            return;
        };
        if !follower.ended() {
            let why = end.err().unwrap_or_else(|| "its reader was ended".to_owned());
            say::error(&format!("cannot read the findings of {id}: {why}"));
            // Not again in this life, but for what it grows.
            self.left = true;
            if sealed {
                self.over.insert(id.to_owned());
            }
            return;
        }
        // A run that had no seal when it was opened is read once more when it has: it may have ended before
        // it began to be followed.
        if sealed {
            progress.over = true;
            self.over.insert(id.to_owned());
            self.keep(id, &progress);
        } else if self.settings.act == Act::Once {
            self.over.insert(id.to_owned());
        }
    }

    /// Writes down how far a run is, if so many findings are not.
    fn write(&mut self, id: &str, least: u64) {
        let Some(open) = self.open.get_mut(id).filter(|open| open.unwritten >= least) else {
            return;
        };
        open.unwritten = 0;
        let progress = open.progress.clone();
        self.keep(id, &progress);
    }

    fn keep(&mut self, id: &str, progress: &Progress) {
        if let Err(why) = self.book.write(id, progress) {
            // The worst that comes of it is that findings are sent again.
            say::error(&format!("cannot write how far {id} is: {why}"));
            self.left = true;
        }
    }
}
