//! Patterns as the values that they mean in a run, which the index finds at once.
//!
//! Only the way to the events is another one: every condition is asked of each of them all the same.

use storage::{Events, Field, Match, Query};

use super::filter::Filter;

/// Adds to `query` what `filter` means among the values of the run, where those are few.
pub(super) fn narrow(events: &Events<'_>, filter: &Filter, query: &mut Query) {
    let words =
        |field, is: &mut dyn FnMut(&[u8]) -> bool| events.words(field, is).map(Match::OneOf);
    if let (None, Some(path)) = (&query.path, filter.path()) {
        query.path = words(Field::Path, &mut |value| path.holds(value));
        query.other_names = filter.asks_other_names();
    }
    if let (None, Some(exe)) = (&query.exe, filter.exe()) {
        query.exe = words(Field::Exe, &mut |value| exe.holds(value));
    }
    if let Some(dest) = filter.dest() {
        if dest.is_name() {
            query.host = words(Field::Host, &mut |value| dest.may_hold(None, str(value)));
        } else {
            query.ip = words(Field::Ip, &mut |value| {
                dest.may_hold(str(value).and_then(|ip| ip.parse().ok()), None)
            });
        }
    }
    query.among = filter.numbers().filter(|list| list.len() <= storage::WORDS);
    query.contains = filter.bytes().map(<[u8]>::to_vec);
    if query.host.is_none() && filter.has_host() {
        query.host =
            words(Field::Host, &mut |value| filter.is_host(str(value).unwrap_or_default()));
    }
}

fn str(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
