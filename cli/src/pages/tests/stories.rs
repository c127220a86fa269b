//! Runs that the tests look at.

use std::collections::BTreeMap;

use event::{
    frame::control::{Cause, Source as SourceName, State},
    model::{
        ConnectResult, End, Exec, Exit, File, FileOp, Fork, Loss, Net, NetOp, Opens, Source, Start,
        Traffic, What,
    },
};
use storage::{Coverage, Meta, RunDir};

use super::bench::{Bench, FINE, START_NS, Script, about, process};

/// The ids of the stories.
pub(super) const SHOP: &str = "20261121-201530-claude-7k2m";
pub(super) const BACKUP: &str = "20261121-020000-nightly-backup-9x4d";
pub(super) const CI: &str = "20261119-170200-make-p0q7";
pub(super) const EVIL: &str = "20261120-110000-sh-4b1c";

fn exec(argv: &[&[u8]]) -> What {
    let mut bytes = argv.join(&0);
    bytes.push(0);
    let argc = u32::try_from(argv.len()).unwrap_or(0);
    let file = argv.first().copied().unwrap_or_default().to_vec();
    What::Exec(Box::new(Exec {
        argv_len: bytes.len() as u64,
        argv: bytes,
        argc,
        file,
        ..Exec::default()
    }))
}

fn fork(child: u32, parent: u32) -> What {
    What::Fork(Fork {
        child: process(child),
        parent_pid: parent,
        new_mount_namespace: false,
        inner: None,
    })
}

fn exit(status: i32) -> What {
    What::Exit(Exit { status, utime_ns: 1_000_000, stime_ns: 2_000_000 })
}

fn file(op: FileOp, path: &[u8], count: u64) -> What {
    What::File(File {
        path: Some(path.to_vec()),
        count,
        count_exact: op.is_access().then_some(true),
        ..File::new(op)
    })
}

fn net(op: NetOp, peer: &str, result: Option<ConnectResult>, traffic: Option<(u64, u64)>) -> What {
    let traffic = traffic.map(|(sent_bytes, received_bytes)| Traffic {
        sent_bytes,
        received_bytes,
        sent_packets: 4,
        received_packets: 5,
    });
    let peer = Some(peer.parse().expect("an address"));
    What::Net(Net { proto: 6, peer, result, traffic, ..Net::new(op, 1) })
}

fn start(command: &[&[u8]]) -> What {
    What::Start(Box::new(Start {
        command: [&command.join(&0)[..], b"\0"].concat(),
        ..Start::default()
    }))
}

fn end(verdict: &'static str, reasons: &[&str], events: u64, processes: u64) -> What {
    let opens = Some(Opens { seen: 1_912, in_events: 1_912, unnamed: 0, lost: 0 });
    let reasons = reasons.iter().map(|&reason| reason.to_owned()).collect();
    let (ending, status, alive) = (Some("empty"), FINE, Some(0));
    let effects_outside = Vec::new();
    What::End(Box::new(End {
        verdict,
        reasons,
        effects_outside,
        ending,
        status,
        alive,
        events,
        processes,
        opens,
    }))
}

fn meta(run: &RunDir, seconds: i64, verdict: &str, reasons: &[&str]) -> Meta {
    let on = |seen| Coverage { state: "on".to_owned(), seen, stored: seen, ..Coverage::default() };
    Meta {
        about: run.listed().about,
        host: "build-3".to_owned(),
        kernel: "6.18.44".to_owned(),
        started: crate::text::rfc3339(START_NS),
        ended: Some(crate::text::rfc3339(START_NS + seconds * 1_000_000_000)),
        exit: run.listed().exit,
        verdict: verdict.to_owned(),
        reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
        trust: "direct".to_owned(),
        coverage: ["access", "names", "network", "opens", "process"]
            .into_iter()
            .map(|source| (source.to_owned(), on(9)))
            .collect::<BTreeMap<_, _>>(),
        ..Meta::default()
    }
}

