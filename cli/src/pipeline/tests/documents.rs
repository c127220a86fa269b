//! The examples in docs/events.md are lines of this code, letter by letter; only how many events
//! came before each, and so its number and its time, may be another.

use event::frame::control::Source;
use event::frame::files::uses_flag;
use event::wire::{
    CallName, Ends, Kind, flow_flag, open_mode, payload_flag, payload_kind, unix_flag,
};

use super::Maker;

/// A DNS question: number 7, `A` of cdn.example.net.
const QUESTION: &[u8] = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x03cdn\x07example\x03net\0\0\x01\0\x01";
/// A record of its answer: 192.0.2.7.
const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07";

/// A small run: a shell builds and fetches something; 3 opens are lost.
fn example() -> String {
    let mut maker = Maker::begun();
    maker.about(r#""heartbeat_ms":5"#);
    maker.fork(42, 43);
    maker.exec(43, "/usr/bin/make", b"make\0-C\0caf\xe9\0");
    maker.dir(1, 12, Ok(b"/src/caf\xe9"));
    let first = maker.file(43, 0x10, 101, 1, b"Makefile");
    maker.file(43, 0x108, 102, 1, b"out.tmp");
    maker.renamed(43, 0x1000_0000, 102, (1, b"out.tmp"), (1, b"out"));
    maker.dir(2, 13, Err(super::make::ESTALE));
    maker.file(43, 0x200, 103, 2, b"gone.o");
    maker.repeat(first, 2);
    maker.opens(43, 101, 5, open_mode::READ);
    maker.opens(43, 102, 1, open_mode::WRITE);
    let flags = uses_flag::CREATED | uses_flag::SIZE_BEFORE | uses_flag::SIZE_AFTER;
    maker.uses_with(43, 102, open_mode::WRITE, [1, 0, 1], flags, [0, 1_512]);
    maker.checkpoint();
    let mapped = |last| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last];
    let ends = Ends {
        local: mapped(1),
        peer: mapped(7),
        local_port: 40_112,
        peer_port: 443,
        family: 2,
        proto: 6,
    };
    let resolver = Ends { peer: mapped(53), local_port: 40_111, peer_port: 53, proto: 17, ..ends };
    maker.payload(43, 4, resolver, (payload_kind::DNS, payload_flag::OUT), QUESTION);
    let answer = [&[0, 7, 0x81, 0x80, 0, 1, 0, 1], &QUESTION[8..], ADDRESS].concat();
    maker.payload(43, 4, resolver, (payload_kind::DNS, 0), &answer);
    maker.sock(Kind::Connect, 43, 5, ends, 0);
    maker.payload(
        43,
        5,
        ends,
        (payload_kind::HTTP, payload_flag::OUT),
        b"GET \nHost: www.example.org\r\n",
    );
    maker.sock(Kind::Established, 43, 5, ends, 0);
    maker.flow(43, 5, ends, 512, flow_flag::RELEASED);
    maker.sock(Kind::Closed, 43, 5, ends, 0);
    maker.dir(3, 14, Ok(b"/etc/cron.d"));
    maker.file(43, 0x100, 104, 3, b"nightly");
    let listener = [b"/var/run/docker.sock\0", &b"docker.sock\0run\0"[..], b"dockerd\0bin\0usr\0"];
    maker.unix(43, listener, |unix| {
        (unix.peer_pid, unix.peer_start_ns) = (812, 8_120);
        unix.peer_comm[..7].copy_from_slice(b"dockerd");
    });
    maker.unix(43, [b"/run/x.sock", b"", b""], |unix| {
        (unix.error, unix.flags) = (111, unix_flag::CLAIMED);
    });
    maker.passed(43, b"shadow\0etc\0", |passed| {
        (passed.peer_pid, passed.peer_start_ns) = (812, 8_120);
        passed.peer_comm[..4].copy_from_slice(b"sudo");
    });
    maker.call_with(43, CallName::Ptrace, 0, [16, 99, 0, 0, 0, 0], |call| {
        (call.target_pid, call.target_start_ns) = (99, 990);
        call.target_comm[..4].copy_from_slice(b"sshd");
        [b"", b"", b"sshd\0sbin\0usr\0", b"", b""]
    });
    maker.call_with(43, CallName::Unshare, 0, [0x1002_0000, 0, 0, 0, 0, 0], |call| {
        call.namespaces = [4_026_533_210, 1, 2, 4_026_533_209, 3, 4, 5, 0];
        [b"", b"", b"", b"", b""]
    });
    maker.call_with(43, CallName::Mount, -1, [0, 0, 0, 0x1000, 0, 0], |_| {
        [b"", b"src\0", b"", b"", b"out\0/usr\0\0"]
    });
    maker.hash_of_nothing(43, 102, "/src/out");
    maker.lost(Source::Opens, Kind::Open as u32, 3);
    maker.exit(43, 0x200);
    maker.sealed().lines()
}

/// A program writes a task of cron, and a rule says so.
fn judged_example() -> String {
    let mut maker = Maker::begun();
    maker.exec(43, "/usr/bin/make", b"make\0install\0");
    maker.dir(3, 14, Ok(b"/etc/cron.d"));
    maker.file(43, 0x100, 104, 3, b"nightly");
    maker.checkpoint();
    let lines = maker.sealed().judged();
    let findings = lines.split_inclusive('\n').filter(|line| line.contains("\"type\":\"finding\""));
    findings.collect()
}

/// The line with its number, its milliseconds and the number of all events made zeros.
fn without_place(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = ["\"seq\":", "\"cause\":", "\"events\":", "T20:15:30."]
        .iter()
        .filter_map(|mark| rest.find(mark).map(|at| at + mark.len()))
        .min()
    {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push('0');
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

#[test]
fn the_examples_in_the_documents_are_lines_of_this_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/events.md");
    let document = std::fs::read_to_string(path).expect("docs/events.md is there");
    let lines = example() + &judged_example();
    let shown: Vec<&str> = document.lines().filter(|line| line.starts_with("{\"run\":")).collect();
    let made: Vec<String> = lines.lines().map(without_place).collect();
    for line in &shown {
        assert!(
            made.contains(&without_place(line)),
            "not made by the example:\n{line}\nof\n{lines}"
        );
    }
    for kind in event::model::table::TYPES {
        let of_kind = format!("\"type\":\"{}\"", kind.name);
        assert!(
            shown.iter().any(|line| line.contains(&of_kind)),
            "{} has no example:\n{lines}",
            kind.name
        );
    }
}
