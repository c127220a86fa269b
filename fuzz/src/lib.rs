//! What is fuzzed: one function for each way in for bytes that somebody else made. The fuzz targets and the
//! replay of the corpora call the same ones. A target fails by a panic, or by not coming back.

use cli::pipeline::Pipeline;
use event::{
    Malformed,
    frame::{
        AlignedBytes, BLOCK_HEAD_LEN, BlockHead, Frames, MAGIC, MAGIC_BLOCKS, MAX_STORED, unpacked,
    },
    protocol::{Begin, Child, MAX_PACKET, Message, Refused},
    redact::{self, Key},
    wire::{Ends, Kind, Payload, Record, payload_flag, payload_kind},
};
pub mod mutate;

use rules::{Dest, Filter, Subject, Text};

/// Every target by name.
pub const TARGETS: [(&str, fn(&[u8])); 13] = [
    ("segment", segment),
    ("ring", ring),
    ("fanotify", fanotify),
    ("dns", dns),
    ("tls", tls),
    ("quic", quic),
    ("http", http),
    ("rules", rules),
    ("query", query),
    ("import", import),
    ("protocol", protocol),
    ("redact", redact),
    ("bundle", bundle),
];

fn aligned(bytes: &[u8]) -> AlignedBytes {
    let mut aligned = AlignedBytes::new();
    aligned.extend(bytes);
    aligned
}

/// A segment, from its frames to JSON lines. The checks of frames are made right first: behind them is
/// what a fuzzer is to reach.
pub fn segment(bytes: &[u8]) {
    let as_it_is = aligned(bytes.strip_prefix(&MAGIC).unwrap_or(bytes));
    let mended = mended(as_it_is.as_slice());
    // Twice as much as a block may hold: what goes on from block to block is reached.
    let blocks = bytes.strip_prefix(&MAGIC_BLOCKS).unwrap_or(bytes);
    let [plain, of_mended] =
        [blocks, &mended_blocks(blocks)].map(|blocks| unpacked(blocks, 2 << 20));
    for frames in [
        Frames::new(as_it_is.as_slice(), None),
        Frames::new(mended.as_slice(), None),
        Frames::in_block(as_it_is.as_slice(), 1),
        Frames::in_block(plain.as_slice(), 1),
        Frames::in_block(of_mended.as_slice(), 1),
    ] {
        let (mut pipeline, mut line) = (Pipeline::new("20261121-201530-fuzz-7k2m"), Vec::new());
        let mut emit = |event: &event::model::Event| {
            line.clear();
            event::json::line("20261121-201530-fuzz-7k2m", event, &mut line);
            assert!(line.ends_with(b"}\n") && !line[..line.len() - 1].contains(&b'\n'));
        };
        let mut frames = frames;
        for frame in frames.by_ref() {
            pipeline.feed(&frame, &mut emit);
        }
        pipeline.finish(frames.damage().is_some(), &mut emit);
    }
}

/// The same blocks with checks as they should be.
fn mended_blocks(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while let Some((head, behind)) = rest.split_at_checked(BLOCK_HEAD_LEN) {
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let len = (word(0) as usize).min(behind.len()).min(MAX_STORED);
        let (stored, after) = behind.split_at(len);
        let made = BlockHead::over(stored, word(4) as usize, u64::from(word(8)), word(16) & 3);
        for field in [made.stored, made.plain, made.first as u32, 0, made.flags, made.check] {
            out.extend(field.to_le_bytes());
        }
        out.extend(stored);
        rest = after;
    }
    out
}

/// The same frames with numbers and checks as they should be.
fn mended(bytes: &[u8]) -> AlignedBytes {
    let (mut out, mut rest, mut seq) = (AlignedBytes::new(), bytes, 0);
    let mut room = vec![0; event::frame::frame_len(event::frame::MAX_PAYLOAD)];
    while let Some(head) = rest.first_chunk::<{ event::frame::HEAD_LEN }>() {
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let kind = u16::from_le_bytes([head[4], head[5]]);
        let boot_ns = u64::from(word(16)) | u64::from(word(20)) << 32;
        let body = &rest[event::frame::HEAD_LEN..];
        let len = (word(0) as usize).min(body.len()).min(event::frame::MAX_PAYLOAD);
        seq += 1;
        if let Some(len) = event::frame::encode(&mut room, kind, seq, boot_ns, &[&body[..len]]) {
            out.extend(&room[..len]);
        }
        rest = body.get(len.next_multiple_of(8)..).unwrap_or_default();
    }
    out
}

