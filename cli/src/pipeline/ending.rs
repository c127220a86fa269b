//! The end of a record: the last window, the totals of each source, the verdict.

use event::coverage::Ended;
use event::frame::Frame;
use event::frame::control::{Ending, Seal, Source as SourceName, State};
use event::model::{End, Opens, Source, What};

use super::{At, Emit, Pipeline};

/// What the seal says of the command and of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed {
    ended: Ended,
    status: Option<i32>,
}

impl Pipeline {
    pub(super) fn seal(&mut self, frame: &Frame<'_>, emit: &mut Emit<'_>) {
        let Ok((seal, _)) = frame.body::<Seal>() else { return };
        let at = self.last.unwrap_or(At { frame: 0, boot_ns: seal.boot_ns });
        self.learn_clocks(seal.boot_ns, seal.real_ns, at);
        if seal.frames != frame.head.seq {
            let (counted, seq) = (seal.frames, frame.head.seq);
            self.coverage.note(format!("the seal counts {counted} frames and is number {seq}"));
        }
        let ended = Ended { ending: Ending::from_wire(seal.ending), alive: seal.alive };
        let status = (seal.main_known == 1).then_some(seal.main_code);
        self.end(Some(Sealed { ended, status }), emit);
    }

    /// Tells everything that is held, then what each source saw, then the end.
    pub(super) fn end(&mut self, sealed: Option<Sealed>, emit: &mut Emit<'_>) {
        self.end_window(true, emit);
        let at = self.last.unwrap_or(At { frame: 0, boot_ns: 0 });
        self.tell_unclosed(at);
        for source in SourceName::ALL {
            self.tell_totals(source, at);
        }
        self.tell(self.window.len(), emit);
        self.tell_repeats(emit);
        let opens = self.opens();
        let ended = sealed.map(|sealed| sealed.ended);
        let verdict = self.coverage.verdict(ended);
        let end = End {
            verdict: verdict.word.name(),
            reasons: verdict.reasons,
            effects_outside: self.effects.names(),
            ending: ended.and_then(|ended| ended.ending).map(Ending::name),
            status: sealed.and_then(|sealed| sealed.status).or(self.main_status),
            alive: ended.map(|ended| ended.alive),
            events: self.told + 1,
            processes: self.processes.seen(),
            opens,
        };
        self.push(at, None, What::End(Box::new(end.clone())));
        self.end = Some(end);
        self.judge = None;
        self.tell(self.window.len(), emit);
    }

    fn tell_totals(&mut self, source: SourceName, at: At) {
        let totals = self.coverage.totals(source);
        let known = self.coverage.source(source);
        if known.is_none() && totals == Default::default() {
            return;
        }
        let state = known.and_then(|known| known.state);
        let reason = known.map(|known| known.reason.clone()).filter(|reason| !reason.is_empty());
        let what = Source { source, state, reason, totals: Some(totals) };
        self.push(at, None, What::Source(Box::new(what)));
    }

    /// Where the opens went. What the counters saw and nothing accounts for is lost, whatever the
    /// recorder says of it; a difference to that is said.
    fn opens(&mut self) -> Option<Opens> {
        let (counted, in_events) = self.counts.sums();
        let tally = self.coverage.opens_seen().copied();
        let source = self.coverage.source(SourceName::Opens).and_then(|source| source.state);
        let nobody = matches!(source, Some(State::NotAsked | State::Off));
        if (tally.is_none() || nobody) && counted == 0 {
            return None;
        }
        let seen = tally.map_or(counted, |tally| tally.seen.max(counted));
        let lost = seen - counted;
        if let Some(tally) = tally
            && (tally.seen < counted || tally.lost != lost)
        {
            let (seen, said) = (tally.seen, tally.lost);
            self.coverage.note(format!(
                "opens: numbers do not add up: seen {seen}, counted {counted}, lost {said}"
            ));
        }
        Some(Opens { seen, in_events, unnamed: counted - in_events, lost })
    }
}
