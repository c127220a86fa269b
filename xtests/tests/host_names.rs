//! Names of hosts are recorded with their source, for who asked and for the peer that was meant.
#![forbid(unsafe_code)]

use std::{
    fs,
    io::Read,
    net::{SocketAddr, TcpListener, UdpSocket},
    path::PathBuf,
};

use xtests::{Event, Lab, Recorded};

#[test]
fn questions_and_answers_over_udp_are_recorded_with_who_asked() {
    check_resolver("", "udp");
}

#[test]
fn questions_and_answers_over_tcp_are_recorded_with_who_asked() {
    check_resolver("options use-vc\n", "tcp");
}

/// `getent` and a shell ask a server in a network namespace of their own; both ends are of the run.
fn check_resolver(options: &str, proto: &str) {
    let lab = Lab::new();
    let run = resolved(
        &lab,
        options,
        "getent ahosts www.example.test; ! getent hosts no.example.test; \
        ! (exec 3<>/dev/tcp/www.example.test/8080) 2>/dev/null",
    );
    run.assert_adds_up();
    assert_eq!(run.lost("hosts"), 0, "{:?}", run.losses());
    let of = |op, role, exe: &str, kind| {
        let ends = |e: &&Event| e.text("role") == role && e.text("exe").ends_with(exe);
        run.of("dns", op).filter(ends).filter(move |e| e.text("qtype") == kind).collect::<Vec<_>>()
    };
    for kind in ["A", "AAAA"] {
        let told = of("answer", "client", "/getent", kind);
        let [answer, missing] = told.as_slice() else { panic!("answers of {kind}: {told:?}") };
        assert_eq!(of("query", "client", "/getent", kind).len(), 2, "two names are asked for");
        assert_eq!((answer.text("host"), answer.text("rcode")), ("www.example.test", "NOERROR"));
        assert_eq!((answer.text("proto"), answer.text("peer")), (proto, "127.0.0.1:53"));
        let address = if kind == "A" { "127.0.0.10" } else { "::1" };
        let expected = [
            "www.example.test 300 CNAME cdn.example.test".to_owned(),
            format!("cdn.example.test 60 {kind} {address}"),
        ];
        assert_eq!(answer.list("answers"), expected);
        assert_eq!((missing.text("host"), missing.text("rcode")), ("no.example.test", "NXDOMAIN"));
        // The server's end of the same; the shell asked too.
        assert_eq!(of("answer", "server", "", kind).len(), 3, "{kind}");
    }
    assert!(run.of("dns", "").all(|e| !e.flag("unasked") && !e.flag("unreadable")));
    // The shell was told the name of the address that it went to, and the connect says so.
    let connects = run.of("net", "connect").filter(|e| e.text("peer").ends_with(":8080"));
    let named: Vec<_> = connects.map(name).collect();
    assert!(
        !named.is_empty() && named.iter().all(|it| *it == ("www.example.test", "dns")),
        "{named:?}"
    );
    let page =
        lab.told(["query", run.id(), "--dest", "www.example.test", "--type", "net", "--all"]);
    assert!(page.contains("www.example.test"), "{page}");
    let page = lab.told(["view", run.id(), "--limit", "50"]);
    assert!(page.contains("www.example.test (dns)"), "{page}");
}

#[test]
fn an_address_that_was_not_asked_for_has_no_name() {
    let lab = Lab::new();
    let run = resolved(
        &lab,
        "",
        "getent ahosts www.example.test; ! (exec 3<>/dev/tcp/127.0.0.11/8080) 2>/dev/null",
    );
    let connects: Vec<_> =
        run.of("net", "connect").filter(|e| e.text("peer") == "127.0.0.11:8080").collect();
    assert_eq!(connects.iter().map(|e| name(e)).collect::<Vec<_>>(), [("", "")]);
}

