//! The events of a run that is being recorded, as they come, findings among them.
//!
//! They are read from the segments, which grow whether or not anybody derives events from them.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use event::json::Lines;
use rules::{Judge, RuleSet};
use storage::{About, Row, RunDir, State, Tail};

use crate::{
    failure::Failure,
    pipeline::{self, Pipeline},
    ruling,
};

/// How long the copies of a run's rules may take, and how often is looked for them.
const PATIENCE: Duration = Duration::from_secs(10);
const PACE: Duration = Duration::from_millis(20);

/// Takes an event.
pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> io::Result<()> + 't;

/// A record that is followed.
pub(crate) struct Growing<'r> {
    run: &'r RunDir,
    tail: Tail,
    pipeline: Pipeline,
    lines: Lines,
    line: Vec<u8>,
}

impl<'r> Growing<'r> {
    /// Begins with the first event. The run is judged by the rules that it is recorded with.
    ///
    /// # Errors
    /// When the segments cannot be read.
    pub(crate) fn open(run: &'r RunDir) -> Result<Self, Failure> {
        let tail = Tail::open(run).map_err(|error| Failure::of(&error))?;
        let rules = rules_of(run);
        let around = ruling::around(&run.listed().about);
        let pipeline = Pipeline::new(run.id().as_str()).judged_by(Judge::new(rules, around));
        let lines = Lines::new(run.id().as_str());
        Ok(Growing { run, tail, pipeline, lines, line: Vec::new() })
    }

    /// Takes what is new; returns whether there was something, events or not.
    ///
    /// # Errors
    /// What `take` says.
    pub(crate) fn step(&mut self, take: &mut Take<'_>) -> Result<bool, Failure> {
        let Growing { tail, pipeline, lines, line, .. } = self;
        tail.read(|frame| {
            let mut failed = None;
            pipeline.feed(frame, &mut |event| {
                if failed.is_none() {
                    failed = given(lines, event, line, take).err();
                }
            });
            failed.map_or(Ok(()), Err)
        })
        .map_err(Failure::from)
    }

    /// Returns whether nothing more will come, but for what [`Growing::step`] finds now.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub(crate) fn is_over(&self) -> Result<bool, Failure> {
        let locked = self.run.is_locked().map_err(|error| Failure::of(&error))?;
        Ok(self.tail.is_sealed() || !locked)
    }

    /// Takes the last events; returns whether the record has its end.
    ///
    /// # Errors
    /// What `take` says.
    pub(crate) fn finish(mut self, take: &mut Take<'_>) -> Result<bool, Failure> {
        // The seal is written before the lock goes: look once more.
        while self.step(take)? {}
        let Growing { tail, mut pipeline, mut lines, mut line, .. } = self;
        let mut failed = None;
        pipeline.finish(!tail.damage().is_empty(), &mut |event| {
            if failed.is_none() {
                failed = given(&mut lines, event, &mut line, take).err();
            }
        });
        failed.map_or(Ok(tail.is_sealed()), |error| Err(error.into()))
    }
}

/// The rules of a run, which may be so young that it does not have them yet: judged by others, its findings and
/// the numbers of its events would be none of the record.
fn rules_of(run: &RunDir) -> Arc<RuleSet> {
    let end = Instant::now() + PATIENCE;
    loop {
        let listed = run.listed();
        let named = listed.about != About::default();
        let (rules, missing) = ruling::of_run(run);
        // A copy that is not there comes a moment after its name, or never.
        let whole = named && (missing.is_empty() || Instant::now() > end);
        if whole || listed.state != State::Running {
            return rules;
        }
        std::thread::sleep(PACE);
    }
}

fn given(
    lines: &mut Lines,
    event: &event::model::Event,
    line: &mut Vec<u8>,
    take: &mut Take<'_>,
) -> io::Result<()> {
    line.clear();
    lines.line(event, line);
    pipeline::row(event, line, |row| take(row))
}
