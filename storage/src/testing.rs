//! For tests: a recording written by hand, so that readers are held against the documented bytes and
//! not against structures that they share with the writer.

use std::{ffi::OsStr, fs, io::Write, path::PathBuf};

use event::{
    frame::{Ask, Chain, Packer, encode, encode_slim, frame_len, slim_len},
    json,
    model::Value,
};

use crate::{Consumed, DeriveLock, Events, How, Meta, Row, RunDir, Store, Tail, Writer};

/// Version of the derivation in tests.
pub(crate) const DERIVATION: u32 = 3;

/// A store of its own with one run in it, gone with the value.
pub(crate) struct Bench {
    pub(crate) home: tempfile::TempDir,
    pub(crate) run: RunDir,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let home = tempfile::tempdir().expect("a directory");
        let store = Store::open(home.path());
        let run = store.create_run(1_795_292_130, None, OsStr::new("/bin/sh")).expect("a run");
        Bench { home, run }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.run.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("it reads")
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("it writes");
    }

    /// The lines at rest, unpacked by zstd itself.
    pub(crate) fn lines(&self) -> Vec<u8> {
        zstd::decode_all(&*self.read("events.jsonl.zst")).expect("it unpacks")
    }

    /// A sealed run of three segments of the first form with `frames` frames of ours in each.
    pub(crate) fn recorded(frames: usize) -> Bench {
        Bench::recorded_as(frames, Form::Frames)
    }

    /// The same in a form.
    pub(crate) fn recorded_as(frames: usize, form: Form) -> Bench {
        let bench = Bench::new();
        let mut recording = Recording::start_as(&bench.run, form);
        for segment in 0..3 {
            if segment > 0 {
                recording.rotate();
            }
            for frame in 0..frames {
                recording.frame(74, &vec![b'x'; 3 + frame * 5]);
            }
            recording.checkpoint();
        }
        recording.seal();
        bench
    }

    /// Derives `rows` from whatever the segments hold.
    pub(crate) fn derive(&self, how: How<'_>, rows: &[Row<'_>]) -> Meta {
        let lock = DeriveLock::take(&self.run).expect("it locks").expect("it is free");
        let mut writer = Writer::begin(&self.run, lock, how).expect("a writer");
        for row in rows {
            let line = line(self.run.id().as_str(), row);
            writer.push(&Row { line: &line, ..*row }).expect("it is taken");
        }
        writer.finish(Meta::default(), &self.consumed(), DERIVATION).expect("it is written")
    }

    pub(crate) fn consumed(&self) -> Consumed {
        let mut tail = Tail::open(&self.run).expect("a tail");
        tail.read_all(|_| Ok::<(), ()>(())).expect("they read");
        tail.finish().expect("it ends")
    }

    pub(crate) fn events(&self, meta: Option<&Meta>) -> Events<'_> {
        Events::open(&self.run, meta).expect("events")
    }
}

/// A form of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Frames one behind the other.
    Frames,
    /// A block for every two frames, and the seal bare.
    Blocks,
}

/// Writes segments as `docs/storage.md` has them.
pub(crate) struct Recording {
    form: Form,
    packer: Packer,
    /// Frames of the next block, how many, and whether the file begins with it.
    waiting: (Vec<u8>, u64, bool),
    dir: PathBuf,
    run: String,
    pub(crate) chain: Chain,
    number: u32,
    pub(crate) seq: u64,
}

impl Recording {
    pub(crate) fn start(run: &RunDir) -> Recording {
        Recording::start_as(run, Form::Frames)
    }

    pub(crate) fn start_as(run: &RunDir, form: Form) -> Recording {
        let mut recording = Recording {
            form,
            packer: Packer::new().expect("memory"),
            waiting: (Vec::new(), 0, true),
            dir: run.path().join("segments"),
            run: run.id().to_string(),
            chain: Chain::new(run.id().as_str().as_bytes()),
            number: 0,
            seq: 0,
        };
        recording.rotate();
        recording.frame(66, &start_payload());
        recording.frame(65, br#"{"command":["sh","-c","x"],"cwd":"/","name":"nightly"}"#);
        recording
    }

    /// Begins the next segment.
    pub(crate) fn rotate(&mut self) {
        self.pack(false);
        self.number += 1;
        let mut payload = self.chain.peek().to_vec();
        payload.extend(padded(self.run.as_bytes()));
        payload.extend(1u32.to_le_bytes());
        payload.extend(self.number.to_le_bytes());
        match self.form {
            Form::Frames => self.write(b"AUDSEG01"),
            Form::Blocks => {
                self.chain.update(b"AUDSEG02");
                self.packer.begin_anew();
                self.waiting.2 = true;
            }
        }
        self.frame(64, &payload);
    }

    pub(crate) fn frame(&mut self, kind: u16, payload: &[u8]) {
        if self.form == Form::Blocks {
            let mut bytes = vec![0; slim_len(payload.len())];
            encode_slim(&mut bytes, kind, 1_000 + self.seq, &[payload]).expect("it fits");
            self.chain.update(&bytes);
            self.waiting.0.extend(bytes);
            self.waiting.1 += 1;
            self.seq += 1;
            if self.waiting.1 == 2 {
                self.pack(false);
            }
            return;
        }
        let bytes = self.framed(kind, payload);
        self.write(&bytes);
        self.seq += 1;
    }

    /// Writes what waits as a block.
    pub(crate) fn pack(&mut self, bare: bool) {
        let (plain, count, begins) = std::mem::take(&mut self.waiting);
        if plain.is_empty() {
            return;
        }
        let ask = Ask { plain: &plain, first: self.seq + 1 - count, begins, bare };
        let block = self.packer.pack(&ask).expect("memory").to_vec();
        self.append(&block);
    }

    /// The bytes of the next frame, not written.
    pub(crate) fn framed(&self, kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; frame_len(payload.len())];
        encode(&mut bytes, kind, self.seq + 1, 1_000 + self.seq, &[payload]).expect("it fits");
        bytes
    }