#[test]
fn the_server_name_of_a_tls_hello_is_recorded_in_any_segments() {
    let lab = Lab::new();
    let whole = records(&hello("www.example.org"), usize::MAX);
    let split = records(&hello("www.example.org"), 40);
    for (bytes, piece) in
        [(&whole, 4096), (&whole, whole.len() / 2 + 1), (&whole, 9), (&whole, 3), (&split, 50)]
    {
        let (run, peer) = said(&lab, bytes, piece);
        let flows: Vec<_> = run.of("net", "flow").filter(|e| e.text("peer") == peer).collect();
        let [flow] = flows.as_slice() else { panic!("{} flows", flows.len()) };
        assert_eq!(name(flow), ("www.example.org", "tls_sni"), "pieces of {piece}: {flow:?}");
        assert_eq!(flow.list("alpn"), ["h2"], "{flow:?}");
        assert!(flow.text("exe").ends_with("/talk"), "{flow:?}");
        run.assert_whole();
    }
}

#[test]
fn the_host_of_an_http_request_is_recorded_and_nothing_else_of_it() {
    let lab = Lab::new();
    let get = "GET /secret-path?token=1 HTTP/1.1\r\nCookie: secret-cookie\r\nhost: www.example.org:80\r\n\r\nsecret-body";
    let connect = "CONNECT b.example.org:443 HTTP/1.1\r\nHost: other.example\r\n\r\n";
    for (head, piece, expected) in [
        (get, 4096, ("www.example.org", "http_host")),
        (get, 2, ("www.example.org", "http_host")),
        (connect, 4096, ("b.example.org", "http_connect")),
    ] {
        let (run, peer) = said(&lab, head.as_bytes(), piece);
        let flows: Vec<_> = run.of("net", "flow").filter(|e| e.text("peer") == peer).collect();
        assert_eq!(
            flows.iter().map(|e| name(e)).collect::<Vec<_>>(),
            [expected],
            "pieces of {piece}"
        );
        let segments = fs::read_dir(run.dir.join("segments")).expect("segments");
        for segment in segments {
            let bytes = fs::read(segment.expect("a segment").path()).expect("ours");
            // Beside them lies the seal.
            let blocks = bytes.strip_prefix(&event::frame::MAGIC_BLOCKS);
            let frames = event::frame::unpacked(blocks.unwrap_or_default(), usize::MAX);
            let all = [&bytes, frames.as_slice()].concat();
            let secret = all.windows(6).filter(|part| *part == b"secret").count();
            assert_eq!(secret, 0, "path, cookie and body stay out of the record");
        }
        run.assert_whole();
    }
}

#[test]
fn what_speaks_neither_has_no_name() {
    let lab = Lab::new();
    for bytes in [&b"SSH-2.0-x\r\n"[..], b"GET", b"\x16\x03\x01\x00\x05\x02\0\0\x01\0"] {
        let (run, peer) = said(&lab, bytes, 4096);
        let flows: Vec<_> = run.of("net", "flow").filter(|e| e.text("peer") == peer).collect();
        assert_eq!(flows.iter().map(|e| name(e)).collect::<Vec<_>>(), [("", "")], "{bytes:?}");
        assert_eq!(run.tally("hosts").stored, 0, "nothing is copied of {bytes:?}");
    }
}

#[test]
fn the_server_name_of_quic_is_recorded() {
    let lab = Lab::new();
    for version in ["quic-v1-initial.hex", "quic-v2-initial.hex"] {
        let text = fs::read_to_string(fixture(version)).expect("a fixture");
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Vec<u8> = digits.chunks(2).filter_map(byte).collect();
        let file = lab.work().join("datagram");
        fs::write(&file, &bytes).expect("room");
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = peer.local_addr().expect("it has an address");
        let run = talk(&lab, "udp", address, &file, 1200).succeed();
        let of_peer: Vec<_> =
            run.of("net", "").filter(|e| e.text("peer") == address.to_string()).collect();
        let told: Vec<_> = of_peer.iter().map(|e| (e.op(), name(e))).collect();
        let host = ("example.com", "quic_sni");
        assert_eq!(told, [("send", host), ("flow", host)], "{version}");
        run.assert_whole();
    }
}

