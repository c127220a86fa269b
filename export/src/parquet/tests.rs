//! A file read back by the library's own reader holds what the lines say.

use std::{collections::BTreeSet, io};

use bytes::Bytes;
use event::model::table::{TYPES, find};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, RowAccessor},
};
use serde_json::{Map, Value, json};

use super::{COLUMNS, From, Kind, VERSION, open};
use crate::{
    Event,
    tests::{Memory, run},
};

fn written<'l>(lines: impl IntoIterator<Item = &'l [u8]>) -> io::Result<Vec<u8>> {
    let kept = Memory::default();
    let mut writer = open(Box::new(kept.clone()));
    writer.run(&run())?;
    for line in lines {
        writer.event(&Event::parse(line))?;
    }
    writer.finish()?;
    Ok(kept.0.lock().expect("nobody panicked").clone())
}

/// The rows of a file: what is not null, by name.
fn rows(file: Vec<u8>) -> Vec<Map<String, Value>> {
    let reader = SerializedFileReader::new(Bytes::from(file)).expect("a whole file");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| {
        let row = row.expect("a row");
        row.get_column_iter()
            .filter(|(_, field)| !matches!(field, Field::Null))
            .map(|(name, field)| (name.clone(), value(field)))
            .collect()
    })
    .collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Long(number) => json!(number),
        Field::Date(day) => json!(day),
        Field::Bool(flag) => json!(flag),
        Field::Str(text) => json!(text),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        other => panic!("no column has {other:?}"),
    }
}

/// The lines that docs/events.md shows: every type, every operation.
fn documented() -> Vec<&'static str> {
    let page = include_str!("../../../docs/events.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("{\"run\":")).collect();
    assert!(lines.len() > 20, "{} examples", lines.len());
    lines
}

#[test]
fn every_field_of_every_documented_event_is_in_a_column_or_in_more() {
    let lines = documented();
    let rows = rows(written(lines.iter().map(|line| line.as_bytes())).expect("it is written"));
    assert_eq!(rows.len(), lines.len());
    for (line, row) in lines.iter().zip(&rows) {
        let said: Map<String, Value> = serde_json::from_str(line).expect("an example is JSON");
        assert_eq!(line_of(row, &said), said);
    }
}

/// Puts the fields of a line together again out of its row.
fn line_of(row: &Map<String, Value>, said: &Map<String, Value>) -> Map<String, Value> {
    let of_run = ["run", "host", "name", "user", "date"];
    let kind = row["type"].as_str().expect("a type");
    let mut line = Map::new();
    for (column, value) in row {
        match (column.as_str(), kind) {
            ("more", _) => {
                let more = value.as_str().expect("more is text");
                line.extend(serde_json::from_str::<Map<_, _>>(more).expect("more is an object"));
            }
            ("ts", _) => {
                line.insert("ts".to_owned(), said["ts"].clone());
                let mut text = Vec::new();
                event::time::rfc3339(value.as_i64().expect("a number"), &mut text);
                assert_eq!(said["ts"].as_str().map(str::as_bytes), Some(text.as_slice()));
            }
            ("dest_ip", _) => {
                let port = &row["dest_port"];
                let ip: std::net::IpAddr =
                    value.as_str().expect("text").parse().expect("an address");
                let port = u16::try_from(port.as_u64().expect("a port")).expect("a port");
                line.insert(
                    "peer".to_owned(),
                    json!(std::net::SocketAddr::new(ip, port).to_string()),
                );
            }
            ("dest_port", _) => {}
            ("dest_host", _) => drop(line.insert("host".to_owned(), value.clone())),
            ("argv", "start") => drop(line.insert("command".to_owned(), value.clone())),
            ("hash", _) => drop(line.insert("blake3".to_owned(), value.clone())),
            ("call", _) => drop(line.insert("name".to_owned(), value.clone())),
            (name, _) if of_run.contains(&name) => {}
            (name, _) => drop(line.insert(name.to_owned(), value.clone())),
        }
    }
    line.insert("run".to_owned(), said["run"].clone());
    for field in ["host", "name", "user"] {
        if kind == "start" && said.contains_key(field) {
            line.insert(field.to_owned(), said[field].clone());
        }
    }
    line
}

#[test]
fn every_column_is_of_fields_that_the_event_model_has() {
    let is_field = |word: &&str| match word.split_once('.') {
        Some((kind, field)) => find(kind).is_some_and(|kind| kind.has_field(field)),
        None => TYPES.iter().any(|kind| kind.has_field(word)),
    };
    for column in COLUMNS {
        if let From::Fields(words) = column.from {
            assert!(words.iter().all(is_field), "{}", column.name);
        }
    }
}

#[test]
fn names_of_columns_are_told_apart_and_documented() {
    let names: BTreeSet<&str> = COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(names.len(), COLUMNS.len());
    let page = include_str!("../../../docs/parquet.md");
    let documented: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| {
            let mut cells = line.split(" | ");
            let name = cells.next()?.strip_suffix('`')?;
            Some(format!("{name} {}", cells.next()?))
        })
        .collect();
    let table: Vec<String> = COLUMNS
        .iter()
        .map(|c| {
            let null = if c.required { "" } else { ", or null" };
            format!("{} {}{null}", c.name, c.kind.word())
        })
        .collect();
    assert_eq!(documented, table, "docs/parquet.md has the table");
    assert!(page.contains(&format!("`audit.schema` = `{VERSION}`")));
}

#[test]
fn what_is_of_another_type_than_its_column_is_kept_in_more() {
    let line = br#"{"run":"r","seq":1,"ts":"2026-11-22T20:15:30.002000000Z","type":"file","pid":"x","bytes":18446744073709551615,"path":["a"]}"#;
    let rows = rows(written([&line[..]]).expect("it is written"));
    assert_eq!(rows[0]["more"], json!(r#"{"pid":"x","bytes":18446744073709551615,"path":["a"]}"#));
}

#[test]
fn a_line_that_is_no_event_is_an_error() {
    for line in ["", "{", "[]", "{}", r#"{"seq":1}"#, r#"{"seq":1,"ts":"x","type":"file"}"#] {
        assert!(written([line.as_bytes()]).is_err(), "{line}");
    }
}

#[test]
fn long_runs_are_written_in_row_groups_and_read_back_whole() {
    let lines: Vec<String> = (1..=250_000)
        .map(|seq| {
            format!(
                r#"{{"run":"r","seq":{seq},"ts":"2026-11-22T20:15:30.002000000Z","type":"exec","argv":["a","{}"]}}"#,
                seq % 7
            )
        })
        .collect();
    let file = written(lines.iter().map(|line| line.as_bytes())).expect("it is written");
    let reader = SerializedFileReader::new(Bytes::from(file)).expect("a whole file");
    let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|g| g.num_rows()).collect();
    assert_eq!(groups, [120_000, 120_000, 10_000]);
    let at = COLUMNS.iter().position(|column| column.name == "seq").expect("a column");
    let seqs = reader.get_row_iter(None).expect("rows").map(|r| r.expect("a row").get_long(at));
    assert!(seqs.map(|seq| seq.expect("a number")).eq(1..=250_000));
}

#[test]
fn the_same_events_make_the_same_bytes() {
    let write = || written(documented().iter().map(|line| line.as_bytes())).expect("written");
    assert_eq!(write(), write());
}

#[test]
fn a_run_without_events_is_a_file_without_rows() {
    assert_eq!(rows(written([]).expect("it is written")), []);
    assert_eq!(COLUMNS.iter().filter(|column| column.kind == Kind::Texts).count(), 2);
}
