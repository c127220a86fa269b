use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn id(pid: u32, start_ns: u64) -> ProcId {
    ProcId { pid, start_ns }
}

fn find(members: &mut Members, pid: u32) -> Option<(ProcId, bool)> {
    let touch = Touch::new(fsmon::Kind::Names, None);
    members.touched(pid, touch).map(|member| (member.id, member.held))
}

#[test]
fn a_number_used_again_is_the_new_process() {
    let mut members = Members::new();
    members.born(id(7, 100), false);
    members.ended(id(7, 100), 150);
    assert_eq!(
        find(&mut members, 7),
        Some((id(7, 100), false)),
        "its last closes are still to come"
    );
    members.born(id(7, 200), false);
    assert_eq!(find(&mut members, 7), Some((id(7, 200), false)));
    members.ended(id(7, 100), 250);
    assert_eq!(members.alive(), 1, "a late end of the earlier one does not end the later");
}

#[test]
fn an_ended_process_is_forgotten_after_a_second() {
    let mut members = Members::new();
    members.born(id(7, 100), false);
    members.ended(id(7, 100), 200);
    members.forget_ended(200 + KEEP_NS);
    assert!(find(&mut members, 7).is_some());
    members.forget_ended(201 + KEEP_NS);
    assert!(find(&mut members, 7).is_none());
}

#[test]
fn who_executes_as_its_owner_is_held_back_until_its_earlier_events_are_read() {
    let mut members = Members::new();
    members.born(id(7, 100), true);
    assert_eq!(find(&mut members, 7), Some((id(7, 100), true)));
    members.about_to_read();
    members.born(id(7, 100), false);
    members.all_read();
    assert_eq!(find(&mut members, 7), Some((id(7, 100), true)), "told while the queues were read");
    members.about_to_read();
    assert_eq!(find(&mut members, 7), Some((id(7, 100), true)));
    members.all_read();
    assert_eq!(find(&mut members, 7), Some((id(7, 100), false)));
    members.born(id(7, 100), true);
    assert_eq!(find(&mut members, 7), Some((id(7, 100), true)));
}

#[test]
fn who_is_held_back_again_meanwhile_stays_so() {
    let mut members = Members::new();
    members.born(id(7, 100), true);
    members.born(id(7, 100), false);
    members.born(id(7, 100), true);
    members.about_to_read();
    members.all_read();
    assert_eq!(find(&mut members, 7), Some((id(7, 100), true)));
}

#[test]
fn a_full_table_counts_and_goes_on() {
    let mut members = Members::new();
    for pid in 1..=u32::try_from(SLOTS).unwrap() + 10 {
        members.born(id(pid, 1), false);
    }
    assert_eq!(members.full(), 11);
    assert_eq!(find(&mut members, 4_000_000), None);
}

proptest! {
    #[test]
    fn it_answers_like_a_hash_map(steps in prop::collection::vec((0u8..3, 1u32..60, 1u64..4), 0..200)) {
        let mut members = Members::new();
        let mut model: HashMap<u32, (u64, u64)> = HashMap::new();
        let mut now = 1;
        for (step, pid, start) in steps {
            // Far apart in the number space, near in the table.
            let pid = pid.wrapping_mul(2_654_435_769) | 1;
            now += KEEP_NS / 3;
            match step {
                0 => {
                    members.born(id(pid, start), false);
                    if model.get(&pid).is_none_or(|(known, _)| *known != start) {
                        model.insert(pid, (start, 0));
                    }
                }
                1 => {
                    members.ended(id(pid, start), now);
                    if let Some(known) = model.get_mut(&pid).filter(|k| k.0 == start && k.1 == 0) {
                        known.1 = now;
                    }
                }
                _ => {
                    members.forget_ended(now);
                    model.retain(|_, known| known.1 == 0 || now - known.1 <= KEEP_NS);
                }
            }
            let found = find(&mut members, pid).map(|(it, _)| it.start_ns);
            prop_assert_eq!(found, model.get(&pid).map(|known| known.0));
            let alive = model.values().filter(|known| known.1 == 0).count();
            prop_assert_eq!(members.alive() as usize, alive);
        }
    }
}