#[test]
fn a_run_without_host_names_copies_nothing() {
    let lab = Lab::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("it has an address");
    let file = lab.work().join("bytes");
    fs::write(&file, records(&hello("www.example.org"), 4096)).expect("room");
    let answer = std::thread::spawn(move || drain(&server));
    let run = talk(&lab, "tcp", address, &file, 4096).with(["--no-host-names"]).succeed();
    answer.join().expect("the server does not panic");
    assert_eq!((run.tally("hosts").state.as_str(), run.tally("hosts").seen), ("not_asked", 0));
    assert!(run.of("net", "").all(|e| name(e) == ("", "")));
    run.assert_whole();
}

/// Records a shell script in namespaces of its own, with a resolver that knows www.example.test.
fn resolved(lab: &Lab, options: &str, script: &str) -> Recorded {
    let conf = lab.work().join("resolv.conf");
    fs::write(&conf, format!("nameserver 127.0.0.1\n{options}")).expect("room");
    let switch = lab.work().join("nsswitch.conf");
    fs::write(&switch, "hosts: files dns\n").expect("room");
    let setup = "mount --bind \"$1\" /etc/resolv.conf; mount --bind \"$2\" /etc/nsswitch.conf; exec \"$3\" bash -ec \"$4\"";
    let mut command: Vec<std::ffi::OsString> =
        vec!["unshare".into(), "--net".into(), "--mount".into()];
    command.extend(["bash", "-ec", setup, "bash"].map(Into::into));
    command.extend([conf.into(), switch.into(), lab.tester("resolver").into(), script.into()]);
    lab.run(command).succeed()
}

/// Records a client that says these bytes over TCP to a server outside; returns the server's address.
fn said(lab: &Lab, bytes: &[u8], piece: usize) -> (Recorded, String) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("it has an address");
    let file = lab.work().join("bytes");
    fs::write(&file, bytes).expect("room");
    let answer = std::thread::spawn(move || drain(&server));
    let run = talk(lab, "tcp", address, &file, piece).succeed();
    assert_eq!(answer.join().expect("the server does not panic"), bytes, "what the server got");
    (run, address.to_string())
}

/// What one client says until it shuts down.
fn drain(server: &TcpListener) -> Vec<u8> {
    let (mut client, _) = server.accept().expect("a client");
    let mut got = Vec::new();
    client.read_to_end(&mut got).expect("it is connected");
    got
}

fn talk<'lab>(
    lab: &'lab Lab,
    proto: &str,
    to: SocketAddr,
    file: &std::path::Path,
    piece: usize,
) -> xtests::Run<'lab> {
    let (ip, port, piece) = (to.ip().to_string(), to.port().to_string(), piece.to_string());
    let file = file.to_str().expect("a path of ours");
    let talk = lab.tester("talk");
    lab.run([talk.to_str().expect("a path of ours"), proto, &ip, &port, file, &piece])
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn name(event: &Event) -> (&str, &str) {
    (event.text("host"), event.text("host_source"))
}

/// A TLS ClientHello (RFC 8446, 4.1.2) for a name, which offers HTTP/2.
fn hello(name: &str) -> Vec<u8> {
    let long = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let name = long(&[&[0][..], &long(name.as_bytes())].concat());
    let extensions = [
        [vec![0xaa, 0xaa], long(b"")].concat(),
        [vec![0, 0], long(&name)].concat(),
        [vec![0, 16], long(&long(b"\x02h2"))].concat(),
        [vec![0, 51], long(&[7; 300])].concat(),
    ];
    let body =
        [&[3, 3][..], &[7; 32], &[0], &long(&[0x13, 1]), &[1, 0], &long(&extensions.concat())]
            .concat();
    let len = (body.len() as u32).to_be_bytes();
    [&[1][..], &len[1..], &body].concat()
}

/// A handshake in records of at most `size` bytes.
fn records(handshake: &[u8], size: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat();
    handshake.chunks(size).flat_map(record).collect()
}