/// A run of an agent that works on a shop.
pub(super) fn shop(bench: &Bench) -> RunDir {
    let command: [&[u8]; 3] = [b"claude", b"-p", b"fix the flaky tests"];
    let about = about(&command, b"/home/ana/src/shop", None);
    let run = bench.record(SHOP, &about, 252, Some(FINE));
    let (claude, sh, node): (&[u8], &[u8], &[u8]) =
        (b"/usr/bin/claude", b"/usr/bin/dash", b"/usr/bin/node");
    let mut script = Script::default();
    script
        .at(0, None, start(&command))
        .at(1, Some((4001, claude)), exec(&command))
        .at(9_811, Some((4001, claude)), fork(4102, 4001))
        .at(9_812, Some((4102, sh)), exec(&[b"bash", b"-c", b"npm test"]))
        .at(9_902, Some((4102, sh)), fork(4107, 4102))
        .at(9_910, Some((4107, node)), exec(&[b"node", b"node_modules/leftpad2/post.js"]))
        .at(12_408, Some((4107, node)), file(FileOp::Read, b"/home/ana/.aws/credentials", 1))
        .at(
            12_502,
            Some((4107, node)),
            net(NetOp::Connect, "203.0.113.9:443", Some(ConnectResult::Established), None),
        )
        .at(
            12_600,
            Some((4107, node)),
            net(NetOp::Flow, "203.0.113.9:443", None, Some((412, 1_234))),
        )
        .at(12_700, Some((4107, node)), exit(0x0100));
    for pid in 4200..4203 {
        script
            .at(13_000, Some((4102, sh)), fork(pid, 4102))
            .at(
                13_001,
                Some((pid, b"/usr/bin/sed")),
                exec(&[b"sed", b"-i", b"s/a/b/", b"src/cart.ts"]),
            )
            .at(
                13_002,
                Some((pid, b"/usr/bin/sed")),
                file(FileOp::Write, b"/home/ana/src/shop/src/cart.ts", 2),
            )
            .at(13_003, Some((pid, b"/usr/bin/sed")), exit(0));
    }
    let rename = What::File(File {
        path2: Some(b"/home/ana/src/shop/package.json".to_vec()),
        path: Some(b"/home/ana/src/shop/package.json.tmp".to_vec()),
        ..File::new(FileOp::Rename)
    });
    script
        .at(20_000, Some((4001, claude)), file(FileOp::Create, b"/tmp/claude-1", 1))
        .at(20_001, Some((4001, claude)), rename)
        .at(20_002, Some((4001, claude)), file(FileOp::Delete, b"/tmp/claude-1", 1))
        .at(
            30_000,
            Some((4001, claude)),
            net(NetOp::Flow, "[2001:db8::7]:443", None, Some((1_900_000, 14_100_000))),
        )
        .at(252_000, Some((4001, claude)), exit(0));
    let events = script.events.len() as u64 + 1;
    script.at(252_000, None, end("complete, folded", &[], events, 6));
    Bench::derive(&run, script.events, meta(&run, 252, "complete, folded", &[]));
    run
}

/// A nightly job whose record lacks something.
pub(super) fn backup(bench: &Bench) -> RunDir {
    let command: [&[u8]; 1] = [b"/usr/local/bin/backup.sh"];
    let about = about(&command, b"/", Some("nightly-backup"));
    let run = bench.record(BACKUP, &about, 190, Some(Some(15)));
    let reasons = ["network: 12 lost (ring_full)", "names degraded: no marks on /mnt (fuse)"];
    let lost = What::Lost(Loss {
        source: SourceName::Network,
        cause: Some(Cause::RingFull),
        count: 12,
        from_ts_ns: START_NS,
        to_ts_ns: START_NS + 1,
    });
    let source = What::Source(Box::new(Source {
        source: SourceName::Names,
        state: Some(State::Degraded),
        reason: Some(b"no marks on /mnt (fuse)".to_vec()),
        totals: None,
    }));
    let mut script = Script::default();
    script
        .at(0, None, start(&command))
        .at(1, Some((500, b"/usr/local/bin/backup.sh")), exec(&command))
        .at(5, None, source)
        .at(90, None, lost)
        .at(190_000, None, end("partial", &reasons, 5, 1));
    let mut meta = meta(&run, 190, "partial", &reasons);
    if let Some(network) = meta.coverage.get_mut("network") {
        (network.seen, network.lost) = (21, 12);
    }
    if let Some(names) = meta.coverage.get_mut("names") {
        (names.state, names.reason) = ("degraded".to_owned(), "no marks on /mnt (fuse)".to_owned());
    }
    Bench::derive(&run, script.events, meta);
    run
}

/// A run whose recorder died.
pub(super) fn ci(bench: &Bench) -> RunDir {
    bench.record(CI, &about(&[b"make", b"test"], b"/src", Some("ci")), 0, None)
}

/// A run that wants to write on the reader's terminal.
pub(super) fn evil(bench: &Bench) -> RunDir {
    let title: &[u8] = b"\x1b]0;owned\x07";
    let command: [&[u8]; 3] = [b"sh", b"-c", title];
    let about = about(&command, b"/tmp/\xff\n\x1b[2J", None);
    let run = bench.record(EVIL, &about, 3, Some(FINE));
    let exe: &[u8] = b"/tmp/\x1b[31mred";
    let mut script = Script::default();
    script
        .at(0, None, start(&command))
        .at(1, Some((66, exe)), exec(&[b"red", title, "\u{202e}gpj.exe".as_bytes()]))
        .at(2, Some((66, exe)), file(FileOp::Write, b"/tmp/line\nbreak\r\x1b[1A\xff", 1))
        .at(3, Some((66, exe)), file(FileOp::Create, "/tmp/\u{9b}2J\u{200b}x".as_bytes(), 1))
        .at(4, Some((66, exe)), file(FileOp::Read, b"/tmp/back\\slash\tx", 1_000));
    let deep = [b"/".as_slice(), &b"very-long-name/".repeat(20), b"end.txt"].concat();
    script.at(5, Some((66, exe)), file(FileOp::Delete, &deep, 1));
    script.at(3_000, None, end("complete", &["\u{1b}[2J"], 7, 1));
    Bench::derive(&run, script.events, meta(&run, 3, "complete", &["\u{1b}[2J gone"]));
    run
}
