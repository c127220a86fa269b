//! Frames about the recording itself: segments, sources, losses, checkpoints, the command.

use event::frame::Frame;
use event::frame::control::{
    Cause, Checkpoint, Lost, Main, Segment, Source as SourceName, SourceState, State, Tally,
};
use event::model::{Loss, Source, What};
use event::wire::Malformed;
use zerocopy::FromBytes;

use super::{At, Pipeline};

/// What the world's clock must differ by to be called set: far more than it is slewed by within a
/// second (500 ppm, adjtimex(2)), and than a busy machine lets pass between the reading of both.
const STEP_NS: u64 = 500_000_000;

/// Frames of this window that could not be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unreadable {
    count: u64,
    first: At,
    last: At,
}

impl Pipeline {
    pub(super) fn on_segment(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (segment, _) = frame.body::<Segment>()?;
        if segment.version != event::frame::VERSION {
            return Err(Malformed::Unknown { kind: segment.version });
        }
        let id = segment.run.split(|byte| *byte == 0).next().unwrap_or_default();
        if id != self.run.as_slice() {
            let (id, run) = (String::from_utf8_lossy(id), String::from_utf8_lossy(&self.run));
            self.coverage.note(format!("segment {} is of run {id}, not {run}", segment.number));
        }
        Ok(())
    }

    pub(super) fn on_main(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (main, _) = frame.body::<Main>()?;
        self.main = Some(main.pid);
        Ok(())
    }

    pub(super) fn on_source(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let (told, rest) = frame.body::<SourceState>()?;
        let len = usize::try_from(told.text_len).map_err(|_| Malformed::Length)?;
        let text = rest.get(..len).ok_or(Malformed::Length)?;
        let unknown = Malformed::Unknown { kind: told.source };
        let source = SourceName::from_wire(told.source).ok_or(unknown)?;
        let state = State::from_wire(told.state);
        self.coverage.state(source, state, text);
        let reason = (!text.is_empty()).then(|| text.to_vec());
        self.push(at, None, What::Source(Box::new(Source { source, state, reason, totals: None })));
        Ok(())
    }

    pub(super) fn on_lost(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let (lost, _) = frame.body::<Lost>()?;
        self.coverage.lost(lost);
        let loss = Loss {
            source: SourceName::from_wire(lost.source).unwrap_or(SourceName::Record),
            cause: Cause::from_wire(lost.cause),
            count: lost.count,
            from_ts_ns: self.clock.utc(lost.from_ns),
            to_ts_ns: self.clock.utc(lost.to_ns),
        };
        self.push(at, None, What::Lost(loss));
        Ok(())
    }

    pub(super) fn on_checkpoint(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let (checkpoint, mut rest) = frame.body::<Checkpoint>()?;
        for _ in 0..checkpoint.tallies {
            let (tally, after) = Tally::read_from_prefix(rest).map_err(|_| Malformed::Length)?;
            self.coverage.tally(&tally);
            rest = after;
        }
        self.learn_clocks(checkpoint.boot_ns, checkpoint.real_ns, at);
        self.beat(at, checkpoint.alive);
        Ok(())
    }

    /// Learns what both clocks showed at one moment, and tells when the world's was set since.
    pub(super) fn learn_clocks(&mut self, boot_ns: u64, real_ns: i64, at: At) {
        let step_ns = self.clock.learn(boot_ns, real_ns);
        self.first_boot_ns.get_or_insert(boot_ns);
        self.first_ts_ns.get_or_insert(real_ns);
        self.last_ts_ns = Some(real_ns);
        if step_ns.unsigned_abs() < STEP_NS {
            return;
        }
        let way = if step_ns > 0 { "forward" } else { "back" };
        let seconds = step_ns.unsigned_abs() as f64 / 1e9;
        let reason = format!("the machine's clock was set {way} by {seconds:.1} s").into_bytes();
        let source = SourceName::Record;
        let what = Source { source, state: None, reason: Some(reason), totals: None };
        self.push(at, None, What::Source(Box::new(what)));
    }

    /// A frame could not be read: counted, and told with the others of its window.
    pub(super) fn unreadable(&mut self, at: At) {
        self.coverage.malformed();
        let told = self.unreadable.get_or_insert(Unreadable { count: 0, first: at, last: at });
        told.count += 1;
        told.last = at;
    }

    pub(super) fn tell_unreadable(&mut self) {
        let (Some(told), Some(at)) = (self.unreadable.take(), self.last) else { return };
        let loss = Loss {
            source: SourceName::Record,
            cause: Some(Cause::Malformed),
            count: told.count,
            from_ts_ns: self.clock.utc(told.first.boot_ns),
            to_ts_ns: self.clock.utc(told.last.boot_ns),
        };
        self.push(at, None, What::Lost(loss));
    }
}
