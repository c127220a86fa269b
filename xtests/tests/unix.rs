//! Unix sockets: who was connected to, by the kernel's name of it, and who answers there
//! (docs/events.md, `unix`).
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

use xtests::{Event, Lab, Recorded};

/// Records the tester on one road.
fn record(lab: &Lab, words: &[&str]) -> Recorded {
    let tester = lab.tester("unix");
    let mut command = vec![tester.to_str().expect("text")];
    command.extend(words);
    let run = lab.run(command).succeed();
    run.assert_whole();
    run
}

/// The only event of a unix socket by this operation.
fn only<'r>(run: &'r Recorded, op: &str) -> &'r Event {
    let found: Vec<_> = run.events.iter().filter(|event| event.is("unix", op)).collect();
    let [event] = found.as_slice() else { panic!("{} of {op}: {found:?}", found.len()) };
    event
}

/// A server outside the run, ended when dropped.
struct Server(Child);

impl Server {
    fn start(lab: &Lab, kind: &str, name: &str) -> Server {
        let mut command = Command::new(lab.tester("unix"));
        command.args(["serve", kind, name]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the tester starts");
        let mut ready = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("it tells");
        assert_eq!(ready, "ready\n");
        Server(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A path for a socket, short enough for one.
fn socket_path(lab: &Lab, name: &str) -> PathBuf {
    lab.work().join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn a_server_outside_is_told_by_its_path_its_pid_and_its_program() {
    let lab = Lab::new();
    for kind in ["stream", "seqpacket"] {
        let path = socket_path(&lab, kind);
        let server = Server::start(&lab, kind, text(&path));
        let run = record(&lab, &["connect", kind, text(&path)]);
        let event = only(&run, "connect");
        assert_eq!((event.text("path"), event.text("sock_type")), (text(&path), kind));
        assert_eq!(event.number("peer_pid"), Some(server.0.id().into()), "{event:?}");
        assert_eq!(event.text("peer_exe"), text(&lab.tester("unix")));
        assert!(!event.flag("peer_in_run") && event.text("errno").is_empty(), "{event:?}");
    }
    let path = socket_path(&lab, "dgram");
    let _server = Server::start(&lab, "dgram", text(&path));
    let run = record(&lab, &["connect", "dgram", text(&path)]);
    let event = only(&run, "connect");
    assert_eq!((event.text("path"), event.text("sock_type")), (text(&path), "dgram"));
    assert_eq!(event.number("peer_pid"), None, "the kernel does not know it: {event:?}");
}

#[test]
fn abstract_names_are_told_as_such() {
    let lab = Lab::new();
    let name = format!("@calls-{}", std::process::id());
    let server = Server::start(&lab, "stream", &name);
    let run = record(&lab, &["connect", "stream", &name]);
    let event = only(&run, "connect");
    assert_eq!((event.text("abstract"), event.bytes("path")), (&name[1..], None));
    assert_eq!(event.number("peer_pid"), Some(server.0.id().into()));
}

#[test]
fn both_ends_of_a_connection_within_the_run_know_each_other() {
    let lab = Lab::new();
    let path = socket_path(&lab, "both");
    let run = record(&lab, &["both", "stream", text(&path)]);
    let pid: u64 = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a pid");
    let (connect, accept) = (only(&run, "connect"), only(&run, "accept"));
    assert_eq!((connect.number("peer_pid"), connect.flag("peer_in_run")), (Some(pid), true));
    assert_eq!(accept.number("pid"), Some(pid));
    assert_eq!(accept.number("peer_pid"), connect.number("pid"), "{accept:?}");
    assert_eq!((accept.text("path"), accept.flag("peer_in_run")), (text(&path), true));
}

#[test]
fn a_refused_connect_has_its_errno_and_the_path_as_claimed() {
    let lab = Lab::new();
    let path = socket_path(&lab, "closed");
    drop(UnixListener::bind(&path).expect("a socket"));
    for (name, errno) in [(path, "ECONNREFUSED"), (lab.work().join("none"), "ENOENT")] {
        let tester = lab.tester("unix");
        let run = lab.run([text(&tester), "connect", "stream", text(&name)]).record();
        run.assert_whole();
        let event = only(&run, "connect");
        assert_eq!((event.text("path_claimed"), event.text("errno")), (text(&name), errno));
        assert_eq!(event.bytes("path"), None, "{event:?}");
    }
}

#[test]
fn datagrams_with_a_name_are_told_once_for_each_socket_and_name() {
    let lab = Lab::new();
    let path = socket_path(&lab, "log");
    let server = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    let reader =
        std::thread::spawn(move || (0..53).filter(|_| server.recv(&mut [0]).is_ok()).count());
    let run = record(&lab, &["send", text(&path), "50"]);
    assert_eq!(reader.join().expect("it reads"), 53, "datagrams that came");
    let sends: Vec<_> = run.of("unix", "send").collect();
    assert_eq!(sends.len(), 3, "sendto 50 times, sendmsg, sendmmsg with two: {sends:?}");
    for send in sends {
        assert_eq!((send.text("path_claimed"), send.text("sock_type")), (text(&path), "dgram"));
        assert_eq!(send.text("errno"), "");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn connects_by_32_bit_numbers_are_told_and_socketcall_says_that_its_descriptor_is_claimed() {
    let lab = Lab::new();
    let path = socket_path(&lab, "old");
    let _listener = UnixListener::bind(&path).expect("a socket");
    let tester = lab.tester("unix");
    let run = lab.run([text(&tester), "compat", text(&path)]).record();
    if run.errors().contains("connect: ") {
        return xtests::not_run("unix connects by 32-bit numbers", "no 32-bit calls here");
    }
    assert!(run.status.success(), "{}", run.errors());
    let told: Vec<_> =
        run.of("unix", "connect").map(|it| (it.text("path"), it.flag("args_claimed"))).collect();
    assert_eq!(told, [(text(&path), false), (text(&path), true)]);
    let own = run.of("unix", "connect").map(|it| it.number("peer_pid"));
    assert!(own.into_iter().all(|pid| pid == Some(std::process::id().into())));
}

const ROUNDS: u32 = 1_000;

/// Numbers of the rounds that a server saw, read until its listener's client says nothing more.
fn rounds_of<S: Read>(
    incoming: impl Iterator<Item = S>,
    last: &std::sync::atomic::AtomicBool,
) -> Vec<u32> {
    let mut rounds = Vec::new();
    for mut client in incoming {
        let mut round = [0; 4];
        if last.load(std::sync::atomic::Ordering::SeqCst) {
            break;
        }
        client.read_exact(&mut round).expect("each client says its round");
        rounds.push(u32::from_ne_bytes(round));
    }
    rounds
}

/// Two servers, and who of them saw which round.
struct Pair {
    over: std::sync::Arc<std::sync::atomic::AtomicBool>,
    threads: Vec<JoinHandle<Vec<u32>>>,
}

impl Pair {
    fn new() -> Pair {
        Pair { over: Default::default(), threads: Vec::new() }
    }

    fn serve<S: Read>(&mut self, accept: impl FnMut() -> Option<S> + Send + 'static) {
        let over = self.over.clone();
        self.threads.push(std::thread::spawn(move || rounds_of(std::iter::from_fn(accept), &over)));
    }

    /// Ends both; `wake` connects to the server of this number once.
    fn saw(self, wake: impl Fn(usize)) -> BTreeMap<u32, usize> {
        self.over.store(true, std::sync::atomic::Ordering::SeqCst);
        let mut saw = BTreeMap::new();
        for (server, thread) in self.threads.into_iter().enumerate() {
            wake(server);
            let rounds = thread.join().expect("a server does not panic");
            saw.extend(rounds.into_iter().map(|round| (round, server)));
        }
        saw
    }
}

/// Races until one shows something: on a busy machine the address may not change in time even once.
fn race(once: impl Fn() -> bool) {
    assert!((0..8).any(|_| once()), "both servers were reached in one of eight races");
}

/// The record has for each round the server that saw it. Returns whether both were reached.
fn compare(told: &[Option<usize>], saw: &BTreeMap<u32, usize>) -> bool {
    assert_eq!(told.len(), ROUNDS as usize, "each connect is told");
    let wrong: Vec<_> =
        (0..ROUNDS).zip(told).filter(|(round, told)| saw.get(round) != told.as_ref()).collect();
    assert_eq!(
        wrong,
        [],
        "rounds of which the record says another server than the one that saw it"
    );
    let servers: Vec<_> = saw.values().collect();
    servers.contains(&&0) && servers.contains(&&1)
}

#[test]
fn the_record_has_the_server_that_saw_each_of_1000_unix_connects_while_the_address_changes() {
    race(race_of_unix);
}

fn race_of_unix() -> bool {
    let lab = Lab::new();
    let paths = [socket_path(&lab, "server-a"), socket_path(&lab, "server-b")];
    let mut pair = Pair::new();
    for path in &paths {
        let listener = UnixListener::bind(path).expect("a socket");
        pair.serve(move || listener.accept().ok().map(|(client, _)| client));
    }
    let rounds = ROUNDS.to_string();
    let run = record(&lab, &["race-unix", text(&paths[0]), text(&paths[1]), &rounds]);
    let saw = pair.saw(|server| drop(std::os::unix::net::UnixStream::connect(&paths[server])));
    let told: Vec<Option<usize>> = run
        .of("unix", "connect")
        .map(|event| {
            // The socket's file is forgotten when the server closes first; its name is not.
            let path = event.bytes("path").or_else(|| event.bytes("bound"));
            assert_eq!(path.is_none(), !event.text("errno").is_empty(), "{event:?}");
            let of = |path: Vec<u8>| {
                paths.iter().position(|it| it.as_os_str().as_encoded_bytes() == path)
            };
            path.map(|path| of(path).expect("one of the two"))
        })
        .collect();
    compare(&told, &saw)
}

#[test]
fn the_record_has_the_server_that_saw_each_of_1000_tcp_connects_while_the_address_changes() {
    race(race_of_tcp);
}

fn race_of_tcp() -> bool {
    let lab = Lab::new();
    let mut pair = Pair::new();
    let mut ports = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        ports.push(listener.local_addr().expect("it has an address").port());
        pair.serve(move || listener.accept().ok().map(|(client, _)| client));
    }
    let words = [ports[0].to_string(), ports[1].to_string(), ROUNDS.to_string()];
    let words: Vec<&str> =
        std::iter::once("race-inet").chain(words.iter().map(String::as_str)).collect();
    let run = record(&lab, &words);
    let saw = pair.saw(|server| drop(std::net::TcpStream::connect(("127.0.0.1", ports[server]))));
    let told: Vec<Option<usize>> = run
        .of("net", "connect")
        .map(|event| {
            let port = event.text("peer").rsplit(':').next().and_then(|port| port.parse().ok());
            let server = ports.iter().position(|it| Some(*it) == port);
            assert!(server.is_some(), "a connect to neither: {event:?}");
            // Some end after their window: then only the flow knows how.
            server.filter(|_| ["established", "pending"].contains(&event.text("result")))
        })
        .collect();
    compare(&told, &saw)
}

#[test]
fn a_name_that_is_moved_is_told_as_it_is_and_as_it_was_bound() {
    let lab = Lab::new();
    let (old, new) = (socket_path(&lab, "old-name"), socket_path(&lab, "new-name"));
    let _listener = UnixListener::bind(&old).expect("a socket");
    fs::rename(&old, &new).expect("the same directory");
    let run = lab.run([text(&lab.tester("unix")), "connect", "stream", text(&new)]).succeed();
    let event = only(&run, "connect");
    assert_eq!((event.text("path"), event.text("bound")), (text(&new), text(&old)));
}

#[test]
fn bytes_over_unix_sockets_are_told_for_each_process_and_peer() {
    let lab = Lab::new();
    let run = record(&lab, &["talk", "unused"]);
    let pids = String::from_utf8_lossy(&run.stdout).into_owned();
    let pids: Vec<u64> = pids.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect();
    let [server, client] = pids.as_slice() else { panic!("{pids:?}") };
    let flow = |pid: u64| {
        let flows: Vec<_> =
            run.of("unix", "flow").filter(|it| it.number("pid") == Some(pid)).collect();
        let [flow] = flows.as_slice() else { panic!("{flows:?}") };
        assert_eq!((flow.text("sock_type"), flow.flag("peer_in_run")), ("stream", true));
        ["peer_pid", "sent_bytes", "received_bytes", "sent_packets"].map(|it| flow.number(it))
    };
    // write, send, sendmsg and writev of 1,000 bytes each, twice; half of what came is answered.
    assert_eq!(flow(*client), [Some(*server), Some(8_000), Some(4_000), Some(8)]);
    let [peer, sent, received, _] = flow(*server);
    assert_eq!([peer, sent, received], [Some(*client), Some(4_000), Some(8_000)]);
}
