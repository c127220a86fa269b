//! Claims about the verdict: it is never better than the record.

use proptest::prelude::*;

use super::{Coverage, Ended, Word};
use crate::frame::control::{Cause, Ending, Lost, Source, State, TALLY_ACCESS, Tally};
use crate::wire::Kind;

const EMPTY: Option<Ended> = Some(Ended { ending: Some(Ending::Empty), alive: 0 });

fn all_on() -> Coverage {
    let mut coverage = Coverage::default();
    for source in Source::ALL.into_iter().filter(|source| *source != Source::Record) {
        coverage.state(source, Some(State::On), b"");
    }
    coverage
}

fn tally(id: u32, source: Source, [seen, stored, folded, lost]: [u64; 4]) -> Tally {
    Tally { id, source: source as u32, seen, stored, folded, lost }
}

fn check(coverage: &Coverage, ended: Option<Ended>, word: Word, reasons: &[&str]) {
    let verdict = coverage.verdict(ended);
    assert_eq!(verdict.reasons, reasons);
    assert_eq!(verdict.word, word);
}

#[test]
fn a_record_whose_sources_were_on_and_lost_nothing_is_complete() {
    let mut coverage = all_on();
    coverage.tally(&tally(TALLY_ACCESS, Source::Access, [4, 4, 0, 0]));
    coverage.tally(&tally(Kind::Open as u32, Source::Opens, [9, 2, 7, 0]));
    check(&coverage, EMPTY, Word::Complete, &[]);
    assert!(coverage.is_whole(Source::Opens));
}

#[test]
fn repeats_make_it_folded() {
    let mut coverage = all_on();
    coverage.tally(&tally(TALLY_ACCESS, Source::Access, [9, 2, 7, 0]));
    check(&coverage, EMPTY, Word::Folded, &[]);
}

#[test]
fn without_its_seal_it_is_truncated() {
    check(&all_on(), None, Word::Truncated, &["the record ends without its seal"]);
}

#[test]
fn a_loss_makes_it_partial_and_names_source_and_cause() {
    let mut coverage = all_on();
    coverage.tally(&tally(Kind::Open as u32, Source::Opens, [9, 2, 4, 3]));
    coverage.lost(&Lost {
        count: 3,
        from_ns: 1,
        to_ns: 2,
        source: Source::Opens as u32,
        cause: Cause::RingFull as u32,
        id: Kind::Open as u32,
        pad: 0,
    });
    check(&coverage, EMPTY, Word::Partial, &["opens: 3 lost (ring_full)"]);
    assert!(!coverage.is_whole(Source::Opens));
}

#[test]
fn a_loss_that_only_the_totals_tell_counts_too() {
    let mut coverage = all_on();
    coverage.tally(&tally(TALLY_ACCESS, Source::Access, [9, 6, 0, 3]));
    check(&coverage, EMPTY, Word::Partial, &["access: 3 lost"]);
}

#[test]
fn numbers_that_do_not_add_up_are_said() {
    let mut coverage = all_on();
    coverage.tally(&tally(Kind::Fork as u32, Source::Process, [3, 1, 0, 1]));
    coverage.stored(Kind::Fork);
    let reason = "process fork: numbers do not add up: seen 3, stored 1, folded 0, lost 1";
    check(&coverage, EMPTY, Word::Partial, &["process: 1 lost", reason]);
}

#[test]
fn frames_that_are_gone_from_the_record_are_said() {
    let mut coverage = all_on();
    coverage.tally(&tally(Kind::Exit as u32, Source::Process, [2, 2, 0, 0]));
    coverage.stored(Kind::Exit);
    let reason = "process exit: 2 stored by the recorder, 1 in the record";
    check(&coverage, EMPTY, Word::Partial, &[reason]);
}

#[test]
fn a_source_that_was_off_or_silent_makes_it_partial_and_one_not_asked_for_does_not() {
    let mut coverage = all_on();
    coverage.state(Source::Opens, Some(State::NotAsked), b"--no-opens");
    check(&coverage, EMPTY, Word::Complete, &[]);
    coverage.state(Source::Network, Some(State::Off), b"no cgroup v2");
    check(&coverage, EMPTY, Word::Partial, &["network off: no cgroup v2"]);
    let silent = Coverage::default().verdict(EMPTY);
    assert_eq!((silent.word, silent.reasons.len()), (Word::Partial, 7));
}

#[test]
fn a_gap_stays_a_gap_when_the_source_comes_back() {
    let mut coverage = all_on();
    coverage.state(Source::Access, Some(State::Degraded), b"/mnt is not watched");
    coverage.state(Source::Access, Some(State::On), b"");
    check(&coverage, EMPTY, Word::Partial, &["access degraded: /mnt is not watched"]);
}

#[test]
fn processes_left_behind_and_unreadable_frames_are_said() {
    let mut coverage = all_on();
    coverage.malformed();
    coverage.unknown_kind();
    coverage.orphan(4);
    let reasons = [
        "recording ended with 2 processes of the run alive",
        "1 frames could not be read",
        "1 frames are of kinds that this version does not know",
        "4 repeats belong to no event",
    ];
    let ended = Some(Ended { ending: Some(Ending::Lingered), alive: 2 });
    check(&coverage, ended, Word::Partial, &reasons);
}

proptest! {
    #[test]
    fn any_loss_or_bad_sum_is_never_called_complete(
        seen in 0u64..9, stored in 0u64..9, folded in 0u64..9, lost in 0u64..9
    ) {
        let mut coverage = all_on();
        coverage.tally(&tally(TALLY_ACCESS, Source::Access, [seen, stored, folded, lost]));
        let good = lost == 0 && seen == stored + folded;
        prop_assert_eq!(coverage.verdict(EMPTY).word != Word::Partial, good);
    }
}
