use std::collections::VecDeque;

use event::ProcId;
use fsmon::Kind;
use proptest::prelude::*;

use super::{OPEN, Program, Touch};
use crate::members::Members;

const ME: ProcId = ProcId { pid: 7, start_ns: 100 };
const DEV: u32 = 8 << 20 | 1;

/// A process, of whose files marks tell in one queue.
fn process() -> Members {
    let mut members = Members::new();
    members.born(ME, false);
    // So that it is known: an exec of which the queue told before the record came.
    opens(&mut members, 1);
    members.executed(ME, DEV, 1);
    members
}

fn touch(members: &mut Members, executed: Option<u32>) -> Program {
    members.touched(ME.pid, Touch::new(Kind::Access, executed)).expect("a member").program
}

fn opens(members: &mut Members, ino: u32) {
    let _ = touch(members, Some(ino));
}

fn does(members: &mut Members) -> (u32, u32) {
    let Program { number, later } = touch(members, None);
    (number, later)
}

#[test]
fn what_stands_before_the_file_of_an_exec_was_done_by_the_program_before() {
    let mut members = process();
    members.executed(ME, DEV, 2);
    assert_eq!(does(&mut members), (1, 1), "the record of the exec came first");
    opens(&mut members, 2);
    assert_eq!(does(&mut members), (2, 0));
    opens(&mut members, 900);
    assert_eq!(does(&mut members), (2, 0), "its loader");
}

#[test]
fn an_exec_whose_file_was_told_before_its_record_is_over() {
    let mut members = process();
    opens(&mut members, 2);
    opens(&mut members, 900);
    assert_eq!(does(&mut members), (1, 0));
    members.executed(ME, DEV, 2);
    assert_eq!(does(&mut members), (2, 0));
}

#[test]
fn each_of_a_chain_has_its_own() {
    let mut members = process();
    for ino in 2..5 {
        members.executed(ME, DEV, ino);
    }
    let mut told = vec![does(&mut members)];
    for ino in 2..5 {
        // A script, its interpreter, the loader.
        [800 + ino, ino, 900].into_iter().for_each(|ino| opens(&mut members, ino));
        told.push(does(&mut members));
    }
    assert_eq!(told, [(1, 3), (2, 2), (3, 1), (4, 0)]);
}

#[test]
fn a_failed_exec_ends_nothing() {
    let mut members = process();
    members.executed(ME, DEV, 2);
    opens(&mut members, 3);
    assert_eq!(does(&mut members), (1, 1));
}

#[test]
fn a_program_that_executes_itself_is_told_once_and_is_one() {
    let mut members = process();
    members.executed(ME, DEV, 2);
    members.executed(ME, DEV, 2);
    assert_eq!(does(&mut members), (1, 2));
    opens(&mut members, 2);
    assert_eq!(does(&mut members), (3, 0));
}

#[test]
fn nothing_waits_for_what_no_mark_tells() {
    let mut members = process();
    members.executed(ME, DEV + 1, 2);
    assert_eq!(does(&mut members), (2, 0), "a device of which no queue told");
    members.executed(ME, DEV, 3);
    assert_eq!(does(&mut members), (2, 1));
    let names = members.touched(ME.pid, Touch::new(Kind::Names, None));
    assert_eq!(names.map(|it| it.program.later), Some(0), "a queue that did not");
}

#[test]
fn what_no_mark_tells_is_counted_between_what_marks_tell() {
    let mut members = process();
    members.executed(ME, DEV, 2);
    members.executed(ME, DEV + 1, 3);
    assert_eq!(does(&mut members), (1, 2));
    opens(&mut members, 2);
    assert_eq!(does(&mut members), (3, 0), "by either");
}

#[test]
fn nothing_waits_longer_than_until_all_queues_were_read() {
    let mut members = process();
    members.about_to_read();
    members.executed(ME, DEV, 2);
    members.all_read();
    assert_eq!(does(&mut members), (1, 1), "told while the queues were read");
    members.about_to_read();
    members.all_read();
    assert_eq!(does(&mut members), (2, 0));
    members.executed(ME, DEV, 3);
    members.queue_lost();
    assert_eq!(does(&mut members), (3, 0));
}

#[test]
fn of_a_longer_chain_the_oldest_are_not_told_apart() {
    let mut members = process();
    for ino in 2..12 {
        members.executed(ME, DEV, ino);
    }
    assert_eq!(does(&mut members), (11 - OPEN as u32, OPEN as u32));
}

#[test]
fn a_new_process_with_the_number_begins_anew() {
    let mut members = process();
    members.executed(ME, DEV, 2);
    members.born(ProcId { start_ns: 200, ..ME }, false);
    assert_eq!(does(&mut members), (0, 0));
    members.executed(ME, DEV, 3);
    assert_eq!(does(&mut members), (0, 0), "an exec of the process before");
}

proptest! {
    /// However late the queue is read: as long as no more execs than are remembered lie between, and nobody
    /// executes itself, who did what is exact.
    #[test]
    fn who_did_what_is_as_it_was(
        lives in prop::collection::vec((2u32..40, 0u8..3), 1..40),
        lags in prop::collection::vec(0usize..OPEN, 40),
    ) {
        let mut lives = lives;
        lives.dedup_by_key(|(ino, _)| *ino);
        let mut members = process();
        // The queue as it is: file of an exec, its loader, what the program then does.
        let mut queue = VecDeque::new();
        let read = |members: &mut Members, queue: &mut VecDeque<_>, left: usize| {
            let mut wrong = Vec::new();
            while queue.iter().filter(|(_, executed)| *executed == Some(900)).count() > left {
                let (number, executed): (u32, Option<u32>) = queue.pop_front().unwrap();
                let by = touch(members, executed);
                if executed.is_none() && by.number != number {
                    wrong.push((number, by));
                }
            }
            wrong
        };
        for (round, (ino, acts)) in lives.into_iter().enumerate() {
            let number = round as u32 + 2;
            queue.push_back((number, Some(ino)));
            queue.push_back((number, Some(900)));
            members.executed(ME, DEV, ino.into());
            queue.extend((0..acts).map(|_| (number, None)));
            let wrong = read(&mut members, &mut queue, lags[round]);
            prop_assert!(wrong.is_empty(), "{wrong:?}");
        }
    }
}
