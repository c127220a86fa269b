//! A finished run, read back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use serde_json::Value;

use crate::Event;

/// A run that is over, with its record.
#[derive(Debug)]
pub struct Recorded {
    /// Its directory.
    pub dir: PathBuf,
    /// How `audit run` ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Every line of the events.
    pub events: Vec<Event>,
    /// `meta.json`.
    pub meta: Value,
}

impl Recorded {
    /// Reads the record in `dir` and holds it to the form that docs/events.md promises.
    ///
    /// # Panics
    /// When it is not of that form.
    #[must_use]
    pub fn read(dir: &Path, status: ExitStatus, stdout: Vec<u8>, stderr: Vec<u8>) -> Recorded {
        let said = String::from_utf8_lossy(&stderr).into_owned();
        let file = |name: &str| {
            let path = dir.join(name);
            fs::read(&path)
                .unwrap_or_else(|why| panic!("cannot read {}: {why}\n{said}", path.display()))
        };
        let meta = serde_json::from_slice(&file("meta.json")).expect("meta.json is JSON");
        let run = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let events = parse(run, lines(dir).as_bytes());
        Recorded { dir: dir.to_owned(), status, stdout, stderr, events, meta }
    }

    /// The run's id.
    ///
    /// # Panics
    /// Never: its directory is named so.
    #[must_use]
    pub fn id(&self) -> &str {
        self.dir.file_name().and_then(|name| name.to_str()).expect("an id is a name")
    }

    /// Events of this type, and of this operation unless that is empty.
    pub fn of<'a>(&'a self, kind: &'a str, op: &'a str) -> impl Iterator<Item = &'a Event> {
        self.events.iter().filter(move |event| event.is(kind, op))
    }

    /// How many there are.
    #[must_use]
    pub fn number_of(&self, kind: &str, op: &str) -> usize {
        self.of(kind, op).count()
    }

    /// Accesses and changes of files below `dir`: exact path to the sum of counts.
    #[must_use]
    pub fn paths_below(&self, op: &str, dir: &Path) -> BTreeMap<Vec<u8>, u64> {
        let mut found = BTreeMap::new();
        let dir = dir.as_os_str().as_encoded_bytes();
        for event in self.of("file", op) {
            let Some(path) = event.bytes("path") else { continue };
            if path.strip_prefix(dir).is_some_and(|rest| rest.first() == Some(&b'/')) {
                *found.entry(path).or_default() += event.count();
            }
        }
        found
    }

    /// Events of files that have this exact path.
    pub fn at<'a>(&'a self, op: &'a str, path: &Path) -> impl Iterator<Item = &'a Event> + use<'a> {
        let path = path.as_os_str().as_encoded_bytes().to_vec();
        self.of("file", op).filter(move |event| event.bytes("path").as_ref() == Some(&path))
    }

    /// Execs of the program with this path.
    pub fn execs_of<'a>(&'a self, exe: &Path) -> impl Iterator<Item = &'a Event> + use<'a> {
        let exe = exe.as_os_str().as_encoded_bytes().to_vec();
        self.of("exec", "").filter(move |event| event.bytes("exe").as_ref() == Some(&exe))
    }

    /// Whether any line of the record holds this text.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        self.events.iter().any(|event| event.0.to_string().contains(text))
    }

    /// Standard error as text.
    #[must_use]
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The lines of a run that is over, unpacked by zstd itself.
///
/// # Panics
/// When there are none, or they do not unpack.
#[must_use]
pub fn lines(dir: &Path) -> String {
    let path = dir.join("events.jsonl.zst");
    let packed = fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    String::from_utf8(zstd::decode_all(&*packed).expect("they unpack")).expect("JSON is text")
}

/// Packs lines as a run has them at rest (docs/storage.md), from what that page says.
///
/// # Panics
/// When there is no memory for it.
#[must_use]
pub fn packed(lines: &[u8]) -> Vec<u8> {
    let (mut blocks, mut table) = (Vec::new(), Vec::new());
    for plain in lines.chunks(256 * 1024) {
        let mut block = zstd::encode_all(plain, 1).expect("memory");
        if block.len() < plain.len().div_ceil(64) {
            let zeros = vec![0; plain.len().div_ceil(64)];
            let head = [0x184d_2a50_u32, u32::try_from(zeros.len()).expect("few")];
            block.extend(head.map(u32::to_le_bytes).concat());
            block.extend(zeros);
        }
        for len in [block.len(), plain.len()] {
            table.extend(u32::try_from(len).expect("few").to_le_bytes());
        }
        blocks.extend(block);
    }
    let count = u32::try_from(table.len() / 8).expect("few");
    let rest = u32::try_from(table.len() + 9).expect("few");
    blocks.extend([0x184d_2a5e_u32, rest].map(u32::to_le_bytes).concat());
    blocks.extend(table);
    blocks.extend([&count.to_le_bytes()[..], &[0], &0x8f92_eab1_u32.to_le_bytes()].concat());
    blocks
}

/// Takes the lines apart: each begins with `run, seq, ts, type`, numbers run from 1 without gaps.
fn parse(run: &str, bytes: &[u8]) -> Vec<Event> {
    let whole = bytes.is_empty() || bytes.ends_with(b"\n");
    assert!(whole, "the events end within a line");
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut events = Vec::new();
    for (index, line) in lines.enumerate() {
        let shown = String::from_utf8_lossy(line);
        let event: Value =
            serde_json::from_slice(line).unwrap_or_else(|why| panic!("no JSON: {why}: {shown}"));
        let start = format!("{{\"run\":\"{run}\",\"seq\":{},\"ts\":\"2", index + 1);
        assert!(shown.starts_with(&start), "expected a line that begins {start}, found {shown}");
        let (_, rest) = shown.split_at(start.len());
        let after = rest.split_once('"').map(|(_, after)| after).unwrap_or_default();
        assert!(after.starts_with(",\"type\":\""), "`type` is not the fourth field: {shown}");
        events.push(Event(event));
    }
    events
}
