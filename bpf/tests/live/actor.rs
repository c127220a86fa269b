//! What the tests watch: this test binary, run again inside the leaf with a part to play.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// Bytes each way of the TCP parts: no multiple of anything.
pub(crate) const MANY: usize = 1_000_003;

#[test]
#[ignore = "not a test: what the others run inside the leaf"]
fn actor() {
    let Ok(part) = env::var("ACT") else { return };
    if let Some(procs) = env::var_os("ACT_PROCS") {
        fs::write(procs, "0").expect("enter the leaf");
    }
    match part.as_str() {
        "nothing" => {}
        "odd argv" => run_true(odd_argv()),
        "long argv" => run_true(long_argv()),
        "script" => script(),
        "ends" => ends(),
        "leave" => leave(),
        "hundred" => hundred(),
        "tcp4" => tcp("127.0.0.1:0"),
        "tcp6" => tcp("[::1]:0"),
        "refused" => refused(),
        "two peers" => two_peers(),
        "connected udp" => connected_udp(),
        "opens" => opens(),
        "elsewhere" => elsewhere(),
        other => panic!("no such part: {other}"),
    }
}

pub(crate) fn odd_argv() -> Vec<Vec<u8>> {
    [b"".as_slice(), b"two words", b"\xff\xfe\x00\x80".split_at(2).0, b"", b"line\nfeed", b""]
        .map(<[u8]>::to_vec)
        .to_vec()
}

/// 200 KB, no argument longer than the kernel allows (`MAX_ARG_STRLEN`, 128 KiB).
pub(crate) fn long_argv() -> Vec<Vec<u8>> {
    (0..200_u8).map(|n| vec![b'a' + n % 26; 999]).collect()
}

fn run_true(args: Vec<Vec<u8>>) {
    let args = args.iter().map(|arg| OsStr::from_bytes(arg));
    let status = Command::new("/bin/true").args(args).current_dir("/usr/share").status();
    assert!(status.expect("run true").success());
}

/// A file that the test makes when the actor shall go on.
pub(crate) fn go_on(test: u32) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("go-on-{test}"))
}

/// A program where the actor is, and, when it may, one in a mount namespace of its own.
fn elsewhere() {
    run_true(Vec::new());
    while !go_on(std::os::unix::process::parent_id()).exists() {
        thread::yield_now();
    }
    let status = Command::new("unshare").args(["-m", "true"]).status();
    assert!(status.expect("run unshare").success());
}

pub(crate) fn script_path() -> String {
    format!("{}/script-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id())
}

fn script() {
    let path = script_path();
    fs::write(&path, "#!/bin/sh\nexit 0\n").expect("write");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).expect("chmod");
    assert!(Command::new(&path).arg("x").status().expect("run").success());
    fs::remove_file(&path).expect("remove");
}

fn ends() {
    for script in ["exit 7", "kill -9 $$"] {
        let status = Command::new("/bin/sh").args(["-c", script]).status().expect("run");
        assert!(!status.success());
    }
    thread::spawn(|| {}).join().expect("join");
}

fn leave() {
    let script = "echo $$ > \"$ACT_OUTSIDE\" && /bin/true; exit 0";
    assert!(Command::new("/bin/sh").args(["-c", script]).status().expect("run").success());
}

fn hundred() {
    for _ in 0..100 {
        assert!(Command::new("/bin/true").status().expect("run").success());
    }
}

fn tcp(address: &str) {
    let listener = TcpListener::bind(address).expect("bind");
    let there = listener.local_addr().expect("address");
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("accept");
        exchange(stream, false);
    });
    exchange(TcpStream::connect(there).expect("connect"), true);
    server.join().expect("join");
}

/// Each side sends all, then reads all: both directions, one after the other.
fn exchange(mut stream: TcpStream, first: bool) {
    let mut seen = Vec::new();
    if first {
        stream.write_all(&vec![7; MANY]).expect("write");
        stream.shutdown(Shutdown::Write).expect("shutdown");
        stream.read_to_end(&mut seen).expect("read");
    } else {
        stream.read_to_end(&mut seen).expect("read");
        stream.write_all(&vec![9; MANY]).expect("write");
    }
    assert_eq!(seen.len(), MANY);
}

fn refused() {
    let free = TcpListener::bind("127.0.0.1:0").expect("bind").local_addr().expect("address");
    let error = TcpStream::connect(free).expect_err("nobody listens there");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    tell(free);
}

fn two_peers() {
    let one = UdpSocket::bind("127.0.0.1:0").expect("bind");
    let two = UdpSocket::bind("127.0.0.1:0").expect("bind");
    let (one_at, two_at) = (one.local_addr().expect("a"), two.local_addr().expect("a"));
    let sender = UdpSocket::bind("127.0.0.1:0").expect("bind");
    for (to, len) in [(one_at, 100), (one_at, 11), (two_at, 1000), (one_at, 3)] {
        assert_eq!(sender.send_to(&vec![1; len], to).expect("send"), len);
    }
    tell(format!("{one_at} {two_at} {}", sender.local_addr().expect("a")));
}

fn connected_udp() {
    let peer = UdpSocket::bind("[::1]:0").expect("bind");
    let own = UdpSocket::bind("[::1]:0").expect("bind");
    own.connect(peer.local_addr().expect("a")).expect("connect");
    own.send(&[1; 500]).expect("send");
    let (_, from) = peer.recv_from(&mut [0; 999]).expect("receive");
    peer.send_to(&[2; 70], from).expect("answer");
    assert_eq!(own.recv(&mut [0; 999]).expect("receive"), 70);
    tell(format!("{} {}", own.local_addr().expect("a"), peer.local_addr().expect("a")));
}

pub(crate) const OPENS: usize = 5_000;

fn opens() {
    let path = format!("{}/opened-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    fs::write(&path, "x").expect("write");
    for _ in 0..OPENS {
        File::open(&path).expect("open");
    }
    assert!(File::open("/nowhere/at/all").is_err());
    File::open("/dev/null").expect("open");
    let meta = fs::metadata(&path).expect("stat");
    tell(std::os::unix::fs::MetadataExt::ino(&meta));
    fs::remove_file(&path).expect("remove");
}

fn tell(what: impl std::fmt::Display) {
    println!("\nTOLD {what}");
}

pub(crate) fn addresses(told: &str) -> Vec<SocketAddr> {
    told.split_whitespace().map(|word| word.parse().expect("an address")).collect()
}
