//! Large runs in a store, for measurements: made as the recorder makes them, derived as any run is.
//! `AUDIT_BENCH_HOME=DIR AUDIT_BENCH_EVENTS=1000000 cargo test -p cli --lib -- --ignored stored_run`,
//! then any reading command with `AUDIT_HOME=DIR`.

use std::{fs, path::Path};

use event::{
    frame::{
        self, Chain, Frames, MAGIC,
        control::{KIND_ABOUT, KIND_CHECKPOINT, KIND_SEAL, KIND_SEGMENT},
    },
    wire::{Ends, Kind, flow_flag},
};

use super::{Maker, make::RUN};

/// A build of many small programs that now and then does what a rule is about: `events` of them, or
/// some more. Of the hosts that it talks to `seed` is the first.
pub(super) fn build(maker: &mut Maker, events: u64, seed: u32) {
    maker.exec(2, "/usr/bin/make", b"make\0-j2\0");
    for dir in 1..=2_000 {
        maker.dir(dir, dir, Ok(format!("/src/part{}/include/{dir}", dir % 40).as_bytes()));
    }
    let programs = ["/usr/lib/gcc/cc1", "/usr/bin/as", "/usr/bin/ld", "/usr/bin/sed"];
    for at in 0.. {
        if maker.seq >= events {
            break;
        }
        let pid = 100 + at;
        let program = programs[at as usize % programs.len()];
        let argv = format!("{program}\0-quiet\0-O2\0main{at}.c\0-o\0main{at}.s\0");
        maker.fork(2, pid);
        maker.exec(pid, program, argv.as_bytes());
        for file in 0..40 {
            let dir = 1 + (at * 7 + file * 31) % 2_000;
            maker.file(pid, 0x10, 10_000 + dir * 20 + file % 20, dir, name(file % 20).as_bytes());
        }
        let output = format!("main{at}.s");
        maker.file(pid, 0x108, 1_000_000 + at, 1 + at % 2_000, output.as_bytes());
        if at % 10 == 0 {
            download(maker, pid, at, seed);
        }
        if at % 400 == 0 {
            maker.dir(3_000, 3_000, Ok(b"/home/ana/.aws"));
            maker.file(pid, 0x10, 3_001, 3_000, b"credentials");
        }
        maker.exit(pid, if at % 500 == 0 { 0x100 } else { 0 });
        if at % 20 == 0 {
            maker.checkpoint();
        }
    }
}

fn name(file: u32) -> String {
    format!("header_{file}.h")
}

/// A connection to one of two hundred hosts.
fn download(maker: &mut Maker, pid: u32, at: u32, seed: u32) {
    talk(maker, pid, at, [203, 0, 113, ((at / 10 + seed) % 200) as u8]);
}

/// Connection number `at`, to this address.
pub(super) fn talk(maker: &mut Maker, pid: u32, at: u32, [a, b, c, d]: [u8; 4]) {
    let mapped = |a, b, c, d| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d];
    let (local, peer) = (mapped(203, 0, 113, 250), mapped(a, b, c, d));
    let ends = Ends { local, peer, local_port: 4000, peer_port: 443, family: 2, proto: 6 };
    let cookie = u64::from(at) + 1;
    maker.sock(Kind::Connect, pid, cookie, ends, 0);
    maker.sock(Kind::Established, pid, cookie, ends, 0);
    maker.flow(pid, cookie, ends, u64::from(at), flow_flag::RELEASED);
    maker.sock(Kind::Closed, pid, cookie, ends, 0);
}

/// Writes a record as the segment of a run, with the chain that the recorder would have written.
pub(super) fn store(maker: &Maker, run: &str, home: &Path) {
    let dir = home.join("runs").join(run).join("segments");
    fs::create_dir_all(&dir).expect("room");
    let mut chain = Chain::new(run.as_bytes());
    let mut out = MAGIC.to_vec();
    let mut room = vec![0; 200_000];
    for frame in Frames::new(maker.bytes.as_slice(), Some(1)) {
        let mut payload = frame.payload.to_vec();
        let link = match frame.head.kind {
            KIND_SEGMENT => Some(chain.peek()),
            KIND_CHECKPOINT | KIND_SEAL => Some(chain.link()),
            _ => None,
        };
        if frame.head.kind == KIND_ABOUT {
            payload.pop();
            payload.extend(br#","rules":{"builtin":true},"home":"/home/ana"}"#);
        }
        if let Some(link) = link {
            // All three begin with it.
            payload[..32].copy_from_slice(&link);
        }
        let (seq, boot_ns) = (frame.head.seq, frame.head.boot_ns);
        let len =
            frame::encode(&mut room, frame.head.kind, seq, boot_ns, &[&payload]).expect("room");
        if frame.head.kind == KIND_SEGMENT {
            chain.update(&MAGIC);
        }
        chain.update(&room[..len]);
        out.extend_from_slice(&room[..len]);
    }
    fs::write(dir.join("000001.seg"), out).expect("room");
}

#[test]
#[ignore = "it makes what is measured; see docs/benchmarks.md"]
fn stored_run() {
    let home = std::env::var_os("AUDIT_BENCH_HOME").expect("where to");
    let events = std::env::var("AUDIT_BENCH_EVENTS").ok().and_then(|text| text.parse().ok());
    let home = Path::new(&home);
    let mut maker = Maker::begun();
    build(&mut maker, events.expect("how many"), 0);
    store(&maker.sealed(), RUN, home);
    let run = storage::RunDir::open(&home.join("runs").join(RUN)).expect("it is a run");
    let begin = std::time::Instant::now();
    let opened = crate::derive::ensure_derived(run).expect("it is derived");
    println!("{} events, derived in {:?}", opened.meta.events.lines, begin.elapsed());
    println!("{}, {:?}", opened.meta.verdict, opened.meta.reasons);
}
