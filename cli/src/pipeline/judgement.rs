//! Findings that are still to be told when the record ends, and how many there were.

use std::collections::BTreeMap;

use event::model::{Event, What};

use super::{Emit, Pipeline};

/// Counts a finding; repeats of one are in its own count.
pub(super) fn count(findings: &mut BTreeMap<&'static str, u64>, found: &Event) {
    if let What::Finding(finding) = &found.what
        && !finding.repeat
    {
        *findings.entry(finding.severity.name()).or_default() += 1;
    }
}

impl Pipeline {
    /// Tells the repeats that were not told yet; nothing but the end follows them.
    pub(super) fn tell_repeats(&mut self, emit: &mut Emit<'_>) {
        let Pipeline { judge, told, by_kind, coverage, .. } = self;
        let Some(judge) = judge else { return };
        judge.finish(&mut |mut event| {
            *told += 1;
            event.seq = *told;
            *by_kind.entry((event.what.kind(), event.what.op())).or_default() += 1;
            emit(&event);
        });
        let forgotten = judge.forgotten();
        if forgotten > 0 {
            coverage.note(format!("rules: {forgotten} beginnings of findings were forgotten"));
        }
    }
}
