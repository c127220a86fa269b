//! Conditions that hold one field of an event against another one of it.

use event::model::{Event, What, arguments};

use super::{Surroundings, values};
use crate::expr::How;
use crate::field::Field;
use crate::lineage::{Node, joined};
use crate::program::Pair;

/// Whether a value of the one field is as the pair says to a value of the other. Where an event has
/// only one of them it is not.
pub(super) fn holds(pair: &Pair, event: &Event, who: Option<&Node>, around: &Surroundings) -> bool {
    let mut others: Vec<Vec<u8>> = Vec::new();
    whole(pair.other, event, who, around, &mut |value| others.push(folded(value, pair.fold)));
    if others.is_empty() {
        return false;
    }
    let mut held = false;
    whole(pair.field, event, who, around, &mut |value| {
        held = held || {
            let value = folded(value, pair.fold);
            others.iter().any(|other| compare(pair.how, &value, other))
        };
    });
    held
}

/// Tells each value of a field; of a program that begins, the arguments as they are in the event: of
/// a long command line only the beginning is remembered.
fn whole(
    field: Field,
    event: &Event,
    who: Option<&Node>,
    around: &Surroundings,
    take: &mut dyn FnMut(&[u8]),
) {
    match (field, &event.what) {
        (Field::CommandLine, What::Exec(exec)) if !exec.argv.is_empty() => {
            take(&joined(&exec.argv));
        }
        (Field::Arg(number), What::Exec(exec)) => {
            arguments(&exec.argv).nth(number.into()).into_iter().for_each(take);
        }
        _ => values::of_field(field, event, who, around, take),
    }
}

fn folded(value: &[u8], fold: bool) -> Vec<u8> {
    if fold { value.to_ascii_lowercase() } else { value.to_vec() }
}

fn compare(how: How, value: &[u8], other: &[u8]) -> bool {
    match how {
        How::Equals => value == other,
        How::Prefix => value.starts_with(other),
        How::Suffix => value.ends_with(other),
        How::Contains => memchr::memmem::find(value, other).is_some(),
        How::Name => value.rsplit(|byte| *byte == b'/').next() == Some(other),
    }
}
