//! Perfetto's own form of a trace: `Trace` of protos/perfetto/trace/trace.proto, one packet behind the other. What
//! comes in are events of the JSON form, which [`crate::perfetto`] makes; `docs/export.md` says what has no place.

use serde_json::Value;

/// The numbers of all tracks of one run begin here: it is more than a run has.
const RUN: u64 = 1 << 32;
/// `TracePacket.trusted_packet_sequence_id`: there is one writer.
const SEQUENCE: u64 = 1;

/// Numbers of fields, which never change (protos/perfetto/trace, v59).
mod number {
    pub(super) const PACKET: u32 = 1;
    pub(super) mod packet {
        pub(crate) const TIMESTAMP: u32 = 8;
        pub(crate) const SEQUENCE_ID: u32 = 10;
        pub(crate) const TRACK_EVENT: u32 = 11;
        pub(crate) const TRACK_DESCRIPTOR: u32 = 60;
    }
    pub(super) mod event {
        pub(crate) const ANNOTATION: u32 = 4;
        pub(crate) const TYPE: u32 = 9;
        pub(crate) const TRACK: u32 = 11;
        pub(crate) const CATEGORY: u32 = 22;
        pub(crate) const NAME: u32 = 23;
    }
    pub(super) mod annotation {
        pub(crate) const BOOL: u32 = 2;
        pub(crate) const UINT: u32 = 3;
        pub(crate) const INT: u32 = 4;
        pub(crate) const TEXT: u32 = 6;
        pub(crate) const NAME: u32 = 10;
        pub(crate) const ITEM: u32 = 12;
    }
    pub(super) mod track {
        pub(crate) const UUID: u32 = 1;
        pub(crate) const PROCESS: u32 = 3;
        pub(crate) const THREAD: u32 = 4;
        pub(crate) const PARENT: u32 = 5;
    }
    pub(super) mod process {
        pub(crate) const PID: u32 = 1;
        pub(crate) const NAME: u32 = 6;
        pub(crate) const LABEL: u32 = 8;
    }
    pub(super) mod thread {
        pub(crate) const PID: u32 = 1;
        pub(crate) const TID: u32 = 2;
        pub(crate) const NAME: u32 = 5;
    }
}

/// Appends the packet of an event of the JSON form; `at` in nanoseconds.
pub(crate) fn packet(at: i64, run: u64, track: u64, event: &Value, out: &mut Vec<u8>) {
    let mut packet = Message::default();
    packet.number(number::packet::TIMESTAMP, at.unsigned_abs());
    packet.number(number::packet::SEQUENCE_ID, SEQUENCE);
    let kind = match event["ph"].as_str() {
        Some("B") => 1,
        Some("E") => 2,
        Some("i") => 3,
        _ => {
            packet
                .message(number::packet::TRACK_DESCRIPTOR, &descriptor(run, track, &event["args"]));
            return Message::default().wrap(&packet, out);
        }
    };
    let mut told = Message::default();
    told.number(number::event::TYPE, kind);
    told.number(number::event::TRACK, run * RUN + track);
    for (field, name) in [(number::event::CATEGORY, "cat"), (number::event::NAME, "name")] {
        if let Some(text) = event[name].as_str() {
            told.text(field, text);
        }
    }
    for (name, value) in event["args"].as_object().into_iter().flatten() {
        if !value.is_null() {
            told.message(number::event::ANNOTATION, &annotation(Some(name), value));
        }
    }
    packet.message(number::packet::TRACK_EVENT, &told);
    Message::default().wrap(&packet, out);
}

/// A run is a process of the trace, and its processes are threads of that.
fn descriptor(run: u64, track: u64, told: &Value) -> Message {
    let mut made = Message::default();
    made.number(number::track::UUID, run * RUN + track);
    let mut of = Message::default();
    let name = told["name"].as_str().unwrap_or_default();
    if track == 0 {
        of.number(number::process::PID, run);
        of.text(number::process::NAME, name);
        for (label, value) in
            told.as_object().into_iter().flatten().filter(|(key, _)| *key != "name")
        {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            of.text(number::process::LABEL, &format!("{label}: {text}"));
        }
        made.message(number::track::PROCESS, &of);
    } else {
        made.number(number::track::PARENT, run * RUN);
        of.number(number::thread::PID, run);
        of.number(number::thread::TID, track);
        of.text(number::thread::NAME, name);
        made.message(number::track::THREAD, &of);
    }
    made
}

fn annotation(name: Option<&str>, value: &Value) -> Message {
    use number::annotation as field;
    let mut made = Message::default();
    if let Some(name) = name {
        made.text(field::NAME, name);
    }
    match value {
        Value::Bool(flag) => made.number(field::BOOL, u64::from(*flag)),
        Value::String(text) => made.text(field::TEXT, text),
        Value::Array(items) => {
            items.iter().for_each(|item| made.message(field::ITEM, &annotation(None, item)));
        }
        other => match (other.as_u64(), other.as_i64()) {
            (Some(number), _) => made.number(field::UINT, number),
            // Two's complement in ten bytes, as protobuf has numbers below zero.
            (None, Some(number)) => made.number(field::INT, number.cast_unsigned()),
            (None, None) => made.text(field::TEXT, &other.to_string()),
        },
    }
    made
}

/// A message of protobuf that is being put together.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, field: u32, value: u64) {
        varint(u64::from(field) << 3, &mut self.0);
        varint(value, &mut self.0);
    }

    fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u32, inner: &Message) {
        self.bytes(field, &inner.0);
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        varint(u64::from(field) << 3 | 2, &mut self.0);
        varint(bytes.len() as u64, &mut self.0);
        self.0.extend_from_slice(bytes);
    }

    /// Appends `packet` as one of the trace to `out`.
    fn wrap(mut self, packet: &Message, out: &mut Vec<u8>) {
        self.message(number::PACKET, packet);
        out.append(&mut self.0);
    }
}

/// Seven bits a byte, the lowest first.
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