    pub(crate) fn checkpoint(&mut self) {
        let mut payload = self.chain.link().to_vec();
        payload.extend(5_000u64.to_le_bytes());
        payload.extend(1_795_292_131_000_000_000i64.to_le_bytes());
        payload.extend([0; 8]);
        self.frame(67, &payload);
    }

    pub(crate) fn seal(&mut self) {
        let mut payload = self.chain.link().to_vec();
        payload.extend(6_000u64.to_le_bytes());
        payload.extend(1_795_292_132_000_000_000i64.to_le_bytes());
        payload.extend((self.seq + 1).to_le_bytes());
        payload.extend(0x0300i32.to_le_bytes());
        for number in [1u32, 1, 0] {
            payload.extend(number.to_le_bytes());
        }
        self.pack(false);
        self.frame(68, &payload);
        self.pack(true);
    }

    /// Appends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.chain.update(bytes);
        self.append(bytes);
    }

    /// Appends bytes that the chain does not know.
    pub(crate) fn append(&self, bytes: &[u8]) {
        let mut options = fs::OpenOptions::new();
        let file = options.append(true).create(true).open(self.file());
        file.expect("it opens").write_all(bytes).expect("it writes");
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.join(format!("{:06}.seg", self.number))
    }
}

fn padded(text: &[u8]) -> [u8; 64] {
    let mut room = [0; 64];
    room[..text.len()].copy_from_slice(text);
    room
}

fn start_payload() -> Vec<u8> {
    let mut payload = 4_000u64.to_le_bytes().to_vec();
    payload.extend(1_795_292_130_000_000_000i64.to_le_bytes());
    payload.extend(77u64.to_le_bytes());
    payload.extend([9; 16]);
    payload.extend(0u32.to_le_bytes());
    payload.extend(2u32.to_le_bytes());
    payload.extend(6u16.to_le_bytes());
    payload.extend(4u16.to_le_bytes());
    payload.extend([0; 4]);
    payload.extend(b"6.18.4host");
    payload
}

/// The JSON line of `row`, newline included, as the documents have it.
pub(crate) fn line(run: &str, row: &Row<'_>) -> Vec<u8> {
    let mut ts = Vec::new();
    event::time::rfc3339(row.ts_ns, &mut ts);
    let ts = String::from_utf8(ts).expect("ASCII");
    let kind = row.kind;
    let mut out =
        format!(r#"{{"run":"{run}","seq":{},"ts":"{ts}","type":"{kind}""#, row.seq).into_bytes();
    let mut put = |name: &str, value: Option<Value<'_>>| {
        if let Some(value) = value {
            json::field(name, value, &mut out);
        }
    };
    let number = |number: Option<u32>| number.map(|n| Value::Number(n.into()));
    put("op", row.op.map(Value::Text));
    put("pid", number(row.pid));
    put("ppid", number(row.ppid));
    put("uid", number(row.uid));
    put("exe", row.exe.map(Value::Bytes));
    put("path", row.path.map(Value::Bytes));
    put("path2", row.path2.map(Value::Bytes));
    put("proto", row.proto.map(Value::Text));
    put("host", row.host.map(Value::Text));
    let peer = row
        .ip
        .zip(row.port)
        .map(|(ip, port)| std::net::SocketAddr::new(ip.parse().expect("an address"), port));
    put("peer", peer.map(Value::Address));
    put("sent_bytes", row.sent.map(Value::Number));
    put("received_bytes", row.received.map(Value::Number));
    put("count", (row.count != 1).then_some(Value::Number(row.count)));
    out.extend_from_slice(b"}\n");
    out
}
