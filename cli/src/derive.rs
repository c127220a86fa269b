//! From segments to events: while a run goes on, and again by any command that finds them missing.
//!
//! The pipeline thinks, storage writes; here they are put together. A live run is only read.

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use event::model::Event;
use rules::RuleSet;
use storage::{
    DeriveLock, Error, Events, Freshness, How, Lens, Meta, Problem, RunDir, Summary, Tail, Writer,
};

use crate::{
    event_log::EventLog,
    failure::Failure,
    pipeline::{self, DERIVATION, Pipeline},
    ruling,
};

/// How long to wait for another process that derives the same run.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a step of a [`Deriver`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Frames; there may be more.
    New,
    /// Nothing new so far.
    Idle,
    /// The seal, or damage: nothing more will come.
    Ended,
}

/// Derives a run's events, step by step.
pub(crate) struct Deriver<'r> {
    run: &'r RunDir,
    tail: Tail,
    sink: Sink<'r>,
    pipeline: Pipeline,
}

/// Where events go: a line and a row each.
struct Sink<'r> {
    lines: event::json::Lines,
    writer: Writer<'r>,
    line: Vec<u8>,
    log: Option<EventLog>,
    failed: Option<Error>,
}

impl Sink<'_> {
    fn take(&mut self, event: &Event) {
        let Sink { lines, writer, line, log, failed } = self;
        if failed.is_none() {
            line.clear();
            lines.line(event, line);
            *failed = pipeline::row(event, line, |row| writer.push(row)).err();
            if let Some(log) = log {
                log.push(line.strip_suffix(b"\n").unwrap_or(line));
            }
        }
    }
}

impl<'r> Deriver<'r> {
    /// Begins to derive a run that is being recorded, with a copy of its events in `log`.
    ///
    /// # Errors
    /// When the run's directory cannot be written to, or another process derives it.
    pub(crate) fn live(
        run: &'r RunDir,
        rules: Arc<RuleSet>,
        log: Option<EventLog>,
    ) -> Result<Self, Failure> {
        let lock = DeriveLock::take(run).map_err(|error| Failure::of(&error))?;
        let lock = lock
            .ok_or_else(|| Failure::new("cannot derive events: another process does so already"))?;
        let mut deriver = Deriver::new(run, lock, How::Live, rules)?;
        deriver.sink.log = log;
        Ok(deriver)
    }

    fn new(
        run: &'r RunDir,
        lock: DeriveLock,
        how: How<'_>,
        rules: Arc<RuleSet>,
    ) -> Result<Self, Failure> {
        let tail = Tail::open(run).map_err(|error| Failure::of(&error))?;
        let writer = Writer::begin(run, lock, how).map_err(|error| Failure::of(&error))?;
        let writer = writer.with_secrets(pipeline::is_secret);
        let id = run.id().to_string();
        let around = ruling::around(&run.listed().about);
        let pipeline = Pipeline::new(&id).judged_by(rules::Judge::new(rules, around));
        let lines = event::json::Lines::new(&id);
        let sink = Sink { lines, writer, line: Vec::new(), log: None, failed: None };
        Ok(Deriver { run, tail, sink, pipeline })
    }

    /// Takes some of what has been recorded since the last step.
    ///
    /// # Errors
    /// When the events cannot be written; nothing is lost but the derived files.
    pub(crate) fn step(&mut self) -> Result<Progress, Failure> {
        let more = self.read()?;
        if more {
            return Ok(Progress::New);
        }
        self.sink.writer.flush().map_err(|error| Failure::of(&error))?;
        if let Some(log) = &mut self.sink.log {
            log.flush();
        }
        let ended =
            self.tail.is_sealed() || self.tail.damage().iter().any(|d| d.what.ends_reading());
        Ok(if ended { Progress::Ended } else { Progress::Idle })
    }

    fn read(&mut self) -> Result<bool, Failure> {
        let Deriver { tail, sink, pipeline, .. } = self;
        let read = tail.read(|frame| {
            pipeline.feed(frame, &mut |event| sink.take(event));
            sink.failed.take().map_or(Ok(()), Err)
        });
        read.map_err(|error| Failure::of(&error))
    }

    /// Takes all that is left, puts the files in place and writes `meta.json`.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub(crate) fn finish(mut self) -> Result<Meta, Failure> {
        while self.read()? {}
        let Deriver { run, tail, mut sink, mut pipeline } = self;
        let consumed = tail.finish().map_err(|error| Failure::of(&error))?;
        pipeline.finish(!consumed.damage.is_empty(), &mut |event| sink.take(event));
        if let Some(log) = sink.log.take() {
            log.end(run.id().suffix());
        }
        if let Some(error) = sink.failed {
            return Err(Failure::of(&error));
        }
        let meta = page(run, &pipeline, &consumed);
        sink.writer.finish(meta, &consumed, DERIVATION).map_err(|error| Failure::of(&error))
    }

    /// Returns what became of files that were there before, as sentences.
    fn kept(&self) -> &[String] {
        self.sink.writer.kept()
    }
}

