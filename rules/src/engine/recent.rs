//! The same finding again: counted, and told once more when its time is over.

use std::collections::VecDeque;

use foldhash::HashMap;

use event::model::{Event, What};

use super::Found;

/// How long repeats are added up, nanoseconds.
pub(crate) const WINDOW_NS: i64 = 30_000_000_000;

/// Findings that are remembered; beyond it, they are told each.
const MOST: usize = 65_536;

/// Findings of the last while.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashMap<u64, Repeats>,
    order: VecDeque<(i64, u64)>,
    pub(super) forgotten: u64,
}

#[derive(Debug)]
struct Repeats {
    count: u64,
    last: Option<Box<Event>>,
}

impl Recent {
    /// Takes a finding; returns it when it is to be told now.
    pub(super) fn take(&mut self, key: u64, event: Event) -> Option<Event> {
        let What::Finding(finding) = &event.what else { return Some(event) };
        if let Some(repeats) = self.known.get_mut(&key) {
            repeats.count += finding.count;
            repeats.last = Some(Box::new(event));
            return None;
        }
        if self.known.len() < MOST {
            self.known.insert(key, Repeats { count: 0, last: None });
            self.order.push_back((event.ts_ns.saturating_add(WINDOW_NS), key));
        }
        Some(event)
    }

    /// Tells the repeats whose time is over.
    pub(super) fn expire(&mut self, now_ns: i64, found: &mut Found<'_>) {
        while self.order.front().is_some_and(|(until, _)| *until <= now_ns) {
            let Some((_, key)) = self.order.pop_front() else { return };
            let Some(Repeats { count, last: Some(last) }) = self.known.remove(&key) else {
                continue;
            };
            let mut event = *last;
            if let What::Finding(finding) = &mut event.what {
                finding.count = count;
                finding.repeat = true;
                finding.last_ts_ns = Some(event.ts_ns);
            }
            found(event);
        }
    }
}
