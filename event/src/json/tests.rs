//! Claims about the JSON form: nothing is lost, nothing acts, a line is a line.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::{Lines, base64, line};
use crate::model::{Actor, Event, Exec, File, FileOp, What, arguments};

fn event(what: What) -> Event {
    Event { seq: 7, ts_ns: 1_795_378_530_123_456_789, boot_ns: 9, actor: None, what }
}

fn written(event: &Event) -> (String, Json) {
    let mut out = Vec::new();
    line("20261121-201530-ls-7k2m", event, &mut out);
    let text = String::from_utf8(out).expect("a line is UTF-8");
    let json = serde_json::from_str(&text).expect("a line is JSON");
    (text, json)
}

fn read_event(path: &[u8]) -> Event {
    event(What::File(File { path: Some(path.to_vec()), ..File::new(FileOp::Read) }))
}

/// The exact bytes of a field, as a reader of the documents gets them.
fn exact(json: &Json, name: &str) -> Vec<u8> {
    match json.get(format!("{name}_b64")).and_then(Json::as_str) {
        Some(text) => base64::decode(text.as_bytes()).expect("base64"),
        None => json[name].as_str().expect("a string").as_bytes().to_vec(),
    }
}

#[test]
fn run_seq_ts_and_type_come_first() {
    let (text, _) = written(&read_event(b"/etc/hosts"));
    assert_eq!(
        text,
        "{\"run\":\"20261121-201530-ls-7k2m\",\"seq\":7,\"ts\":\"2026-11-22T20:15:30.123456789Z\",\
         \"type\":\"file\",\"op\":\"read\",\"path\":\"/etc/hosts\",\"count\":1,\"count_exact\":false}\n"
    );
}

#[test]
fn what_is_kept_from_line_to_line_is_that_of_the_event() {
    let who = |pid, uid, exe: Option<&[u8]>| {
        let id = crate::ProcId { pid, start_ns: u64::from(pid) };
        Some(Actor { id, ppid: None, uid, exe: exe.map(Into::into) })
    };
    let actors = [
        None,
        Some(Actor::default()),
        who(1, None, None),
        who(1, Some(0), None),
        who(2, Some(0), Some(b"/\xff")),
    ];
    let times = [0, -1, 1, 999_999_999, 1_000_000_000, 1_795_378_530_123_456_789, -1_000_000_000];
    let mut lines = Lines::new("20261121-201530-ls-7k2m");
    // Twice over and both ways round, so that each comes behind itself and behind others.
    let pairs = actors.iter().flat_map(|actor| times.map(|ts_ns| (actor, ts_ns)));
    for (actor, ts_ns) in pairs.clone().chain(pairs.clone()).chain(pairs.rev()) {
        let event = Event { ts_ns, actor: actor.clone(), ..read_event(b"/etc/hosts") };
        let mut out = Vec::new();
        lines.line(&event, &mut out);
        assert_eq!(String::from_utf8(out).expect("a line is UTF-8"), written(&event).0);
        let mut time = Vec::new();
        crate::time::rfc3339(ts_ns, &mut time);
        assert_eq!(written(&event).1["ts"].as_str().map(str::as_bytes), Some(time.as_slice()));
    }
}

#[test]
fn utf_8_has_no_second_form() {
    let (text, json) = written(&read_event("/tmp/ä\u{1f600}".as_bytes()));
    assert!(!text.contains("_b64"));
    assert_eq!(json["path"], "/tmp/ä\u{1f600}");
}

#[test]
fn what_acts_on_a_terminal_is_escaped() {
    let nasty = "a\nb\rc\u{1b}[2Jd\u{7f}e\u{9b}f\u{202e}g\u{2028}h\u{feff}";
    let (text, json) = written(&read_event(nasty.as_bytes()));
    assert_eq!(json["path"], nasty);
    assert!(!text.trim_end_matches('\n').chars().any(super::acts), "{text:?}");
}

#[test]
fn arguments_that_are_not_utf_8_are_exact_in_the_second_list() {
    let exec = Exec { argv: b"sh\0-c\0\xff\n\0\0".to_vec(), argc: 4, ..Exec::default() };
    let (_, json) = written(&event(What::Exec(Box::new(exec))));
    assert_eq!(json["argv"], serde_json::json!(["sh", "-c", "\u{fffd}\n", ""]));
    let exact: Vec<Vec<u8>> = json["argv_b64"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| base64::decode(item.as_str()?.as_bytes()))
        .collect();
    assert_eq!(exact, [&b"sh"[..], b"-c", b"\xff\n", b""]);
}

#[test]
fn arguments_are_split_at_their_ends() {
    let split = |bytes: &[u8]| arguments(bytes).map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert_eq!(split(b""), Vec::<Vec<u8>>::new());
    assert_eq!(split(b"\0"), [b""]);
    assert_eq!(split(b"a\0b"), [b"a", b"b"]);
    assert_eq!(split(b"a\0\0"), [&b"a"[..], b""]);
}

#[test]
fn base64_is_that_of_rfc_4648() {
    for (bytes, text) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
    {
        let mut out = Vec::new();
        base64::encode(bytes.as_bytes(), &mut out);
        assert_eq!(out, text.as_bytes());
        assert_eq!(base64::decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
    }
    for bad in ["Z", "Zg=", "Zh==", "====", "Zg==Zg==", "Z!=="] {
        assert_eq!(base64::decode(bad.as_bytes()), None, "{bad}");
    }
}

/// Bytes that like to break things, between arbitrary ones.
fn nasty() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..6),
        any::<char>().prop_map(|char| char.to_string().into_bytes()),
        prop::sample::select(vec![
            b"\n".to_vec(),
            b"\x1b[0m".to_vec(),
            b"\xff".to_vec(),
            b"\0".to_vec(),
            b"\"\\".to_vec(),
            "\u{202e}".into(),
            "\u{2066}".into(),
            "\u{9d}".into(),
            b"\xed\xa0\x80".to_vec(),
        ]),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_come_back_and_a_line_is_one_line(path in nasty()) {
        let (text, json) = written(&read_event(&path));
        prop_assert_eq!(exact(&json, "path"), path.as_slice());
        prop_assert_eq!(json.get("path_b64").is_some(), std::str::from_utf8(&path).is_err());
        let inner = text.strip_suffix('\n').expect("a newline at the end");
        prop_assert!(!inner.chars().any(super::acts));
    }

    #[test]
    fn numbers_are_decimal(value: u64) {
        let mut out = Vec::new();
        super::number(value, &mut out);
        prop_assert_eq!(String::from_utf8(out).expect("digits"), value.to_string());
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in prop::collection::vec(any::<u8>(), 0..24)) {
        if let Some(bytes) = base64::decode(&text) {
            let mut again = Vec::new();
            base64::encode(&bytes, &mut again);
            prop_assert_eq!(again, text);
        }
    }
}
