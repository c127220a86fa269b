//! Claims about the table and the plain formats.

use std::{
    io,
    sync::{Arc, Mutex},
};

use proptest::prelude::*;

use crate::{Event, FORMATS, Make, Output, Run, find};

/// Bytes that a writer wrote, for the test that gave it away.
#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The run that tests export.
pub(crate) fn run() -> Run {
    let page = serde_json::json!({
        "host": "build-3", "kernel": "6.18.5", "user": "ana", "uid": 1000, "version": "0.1.0",
        "command": ["make", "-j2"], "cwd": "/src", "name": "nightly", "trust": "sealed",
        "started": "2026-11-21T20:15:30.000000000Z", "ended": "2026-11-21T20:16:30.000000000Z",
        "exit": {"code": 0}, "verdict": "complete", "reasons": [],
        "coverage": {"processes": {"state": "on", "seen": 3, "stored": 3, "folded": 0, "lost": 0}},
    });
    Run {
        id: "20261121-201530-claude-7k2m".to_owned(),
        page: page.as_object().cloned().expect("an object"),
        seal_sha256: Some([0xab; 32]),
    }
}

/// What the format of this name makes of `lines`.
pub(crate) fn written(name: &str, lines: &[&str]) -> String {
    let memory = Memory::default();
    let out: Output = Box::new(memory.clone());
    let Make::Events(open) = find(name).expect("it is in the table").make else {
        panic!("{name} is not made of events here")
    };
    let mut writer = open(out);
    writer.run(&run()).expect("memory takes it");
    for line in lines {
        writer.event(&Event::parse(line.as_bytes())).expect("memory takes it");
    }
    writer.finish().expect("memory takes it");
    let bytes = memory.0.lock().expect("no panic").clone();
    String::from_utf8(bytes).expect("it is text")
}

#[test]
fn names_are_unique_and_documented() {
    let document = include_str!("../../docs/export.md");
    for (at, format) in FORMATS.iter().enumerate() {
        assert!(FORMATS[..at].iter().all(|other| other.name != format.name), "{}", format.name);
        let row = format!("| `{}` | {} |", format.name, format.says);
        assert!(document.contains(&row), "docs/export.md lacks: {row}");
    }
    let columns = crate::csv::COLUMNS.join(" ");
    assert!(document.contains(&columns), "docs/export.md lacks the columns: {columns}");
}

#[test]
fn json_lines_are_the_records_own() {
    let lines = [r#"{"run":"x","seq":1}"#, r#"{"seq":2 , "odd":"\u001b"}"#];
    assert_eq!(written("jsonl", &lines), format!("{}\n{}\n", lines[0], lines[1]));
}

#[test]
fn a_row_has_its_columns_and_no_cell_acts() {
    let line = r#"{"run":"r","seq":1,"ts":"2026-11-21T20:15:30.000000001Z","type":"exec","pid":7,
        "exe":"=cmd|x","argv":["a b","\"q\"","\u001b[2J"],"cwd":"a\"b,c\nd"}"#;
    let text = written("csv", &[line]);
    let rows: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].split(',').count(), crate::csv::COLUMNS.len());
    assert!(rows[1].starts_with("r,1,2026-11-21T20:15:30.000000001Z,exec,,7,,,,"), "{}", rows[1]);
    let quoted = r#""'=cmd|x","[""a b"",""\""q\"""",""\u001b[2J""]","a""b,c\nd","#;
    assert!(rows[1].contains(quoted), "{}", rows[1]);
    assert!(!text.contains('\u{1b}'));
}

proptest! {
    /// Lines are as hostile as the run's directory: no line makes a format panic, none takes a row apart.
    #[test]
    fn a_line_of_any_bytes_is_one_row(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in FORMATS {
            let Make::Events(open) = format.make else { continue };
            let mut writer = open(Box::new(io::sink()));
            writer.run(&run()).expect("it takes all");
            let taken = writer.event(&Event::parse(&line));
            // Columns without a value that they must have are refused, not made up.
            assert!(taken.is_ok() || format.name == "parquet", "{taken:?}");
            writer.finish().expect("it takes all");
        }
    }

    #[test]
    fn a_text_of_any_kind_stays_in_its_row(text in ".*") {
        let line = serde_json::json!({"seq": 1, "path": text}).to_string();
        let table = written("csv", &[&line]);
        prop_assert_eq!(table.matches("\r\n").count(), 2);
        prop_assert!(table.split("\r\n").all(|row| !row.chars().any(event::json::acts)));
    }
}
