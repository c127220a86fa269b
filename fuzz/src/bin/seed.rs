//! `seed SEGMENT DIR`: takes a real segment apart into inputs for the targets that read bytes of the kernel.

use std::{fs, path::Path};

use event::frame::{AlignedBytes, Frames, MAGIC, MAGIC_BLOCKS, unpacked};
use event::wire::{Record, payload_kind};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [segment, dir] = words.as_slice() else { panic!("seed SEGMENT DIR") };
    let bytes = fs::read(segment).expect("it reads");
    let mut aligned = AlignedBytes::new();
    let blocks = bytes.strip_prefix(&MAGIC_BLOCKS);
    match blocks {
        Some(blocks) => aligned = unpacked(blocks, usize::MAX),
        None => aligned.extend(bytes.strip_prefix(&MAGIC).expect("a segment")),
    }
    let frames = match blocks {
        Some(_) => Frames::in_block(aligned.as_slice(), 1),
        None => Frames::new(aligned.as_slice(), None),
    };
    let put = |target: &str, name: String, bytes: &[u8]| {
        let dir = Path::new(dir).join(target);
        fs::create_dir_all(&dir).expect("room");
        fs::write(dir.join(name), bytes).expect("room");
    };
    let mut few = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for frame in frames {
        let inner = match Record::parse(frame.payload) {
            Ok(Record::Payload(payload, _)) if frame.head.kind < 64 => payload.kind,
            _ => 0,
        };
        let count: &mut u32 = seen.entry((frame.head.kind, inner)).or_default();
        *count += 1;
        if *count > 2 {
            continue;
        }
        // The machine's name is nobody's business.
        if blocks.is_none() && frame.head.kind != event::frame::control::KIND_START {
            few.extend_from_slice(frame.bytes);
        }
        if frame.head.kind >= 64 {
            continue;
        }
        put("ring", format!("kind-{}-{inner}-{count}", frame.head.kind), frame.payload);
        if let Ok(Record::Payload(payload, data)) = Record::parse(frame.payload) {
            let target = match payload.kind {
                payload_kind::DNS => "dns",
                payload_kind::TLS => "tls",
                payload_kind::HTTP => "http",
                _ => "quic",
            };
            let len = data.len().div_ceil(8).min(255) as u8;
            put(target, format!("real-{count}"), &[&[0x10, len], data].concat());
        }
    }
    if blocks.is_none() {
        put("segment", "real".to_owned(), &few);
    }
}