/// The run on one page, once everything was fed to `pipeline`.
pub(crate) fn page(run: &RunDir, pipeline: &Pipeline, consumed: &storage::Consumed) -> Meta {
    let mut meta = Meta { about: run.listed().about, ..Meta::default() };
    pipeline.describe(&mut meta);
    name_damage(&mut meta, consumed);
    meta
}

/// A record with damage is not complete, whatever its seal says: a broken chain shows only here.
fn name_damage(meta: &mut Meta, consumed: &storage::Consumed) {
    meta.reasons.extend(consumed.damage.iter().map(ToString::to_string));
    if !consumed.damage.is_empty() && meta.verdict.starts_with("complete") {
        meta.verdict = "partial".to_owned();
    }
}

/// A run, ready to be read.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its directory.
    pub(crate) run: RunDir,
    /// The run on one page; of a live run, as far as that is known.
    pub(crate) meta: Meta,
    /// It is still recorded.
    pub(crate) live: bool,
    /// What is wrong with the index was said.
    told: Cell<bool>,
}

impl Opened {
    pub(crate) fn new(run: RunDir, meta: Meta, live: bool) -> Self {
        Opened { run, meta, live, told: Cell::new(false) }
    }

    /// Counts everything once over.
    pub(crate) fn summary(&self, top: usize) -> Result<Summary, Failure> {
        let lens = Lens { project: self.meta.about.cwd(), is_secret: pipeline::is_secret };
        match self.events()? {
            Some(events) => events.summary(top, &lens).map_err(|error| Failure::of(&error)),
            None => Ok(Summary::default()),
        }
    }

    /// Opens the events; `None` while a live run has none.
    pub(crate) fn events(&self) -> Result<Option<Events<'_>>, Failure> {
        let meta = (!self.live).then_some(&self.meta);
        match Events::open(&self.run, meta) {
            Ok(events) => {
                if let Some(why) = events.why_scan()
                    && !self.told.replace(true)
                {
                    note(&self.run, &format!("index.sqlite is not used: {why}"));
                }
                Ok(Some(events))
            }
            Err(Error::File { source, .. })
                if self.live && source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(Failure::of(&error)),
        }
    }
}

/// Makes sure that the events of `run` are there and belong to its segments; derives them if not, and
/// says on standard error what was found and done.
pub(crate) fn ensure_derived(run: RunDir) -> Result<Opened, Failure> {
    let begin = Instant::now();
    loop {
        let problems = match freshness(&run)? {
            Freshness::Live => return Ok(live(run)),
            Freshness::Fresh(meta) => return Ok(Opened::new(run, *meta, false)),
            Freshness::Missing => Vec::new(),
            Freshness::Stale(problems) => problems,
        };
        let taken = DeriveLock::take(&run).map_err(|error| read_only(&error))?;
        match taken {
            Some(lock) => return again(run, lock, problems),
            None if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            None => {
                return Err(Failure::new("cannot read the run: its events are being derived")
                    .hint("wait for the other `audit` to be done, and try again"));
            }
        }
    }
}

fn freshness(run: &RunDir) -> Result<Freshness, Failure> {
    run.freshness(DERIVATION).map_err(|error| Failure::of(&error))
}

fn read_only(error: &Error) -> Failure {
    Failure::of(error).hint(
        "events must be derived first: copy the run to where you can write, and name its path",
    )
}

fn again(run: RunDir, lock: DeriveLock, mut problems: Vec<Problem>) -> Result<Opened, Failure> {
    // With the lock held: somebody may just have been done.
    match freshness(&run)? {
        Freshness::Fresh(meta) => return Ok(Opened::new(run, *meta, false)),
        Freshness::Live => return Ok(live(run)),
        Freshness::Missing => {}
        Freshness::Stale(now) => problems = now,
    }
    for problem in &problems {
        note(&run, &problem.to_string());
    }
    let (rules, missing) = ruling::of_run(&run);
    for what in &missing {
        note(&run, what);
    }
    let deriver = Deriver::new(&run, lock, How::Again(&problems), rules)?;
    for kept in deriver.kept() {
        note(&run, kept);
    }
    let meta = deriver.finish()?;
    if !problems.is_empty() {
        note(&run, "events were derived again from the segments");
    }
    for damage in &meta.derived_from.damage {
        note(&run, damage);
    }
    Ok(Opened::new(run, meta, false))
}

/// What can be said of a live run without writing.
fn live(run: RunDir) -> Opened {
    let listed = run.listed();
    let started = listed.started_ns.map(crate::text::rfc3339).unwrap_or_default();
    let meta = Meta {
        id: run.id().to_string(),
        about: listed.about,
        started,
        verdict: "running".to_owned(),
        ..Meta::default()
    };
    Opened::new(run, meta, true)
}

/// Says something about a run on standard error.
fn note(run: &RunDir, what: &str) {
    use std::io::Write;
    let text = crate::text::Safe::new(what).plain().to_string();
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(anstream::stderr(), "audit: {}: {text}", run.id().suffix());
}
