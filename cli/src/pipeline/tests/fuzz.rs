//! No frames make the pipeline panic, and numbers stay dense.

use event::frame::control::*;
use event::frame::files::*;
use event::frame::{AlignedBytes, Frames, encode};
use event::json;
use proptest::prelude::*;

use super::super::Pipeline;
use super::make::RUN;

/// Payloads of small numbers, so that ids, pids and handles meet.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let word =
        prop_oneof![8 => 0u32..6, 1 => any::<u32>(), 2 => (0u32..30).prop_map(|bit| 1 << bit)];
    let words = prop::collection::vec(word, 0..60);
    words.prop_map(|words| words.into_iter().flat_map(u32::to_ne_bytes).collect())
}

fn kind() -> impl Strategy<Value = u16> {
    prop_oneof![
        3 => prop::sample::select(vec![KIND_FILE, KIND_DIR, KIND_FILE_REPEAT, KIND_OPENS, KIND_MOUNT]),
        2 => prop::sample::select(vec![1, 2, 3, 4, 5, 16, 17, 18, 19, 20, 21, 27, 32]),
        3 => prop::sample::select(vec![KIND_FILE, KIND_DIR, KIND_FILE_REPEAT, KIND_OPENS, KIND_USES, KIND_MOUNT]),
        2 => prop::sample::select(vec![1, 2, 3, 4, 5, 16, 17, 18, 19, 20, 21, 32]),
        1 => prop::sample::select(vec![KIND_SEGMENT, KIND_ABOUT, KIND_START, KIND_LOST, KIND_SOURCE, KIND_MAIN]),
        1 => prop::sample::select(vec![KIND_CHECKPOINT, KIND_CHECKPOINT, KIND_CHECKPOINT, KIND_SEAL]),
        1 => any::<u16>(),
    ]
}

/// Makes the payload's head agree with the frame's kind more often than chance would.
fn aimed(kind: u16, mut payload: Vec<u8>) -> Vec<u8> {
    let len = payload.len() as u32;
    if kind < 64 && payload.len() >= 32 {
        payload[16..20].copy_from_slice(&u32::from(kind).to_ne_bytes());
        payload[20..24].copy_from_slice(&len.to_ne_bytes());
    }
    payload
}

fn check(frames: &[(u16, Vec<u8>)], truncated: bool) -> Vec<u8> {
    let mut bytes = AlignedBytes::new();
    for (seq, (kind, payload)) in (1..).zip(frames) {
        let mut room = vec![0; 4096];
        let payload = aimed(*kind, payload.clone());
        let len = encode(&mut room, *kind, seq, seq * 7, &[&payload]).expect("room");
        bytes.extend(&room[..len]);
    }
    let (mut pipeline, mut lines, mut next) = (Pipeline::new(RUN), Vec::new(), 1);
    let mut emit = |event: &event::model::Event| {
        assert_eq!(event.seq, next);
        next += 1;
        json::line(RUN, event, &mut lines);
    };
    for frame in Frames::new(bytes.as_slice(), Some(1)) {
        pipeline.feed(&frame, &mut emit);
    }
    pipeline.finish(truncated, &mut emit);
    let end = pipeline.ended().expect("every record gets its end");
    assert_eq!(end.events, next - 1);
    if let Some(opens) = end.opens {
        assert_eq!(opens.seen, opens.in_events + opens.unnamed + opens.lost);
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_frames_make_it_panic_and_numbers_are_dense(
        frames in prop::collection::vec((kind(), payload()), 0..60), truncated: bool
    ) {
        let lines = check(&frames, truncated);
        prop_assert_eq!(&lines, &check(&frames, truncated));
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let json: serde_json::Value = serde_json::from_slice(line).expect("each line is JSON");
            let kind = event::model::table::find(json["type"].as_str().unwrap_or_default());
            for name in json.as_object().into_iter().flat_map(|object| object.keys()) {
                let plain = name.strip_suffix("_b64").unwrap_or(name);
                prop_assert!(kind.is_some_and(|kind| kind.has_field(plain)), "{} in {}", name, json["type"]);
            }
        }
    }
}
