//! Steps of a sequence by their times, where one source is told after another.
#![forbid(unsafe_code)]

mod common;

use common::{connect, exec, file, load, titles};
use event::model::{Actor, Event};

const DOWNLOADED: &str = "
rules:
  - id: T
    title: downloaded
    severity: low
    sequence:
      within: 10s
      steps:
        - net: {op: connect}
        - {same: process, file: {op: write}}
        - {same: file, exec: {}}
";

const WRITTEN: &str = "
rules:
  - id: T
    title: written
    severity: low
    sequence:
      within: 10s
      steps:
        - net: {op: connect}
        - {same: process, file: {op: write}}
";

const MS: i64 = 1_000_000;

fn at(ms: i64, event: Event) -> Event {
    Event { ts_ns: event.ts_ns + ms * MS, ..event }
}

/// Another process than the others.
fn of_another(mut event: Event) -> Event {
    event.actor = event.actor.map(|actor| {
        let id = event::ProcId { pid: 200, ..actor.id };
        Actor { id, ..actor }
    });
    event
}

fn written() -> Event {
    file("write", "/usr/bin/tool")
}

fn peer() -> Event {
    connect("198.51.100.7:443")
}

#[test]
fn what_is_told_before_its_beginning_but_was_later_counts() {
    let set = load(&[WRITTEN]);
    assert_eq!(titles(&set, &[at(1, peer()), at(2, written())]), ["written"]);
    assert_eq!(titles(&set, &[at(2, written()), at(1, peer())]), ["written"]);
}

#[test]
fn what_was_before_its_beginning_does_not_count() {
    let set = load(&[WRITTEN]);
    assert_eq!(titles(&set, &[at(1, written()), at(2, peer())]), [""; 0]);
    assert_eq!(titles(&set, &[written(), peer()]), [""; 0], "at the same time, in this order");
    assert_eq!(titles(&set, &[at(2, of_another(written())), at(1, peer())]), [""; 0]);
}

#[test]
fn what_is_a_second_old_is_not_kept() {
    let set = load(&[WRITTEN]);
    let with = |ms: i64| {
        let later = at(ms, of_another(written()));
        titles(&set, &[at(2, written()), later, at(1, peer())])
    };
    assert_eq!(with(1002), ["written"]);
    assert_eq!(with(1003), [""; 0]);
}

#[test]
fn a_sequence_goes_on_from_a_step_that_was_told_early() {
    let set = load(&[DOWNLOADED]);
    let events = [at(2, written()), at(1, peer()), at(3, exec("tool"))];
    assert_eq!(titles(&set, &events), ["downloaded"]);
    let all_early = [at(2, written()), at(3, exec("tool")), at(1, peer())];
    assert_eq!(titles(&set, &all_early), ["downloaded"]);
    let wrong_order = [at(3, written()), at(2, exec("tool")), at(1, peer())];
    assert_eq!(titles(&set, &wrong_order), [""; 0]);
}

#[test]
fn of_a_flood_of_steps_without_a_beginning_the_last_are_kept() {
    let set = load(&[WRITTEN]);
    let flood = |others: usize| {
        let others = (0..others).map(|_| at(3, of_another(written())));
        let mut events = vec![at(2, written())];
        events.extend(others);
        events.push(at(1, peer()));
        titles(&set, &events)
    };
    assert_eq!(flood(60), ["written"]);
    assert_eq!(flood(70), [""; 0]);
}
