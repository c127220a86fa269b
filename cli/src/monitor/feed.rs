//! Where the monitor's events come from: a record that grows, or one that is over.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use storage::Query;

use super::state::State;
use crate::{
    derive::Opened,
    failure::Failure,
    pages::{Growing, Line},
};

/// Stored events that are taken between two looks at the clock.
const PART: usize = 2_000;

/// What is left to be read.
pub(super) enum Feed<'r> {
    /// It grows.
    Live(Box<Growing<'r>>),
    /// It is read from where it was left.
    Stored {
        /// The run.
        opened: &'r Opened,
        /// The last event that was taken.
        after: u64,
    },
    /// Nothing.
    Over,
}

impl<'r> Feed<'r> {
    /// Begins with the first event of a run.
    pub(super) fn open(opened: &'r Opened) -> Result<Self, Failure> {
        Ok(match opened.live {
            true => Feed::Live(Box::new(Growing::open(&opened.run)?)),
            false => Feed::Stored { opened, after: 0 },
        })
    }

    /// Whether more may come.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Feed::Live(_))
    }

    /// Gives what is there to `state`, for so long at most; returns whether all that is there was taken.
    pub(super) fn step(&mut self, state: &mut State, time: Duration) -> Result<bool, Failure> {
        let begin = Instant::now();
        while begin.elapsed() < time {
            let more = match self {
                Feed::Live(growing) => growing.step(&mut |row| {
                    state.take(row.ts_ns, row.seq, &Line::parse(row.line));
                    Ok(())
                })?,
                Feed::Stored { opened, after } => stored(opened, after, state)?,
                Feed::Over => false,
            };
            if !more {
                self.end(state)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Everything that was there is taken: is there an end?
    fn end(&mut self, state: &mut State) -> Result<(), Failure> {
        let over = match self {
            Feed::Live(growing) => growing.is_over()?,
            Feed::Stored { .. } | Feed::Over => true,
        };
        if !over {
            return Ok(());
        }
        if let Feed::Live(growing) = std::mem::replace(self, Feed::Over) {
            growing.finish(&mut |row| {
                state.take(row.ts_ns, row.seq, &Line::parse(row.line));
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Takes the next part of a stored run; returns whether there was one.
fn stored(opened: &Opened, after: &mut u64, state: &mut State) -> Result<bool, Failure> {
    let Some(events) = opened.events()? else { return Ok(false) };
    let query = Query { after_seq: Some(*after), limit: Some(PART), ..Query::default() };
    let found = events.query(&query, &mut |_| true, &mut |row| {
        *after = row.seq;
        state.take(row.ts_ns, row.seq, &Line::parse(row.line));
        ControlFlow::Continue(())
    });
    Ok(found.map_err(|error| Failure::of(&error))?.events > 0)
}
