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
        redaction: None,
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

/// A finding whose words would act on a terminal, or end the structured data.
const FINDING: &str = r#"{"run":"r","seq":4,"ts":"2026-11-21T20:15:30.123456789Z","type":"finding","pid":7,
    "start_ns":70,"rule":"A B","severity":"high","title":"made \u001b[2J","cause":3,"path":"/a]\"b\\c\nd"}"#;

#[test]
fn a_finding_is_a_line_of_syslog_and_nothing_else_is() {
    let said = written("syslog", &[r#"{"type":"exec","seq":1}"#, FINDING]);
    let head =
        "<107>1 2026-11-21T20:15:30.123456Z build-3 audit - A_B [audit@32473 run=\"r\" seq=\"4\"";
    assert!(said.starts_with(head), "{said}");
    assert!(said.contains(r#" path="/a\]\"b\\\\c\\nd"] made \u001b[2J"#), "{said}");
    assert_eq!(said.matches('\n').count(), 1);
}

#[test]
fn a_finding_is_an_entry_of_the_journal_whatever_is_in_it() {
    let said = written("journal", &[r#"{"type":"exec","seq":1}"#, FINDING]);
    assert!(said.starts_with("__REALTIME_TIMESTAMP=1795292130123456\nMESSAGE\n\u{9}\0\0\0\0\0\0\0made \u{1b}[2J\nPRIORITY=3\n"), "{said}");
    assert!(
        said.contains("AUDIT_PATH\n\u{9}\0\0\0\0\0\0\0/a]\"b\\c\nd\n") && said.ends_with("\n\n"),
        "{said:?}"
    );
}

#[test]
fn each_process_is_a_track_and_each_program_a_slice() {
    let at = |second: u32, rest: &str| {
        format!(r#"{{"run":"r","seq":1,"ts":"2026-11-21T20:15:{second:02}.000000001Z",{rest}}}"#)
    };
    let lines = [
        at(1, r#""type":"exec","pid":7,"start_ns":70,"exe":"/bin/sh","argv":["sh"]"#),
        at(
            2,
            r#""type":"process","op":"fork","pid":7,"start_ns":70,"exe":"/bin/sh","child_pid":8,"child_start_ns":80"#,
        ),
        at(3, r#""type":"exec","pid":8,"start_ns":80,"exe":"/bin/ls","argv":["ls"]"#),
        at(4, r#""type":"process","op":"exit","pid":8,"start_ns":80,"exe":"/bin/ls","code":0"#),
        at(5, r#""type":"file","op":"write","pid":8,"start_ns":80,"path":"/x""#),
        at(5, r#""type":"file","op":"write","pid":9,"start_ns":90,"path":"/y""#),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let trace: serde_json::Value =
        serde_json::from_str(&written("perfetto", &lines)).expect("it is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let told: Vec<String> = events
        .iter()
        .filter(|event| event["ph"] != "M")
        .map(|event| format!("{} {} {} {}", event["ts"], event["tid"], event["ph"], event["name"]))
        .collect();
    let expected = [
        r#"0.0 1 "B" "sh""#,
        r#"1000000.0 2 "B" "sh""#,
        r#"2000000.0 2 "E" null"#,
        r#"2000000.0 2 "B" "ls""#,
        r#"3000000.0 2 "E" null"#,
        r#"4000000.0 2 "i" "write /x""#,
        r#"4000000.0 1 "E" null"#,
    ];
    assert_eq!(told, expected);
    assert_eq!(trace["otherData"]["instants_cut"], 1);
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
