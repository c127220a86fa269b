//! The events of a run that is being recorded, as they come, findings among them.
//!
//! They are read from the segments, which grow whether or not anybody derives events from them.

use std::io;

use rules::Judge;
use storage::{Row, RunDir, Tail};

use crate::{
    failure::Failure,
    pipeline::{self, Pipeline},
    ruling,
};

/// Takes an event.
pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> io::Result<()> + 't;

/// A record that is followed.
pub(crate) struct Growing<'r> {
    run: &'r RunDir,
    tail: Tail,
    pipeline: Pipeline,
    line: Vec<u8>,
}

impl<'r> Growing<'r> {
    /// Begins with the first event. The run is judged by the rules that it is recorded with.
    ///
    /// # Errors
    /// When the segments cannot be read.
    pub(crate) fn open(run: &'r RunDir) -> Result<Self, Failure> {
        let tail = Tail::open(run).map_err(|error| Failure::of(&error))?;
        let (rules, _) = ruling::of_run(run);
        let around = ruling::around(&run.listed().about);
        let pipeline = Pipeline::new(run.id().as_str()).judged_by(Judge::new(rules, around));
        Ok(Growing { run, tail, pipeline, line: Vec::new() })
    }

    /// Takes what is new; returns whether there was something, events or not.
    ///
    /// # Errors
    /// What `take` says.
    pub(crate) fn step(&mut self, take: &mut Take<'_>) -> Result<bool, Failure> {
        let Growing { run, tail, pipeline, line } = self;
        let id = run.id().as_str();
        tail.read(|frame| {
            let mut failed = None;
            pipeline.feed(frame, &mut |event| {
                if failed.is_none() {
                    failed = given(id, event, line, take).err();
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
        let Growing { run, tail, mut pipeline, mut line } = self;
        let mut failed = None;
        pipeline.finish(!tail.damage().is_empty(), &mut |event| {
            if failed.is_none() {
                failed = given(run.id().as_str(), event, &mut line, take).err();
            }
        });
        failed.map_or(Ok(tail.is_sealed()), |error| Err(error.into()))
    }
}

fn given(
    id: &str,
    event: &event::model::Event,
    line: &mut Vec<u8>,
    take: &mut Take<'_>,
) -> io::Result<()> {
    line.clear();
    event::json::line(id, event, line);
    pipeline::row(event, line, |row| take(row))
}
