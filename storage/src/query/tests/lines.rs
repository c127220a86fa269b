//! Claims about lines, one after the other and by their place.

use proptest::prelude::*;

use super::{ask, derived, some_event};
use crate::query::{Query, lines, text};

/// `bytes` as a text, as long as the directory is there.
fn text(bytes: &[u8]) -> (tempfile::TempDir, text::Text) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("lines");
    std::fs::write(&path, bytes).expect("room");
    let file = std::fs::File::open(&path).expect("it is there");
    (dir, text::Text::Plain(file))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_line_is_found_where_it_begins_and_nowhere_else(
        lengths in prop::collection::vec(prop_oneof![1_usize..300, 1_usize..300_000], 1..12),
        asked in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let made: Vec<String> = lengths.iter().map(|len| "x".repeat(*len)).collect();
        let whole = made.iter().map(|line| format!("{line}\n")).collect::<String>() + "no end";
        let mut starts = vec![0];
        starts.extend(whole.match_indices('\n').map(|(at, _)| at + 1));
        let (_dir, text) = text(whole.as_bytes());
        let mut lines = lines::Lines::new(&text);
        for asked in asked {
            let at = asked.index(starts.len());
            let line = lines.get(starts[at] as u64).expect("it reads").map(<[u8]>::to_vec);
            prop_assert_eq!(line.as_deref(), made.get(at).map(|line| line.as_bytes()));
            let other = asked.index(whole.len() + 9);
            if !starts.contains(&other) {
                prop_assert_eq!(lines.get(other as u64).expect("it reads"), None);
            }
        }
    }
}

#[test]
fn a_line_longer_than_any_that_is_written_is_none() {
    let whole =
        format!("a\n{}\n{}\nb\n", "x".repeat(lines::MAX_LINE), "x".repeat(lines::MAX_LINE + 1));
    let (_dir, text) = text(whole.as_bytes());
    let mut lines = lines::Lines::new(&text);
    let long = lines.get(2).expect("it reads").map(<[u8]>::len);
    assert_eq!(long, Some(lines::MAX_LINE));
    assert_eq!(lines.get(lines::MAX_LINE as u64 + 3).expect("it reads"), None);
    assert_eq!(lines.get(whole.len() as u64 - 2).expect("it reads"), Some(&b"b"[..]));
    assert_eq!(lines.get(1 << 40).expect("it reads"), None);
}

#[test]
fn lines_that_are_no_events_are_counted() {
    let (bench, _) = derived(&[some_event(1)]);
    let mut bytes = bench.lines();
    bytes.extend(b"{}\nnot json\n\xff\n");
    bytes.extend(vec![b'x'; lines::MAX_LINE + 1]);
    bytes.push(b'\n');
    bench.write("events.jsonl", &bytes);
    let (rows, found) = ask(&bench.events(None), &Query::default());
    assert_eq!((rows.len(), found.malformed), (1, 4));
}

#[test]
fn a_word_is_found_in_every_line_that_has_it_however_long_the_lines_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut text = Vec::new();
    for at in 0..3_000 {
        let long = "x".repeat(if at % 1_000 == 7 { 3 << 20 } else { at % 900 });
        text.extend(format!("{at} {long} {}\n", if at % 5 == 0 { "word" } else { "wor" }).bytes());
    }
    text.extend(b"word without an end");
    let path = dir.path().join("lines");
    std::fs::write(&path, &text).expect("room");
    let file = text::Text::Plain(std::fs::File::open(&path).expect("it is there"));
    let mut expected = Vec::new();
    lines::forward(&file, |line| {
        expected.extend(line.ends_with(b" word").then(|| line.to_vec()));
        true
    })
    .expect("it reads");
    let mut found = Vec::new();
    lines::having(&file, b"word", |line| {
        found.push(line.to_vec());
        true
    })
    .expect("it reads");
    assert!(found == expected, "{} against {}", found.len(), expected.len());
    assert_eq!(found.len(), 600);
}