/// A record of a BPF ring.
pub fn ring(bytes: &[u8]) {
    let bytes = aligned(bytes);
    if let Ok(record) = Record::parse(bytes.as_slice()) {
        assert!(Kind::from_wire(record.head().kind).is_some());
    }
}

/// What a fanotify group gives.
pub fn fanotify(bytes: &[u8]) {
    let (good, bad) = fsmon::walk(bytes);
    assert!(good + bad <= bytes.len());
}

/// First bytes of conversations: each line of lengths is one packet. The first byte says the direction.
fn conversation(kind: u32, proto: u16, bytes: &[u8]) {
    let mut hosts = netmon::Hosts::default();
    let (mut rest, mut offset, mut number) = (bytes, 0_u32, 0_u64);
    while let [first, len, tail @ ..] = rest {
        let len = usize::from(*len) * 8;
        let (data, after) = tail.split_at(len.min(tail.len()));
        let ends = Ends {
            local: [1; 16],
            peer: [first >> 4; 16],
            local_port: 40_000,
            peer_port: if kind == payload_kind::DNS { 53 } else { 443 },
            family: 2,
            proto,
        };
        let head =
            event::wire::Head { boot_ns: number, start_ns: 7, kind: 27, size: 0, pid: 7, tid: 7 };
        let flags = if first & 1 == 0 { payload_flag::OUT } else { 0 }
            | if first & 2 == 0 { 0 } else { payload_flag::CUT };
        let payload =
            Payload { head, cookie: 5, ends, offset, len: data.len() as u32, kind, flags };
        hosts.payload(&payload, data, number, &mut |dns| assert!(dns.answers.len() <= 65_536));
        let peer = std::net::SocketAddr::from(([0x0101, 0, 0, 0, 0, 0, 0, 1], 443));
        let _ = hosts.of(5, peer, event::ProcId { pid: 7, start_ns: 7 }, number);
        offset = offset.wrapping_add(data.len() as u32);
        number += 1;
        rest = after;
    }
}

/// DNS messages in datagrams, and in a stream.
pub fn dns(bytes: &[u8]) {
    conversation(payload_kind::DNS, 17, bytes);
    conversation(payload_kind::DNS, 6, bytes);
}

/// A ClientHello in pieces.
pub fn tls(bytes: &[u8]) {
    conversation(payload_kind::TLS, 6, bytes);
}

/// Initial packets.
pub fn quic(bytes: &[u8]) {
    conversation(payload_kind::QUIC, 17, bytes);
}

/// Heads of requests.
pub fn http(bytes: &[u8]) {
    conversation(payload_kind::HTTP, 6, bytes);
}

/// A condition, and a path that it looks at.
pub fn rules(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (text, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    let subject = Subject {
        kind: "file",
        op: Some("read"),
        pid: Some(1),
        exe: Some(path),
        paths: [Some(path), None],
        also: path,
        ip: None,
        port: Some(443),
        host: Some("example.org"),
        ts_ns: 0,
        text: Text::Line(path),
    };
    let filters = [
        Filter::default().with_path(text),
        Filter::default().with_exe(text),
        Filter::default().with_dest(text),
        Ok(Filter::default().containing(text)),
        Filter::default().with_type(text),
        Filter::default().with_op(text),
    ];
    for filter in filters.into_iter().flatten() {
        let _ = filter.holds(&subject);
    }
    if let Ok(dest) = Dest::parse(text) {
        let _ = dest.holds(Some([1, 1, 1, 1].into()), Some(1), Some("a.example"));
    }
}

/// Words behind `audit query`, one a line.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let words = ["audit", "query"].into_iter().chain(text.lines());
    let _ = <cli::args::Cli as clap::Parser>::try_parse_from(words);
}

