use event::ProcId;
use event::process::Table;
use proptest::prelude::*;

use super::{FileKey, Ledger};

const ME: ProcId = ProcId { pid: 7, start_ns: 1 };
const CHILD: ProcId = ProcId { pid: 8, start_ns: 2 };
const KEY: FileKey = FileKey { dev: 1, ino: 2, generation: 3, write: false };

/// Plays windows of (opens, counts told by single events); returns what the events got.
fn play(windows: &[(u64, &[u64])]) -> (Vec<u64>, bool, (u64, u64)) {
    let (mut ledger, mut got, mut agrees) = (Ledger::default(), Vec::new(), true);
    let mut event = 0;
    for (opens, told) in windows {
        ledger.opened(ME, KEY, *opens, 0);
        let numbered = || (event..).zip(told.iter());
        for (event, count) in numbered() {
            ledger.used(ME, KEY, *count, event);
        }
        for (event, count) in numbered() {
            let due = ledger.due(ME, KEY, *count, event);
            got.push(due.count);
            agrees &= due.agrees;
        }
        event += told.len() as u64;
    }
    (got, agrees, ledger.sums())
}

/// Count, whether it agrees, whether it is lent, of an event that told one use.
fn due(ledger: &mut Ledger, id: ProcId, event: u64) -> (u64, bool, bool) {
    let due = ledger.due(id, KEY, 1, event);
    (due.count, due.agrees, due.lent)
}

#[test]
fn merged_reports_get_the_number_of_opens() {
    assert_eq!(play(&[(100, &[3])]), (vec![100], true, (100, 100)));
    assert_eq!(play(&[(100, &[3, 1, 1])]), (vec![3, 1, 96], true, (100, 100)));
}

#[test]
fn a_file_that_is_open_across_windows_is_counted_once() {
    assert_eq!(play(&[(1, &[]), (0, &[1])]), (vec![1], true, (1, 1)));
    assert_eq!(play(&[(2, &[1]), (0, &[1])]), (vec![2, 0], true, (2, 2)));
    assert_eq!(play(&[(50, &[20]), (50, &[80])]), (vec![50, 50], true, (100, 100)));
}

#[test]
fn uses_without_opens_are_counted_as_told_and_not_called_exact() {
    assert_eq!(play(&[(0, &[2])]), (vec![2], false, (0, 0)));
    assert_eq!(play(&[(1, &[1]), (0, &[5])]), (vec![1, 5], false, (1, 1)));
}

#[test]
fn opens_that_no_event_tells_are_in_none() {
    assert_eq!(play(&[(5, &[])]), (vec![], true, (5, 0)));
}

#[test]
fn a_child_that_closes_what_its_parent_opened_has_the_parents_opens() {
    let (mut ledger, mut table) = (Ledger::default(), Table::default());
    table.fork(ME, CHILD, ME, 0);
    ledger.opened(ME, KEY, 2, 0);
    ledger.used(CHILD, KEY, 1, 1);
    ledger.inherit(CHILD, KEY, &table);
    assert_eq!(due(&mut ledger, CHILD, 1), (1, true, false));
    assert_eq!(ledger.sums(), (2, 1));
}

#[test]
fn a_childs_close_of_an_open_that_is_counted_already_is_not_counted_again() {
    let (mut ledger, mut table) = (Ledger::default(), Table::default());
    table.fork(ME, CHILD, ME, 0);
    // Both opens are in the count of the parent's event, though one is not closed yet.
    ledger.opened(ME, KEY, 2, 0);
    ledger.used(ME, KEY, 1, 1);
    assert_eq!(due(&mut ledger, ME, 1), (2, true, false));
    ledger.spent(ME, KEY);
    ledger.used(CHILD, KEY, 1, 2);
    ledger.inherit(CHILD, KEY, &table);
    assert_eq!(due(&mut ledger, CHILD, 2), (0, true, true));
    ledger.spent(CHILD, KEY);
    // Another one is nobody's that is known.
    ledger.used(CHILD, KEY, 1, 3);
    ledger.inherit(CHILD, KEY, &table);
    assert_eq!(due(&mut ledger, CHILD, 3), (1, false, false));
    assert_eq!(ledger.sums(), (2, 2));
}

#[test]
fn what_nobody_closed_is_of_who_came_first_each_time() {
    let mut ledger = Ledger::default();
    for pid in (1..=16).rev() {
        ledger.opened(ProcId { pid, start_ns: u64::from(100 - pid) }, KEY, 1, 0);
    }
    ledger.forget_all(&Table::default());
    let told = ledger.unclosed();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].opener.id.pid, told[0].count), (16, 16));
}

proptest! {
    #[test]
    fn exact_counts_add_up_to_the_opens(
        windows in prop::collection::vec((0u64..50, prop::collection::vec(1u64..9, 0..4)), 1..9)
    ) {
        let borrowed: Vec<_> =
            windows.iter().map(|(opens, told)| (*opens, told.as_slice())).collect();
        let (got, agrees, (opens, in_events)) = play(&borrowed);
        let sum: u64 = got.iter().sum();
        prop_assert!(in_events <= opens && in_events <= sum);
        if agrees {
            prop_assert_eq!(sum, in_events);
        }
    }
}
