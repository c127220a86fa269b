//! What the pipeline knows of a run, as `meta.json` has it.

use event::frame::control::Source;
use event::model::Totals;
use event::time;
use storage::{Coverage, Exit, Meta};

use super::Pipeline;

impl Pipeline {
    /// Fills in what the frames said: machine, times, exit, verdict, coverage, counts. What the front
    /// said of the run and which files there are is storage's.
    pub fn describe(&self, meta: &mut Meta) {
        if let Some(start) = self.start() {
            let text = |bytes: &Option<Vec<u8>>| {
                String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
            };
            meta.host = text(&start.host);
            meta.kernel = text(&start.kernel);
            meta.trust = start.trust.unwrap_or_default().to_owned();
        }
        if let Some((first, last)) = self.span() {
            meta.started = rfc3339(first);
            meta.ended = Some(rfc3339(last));
            meta.took_ns = self.took_ns();
        }
        if let Some(end) = self.ended() {
            meta.exit = end.status.map(Exit::from_wait);
            meta.verdict = end.verdict.to_owned();
            meta.reasons.clone_from(&end.reasons);
            meta.effects_outside.clone_from(&end.effects_outside);
        }
        meta.coverage = Source::ALL.iter().filter_map(|source| self.source(*source)).collect();
        meta.findings =
            self.findings().iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        meta.counts = self
            .by_kind()
            .iter()
            .map(|((kind, op), count)| match op {
                Some(op) => (format!("{kind}.{op}"), *count),
                None => ((*kind).to_owned(), *count),
            })
            .collect();
    }

    fn source(&self, source: Source) -> Option<(String, Coverage)> {
        let Totals { seen, stored, folded, lost } = self.coverage().totals(source);
        let known = self.coverage().source(source);
        if known.is_none() && seen == 0 {
            return None;
        }
        let state = known.and_then(|known| known.state).map_or("unknown", |state| state.name());
        let reason = known.map(|known| String::from_utf8_lossy(&known.reason).into_owned());
        let reason = reason.unwrap_or_default();
        let told = Coverage { state: state.to_owned(), reason, seen, stored, folded, lost };
        Some((source.name().to_owned(), told))
    }
}

fn rfc3339(ts_ns: i64) -> String {
    let mut text = Vec::new();
    time::rfc3339(ts_ns, &mut text);
    // Digits and marks only.
    String::from_utf8(text).unwrap_or_default()
}