/// A run's directory that somebody else made: two bytes of length before each file.
pub fn import(bytes: &[u8]) {
    let memory = std::path::Path::new("/dev/shm");
    let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let place = place.expect("room for a directory");
    let run = place.path().join("20261121-201530-fuzz-7k2m");
    std::fs::create_dir_all(run.join("segments")).expect("room");
    let mut rest = bytes;
    for name in [
        "meta.json",
        "events.jsonl.zst",
        "index.sqlite",
        "segments/000001.seg",
        "segments/000002.seg",
    ] {
        let [low, high, tail @ ..] = rest else { break };
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (file, after) = tail.split_at(len);
        std::fs::write(run.join(name), file).expect("room");
        rest = after;
    }
    let Ok(run) = storage::RunDir::open(&run) else { return };
    let _ = run.meta();
    let _ = run.listed();
    let _ = run.freshness(cli::pipeline::DERIVATION);
    if let Ok(meta) = run.meta() {
        let _ = storage::Events::open(&run, meta.as_ref());
    }
    if let Ok(mut tail) = storage::Tail::open(&run) {
        let mut pipeline = Pipeline::new("20261121-201530-fuzz-7k2m");
        let mut limit = 0;
        while tail
            .read(|frame| {
                pipeline.feed(frame, &mut |_| {});
                Ok::<(), storage::Error>(())
            })
            .is_ok_and(|more| more)
        {
            limit += 1;
            assert!(limit < 100_000, "reading does not end");
        }
    }
}

/// A word on the socket between the two programs.
pub fn protocol(bytes: &[u8]) {
    let bytes = aligned(bytes.get(..bytes.len().min(MAX_PACKET)).unwrap_or_default());
    let message: Result<Message<'_>, Malformed> = Message::parse(bytes.as_slice());
    if let Ok(message) = message {
        let _ = message.body::<Begin>();
        let _ = message.body::<Child>();
        let _ = message.body::<Refused>();
        let _ = storage::About::parse(message.bytes());
    }
}

/// An argv with secrets.
pub fn redact(bytes: &[u8]) {
    let mut spans = redact::Spans::default();
    redact::scan(bytes, &mut spans);
    let mut end = 0;
    for span in spans.iter() {
        assert!(span.at >= end && span.len > 0);
        end = span.range().end;
    }
    assert!(end <= bytes.len());
    let (text, count) = redact::marked(bytes, &Key::new([7; 32]));
    assert_eq!(count, spans.iter().count());
    assert!(text.len() <= bytes.len() + count * 24);
}

/// A bundle: as it is, with a right hash, and as the tar that is in one.
pub fn bundle(bytes: &[u8]) {
    let packed = zstd::encode_all(bytes, 1).expect("memory takes it");
    let mut end = vec![0x5a, 0x2a, 0x4d, 0x18, 64, 0, 0, 0];
    end.extend(b"AUDBUN01");
    end.extend((bytes.len() as u64).to_le_bytes());
    let files = bytes.chunks(512).filter(|block| block.get(257..262) == Some(b"ustar")).count();
    end.extend((files as u64).to_le_bytes());
    end.extend([0; 8]);
    let hashed = |bytes: &[u8]| [bytes, &event::sign::sha256(bytes)].concat();
    let mended = bytes.get(..bytes.len().saturating_sub(32)).unwrap_or_default();
    for bytes in [bytes, &hashed(mended), &hashed(&[packed, end].concat())] {
        read_bundle(bytes);
    }
}

fn read_bundle(bytes: &[u8]) {
    let memory = std::path::Path::new("/dev/shm");
    let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let place = place.expect("room for a directory");
    let file = place.path().join("run.tar.zst");
    std::fs::write(&file, bytes).expect("room");
    let store = storage::Store::open(place.path());
    let store = store.with_bundles(Some(place.path().join("cache")));
    let Ok(run) = store.select(file.to_str().expect("it is UTF-8")) else {
        let left = std::fs::read_dir(place.path().join("cache/bundles"));
        assert_eq!(left.into_iter().flatten().count(), 0, "what is refused leaves nothing");
        return;
    };
    assert!(run.path().starts_with(place.path().join("cache/bundles")));
    let _ = run.listed();
    if let Ok(verification) = storage::verify(&run, &storage::Trusted::default()) {
        assert!(verification.known.is_none(), "nobody is trusted");
    }
}
