//! Values of an event's fields, for those who need more than a yes.

use event::model::{Event, Value, arguments};

use super::Surroundings;
use crate::field::Field;
use crate::lineage::Node;
use crate::program::Val;

/// Name of the user who did it, where that is known.
pub(super) fn user<'a>(event: &Event, around: &'a Surroundings) -> Option<&'a str> {
    let uid = event.actor.as_ref()?.uid?;
    match &around.user {
        Some((known, name)) if *known == uid => Some(name),
        _ if uid == 0 => Some("root"),
        _ => None,
    }
}

/// Tells each value of a field.
pub(super) fn each(value: Value<'_>, take: &mut dyn FnMut(Val<'_>)) {
    match value {
        Value::Text(text) => take(Val::Bytes(text.as_bytes())),
        Value::Bytes(bytes) => take(Val::Bytes(bytes)),
        Value::List(list) => arguments(list).for_each(|item| take(Val::Bytes(item))),
        Value::Texts(texts) => texts.iter().for_each(|text| take(Val::Bytes(text.as_bytes()))),
        Value::Number(number) => take(Val::Number(number)),
        Value::Signed(number) => take(Val::Number(number.unsigned_abs())),
        Value::Bool(is) => take(Val::Flag(is)),
        Value::Address(address) => take(Val::Bytes(address.to_string().as_bytes())),
        Value::Time(_) => {}
    }
}

/// Tells each value of `field` of an event, as text.
pub(super) fn of_field(
    field: Field,
    event: &Event,
    who: Option<&Node>,
    around: &Surroundings,
    take: &mut dyn FnMut(&[u8]),
) {
    if let Some(who) = who {
        who.values(&|asked| asked == field, &mut |_, value| text(value, take));
    }
    if field == Field::User
        && let Some(user) = user(event, around)
    {
        take(user.as_bytes());
    }
    if let Field::Clock(part) = field {
        text(Val::Number(super::clock::part(event.ts_ns, part)), take);
    }
    if field == Field::NewPeer {
        take(b"true");
    }
    event.fields(&mut |name, value| {
        let is = match field {
            Field::Named(wanted) => name == wanted,
            Field::Path => matches!(name, "path" | "path2" | "also" | "path_claimed"),
            Field::HomePath => {
                return if matches!(name, "path" | "path2" | "also" | "path_claimed") {
                    each(value, &mut |value| {
                        if let Val::Bytes(path) = value {
                            super::below_home(path, around).into_iter().for_each(&mut *take);
                        }
                    });
                };
            }
            Field::Anything => true,
            Field::Ip | Field::Port => name == "peer",
            Field::LocalIp | Field::LocalPort => name == "local",
            _ => false,
        };
        if !is {
            return;
        }
        match (field, value) {
            (Field::Ip | Field::LocalIp, Value::Address(it)) => {
                take(it.ip().to_canonical().to_string().as_bytes());
            }
            (Field::Port | Field::LocalPort, Value::Address(it)) => {
                take(it.port().to_string().as_bytes());
            }
            _ => each(value, &mut |value| text(value, take)),
        }
    });
}

fn text(value: Val<'_>, take: &mut dyn FnMut(&[u8])) {
    match value {
        Val::Bytes(bytes) => take(bytes),
        Val::Number(number) => take(number.to_string().as_bytes()),
        Val::Flag(is) => take(if is { b"true" } else { b"false" }),
        Val::Ip(ip) => take(ip.to_string().as_bytes()),
        Val::Command(_, words) => take(&words.join(&b' ')),
    }
}
