//! Sockets by io_uring, which no system call of the program tells of (docs/coverage.md).
#![forbid(unsafe_code)]

use std::net::{SocketAddr, TcpListener};

use xtests::{Event, Lab, Recorded, not_run};

/// Records `uring_net MODE PORT`; the port that it listened on. `None` where the kernel refuses io_uring,
/// which is told.
fn record(lab: &Lab, mode: &str, closed: u16) -> Option<(String, Recorded)> {
    let tester = lab.tester("uring_net");
    let run = lab.run([tester.as_os_str(), mode.as_ref(), closed.to_string().as_ref()]).record();
    if run.status.code() == Some(77) {
        not_run(&format!("sockets by io_uring, {mode}"), "this kernel refuses io_uring_setup");
        return None;
    }
    assert_eq!(run.status.code(), Some(0), "{mode}: {}", run.errors());
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    if said.starts_with("calls") {
        not_run("bind and listen by io_uring", "this kernel has no such requests (6.11)");
    }
    let port = said.split_whitespace().last().expect("a port").to_owned();
    Some((port, run))
}

/// `OP PROTO RESULT ERRNO SENT RECEIVED`, without what an event does not have.
fn words(event: &Event) -> String {
    let mut words = vec![event.op(), event.text("proto"), event.text("role")];
    words.extend([event.text("result"), event.text("errno")]);
    words.retain(|word| !word.is_empty());
    let mut words = words.join(" ");
    if let (Some(sent), Some(received)) =
        (event.number("sent_bytes"), event.number("received_bytes"))
    {
        words += &format!(" {sent} {received}");
    }
    words
}

fn check(mode: &str) {
    let lab = Lab::new();
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let closed: SocketAddr = closed.expect("a port that is free again");
    let Some((port, run)) = record(&lab, mode, closed.port()) else { return };
    let server = format!("127.0.0.1:{port}");
    let with = |peer: &str| {
        let mut told: Vec<_> =
            run.of("net", "").filter(|event| event.text("peer") == peer).map(words).collect();
        told.sort();
        told
    };
    let of_server = |op: &'static str| {
        run.of("net", op).filter(|event| event.text("local") == server).collect::<Vec<_>>()
    };
    let expected =
        ["connect tcp established", "flow tcp client established 5 7", "flow udp 3 0", "send udp"];
    assert_eq!(with(&server), expected, "{mode}");
    let refused = ["connect tcp refused ECONNREFUSED", "flow tcp client refused ECONNREFUSED 0 0"];
    assert_eq!(with(&closed.to_string()), refused, "{mode}");
    for (op, expected) in [
        ("bind", "bind tcp"),
        ("listen", "listen tcp"),
        ("accept", "accept tcp"),
        ("flow", "flow tcp server established 7 5"),
    ] {
        let told: Vec<_> = of_server(op).into_iter().map(words).collect();
        assert_eq!(told, [expected], "{mode}");
    }
    // Both ends name each other, and all was done by the program, on whichever thread.
    let client = run.of("net", "connect").find(|event| event.text("peer") == server);
    let client = client.map(|event| event.text("local"));
    let accept = of_server("accept").first().map(|event| event.text("peer"));
    assert_eq!(client, accept, "{mode}");
    let main = run.execs_of(&lab.tester("uring_net")).next().and_then(|exec| exec.number("pid"));
    assert!(run.of("net", "").all(|event| event.number("pid") == main), "{mode}");
    run.assert_whole();
}

#[test]
fn requests_done_at_once_are_told_with_peers_results_and_bytes() {
    check("inline");
}

#[test]
fn requests_done_by_worker_threads_are_told_with_peers_results_and_bytes() {
    check("async");
}

#[test]
fn requests_that_a_kernel_thread_took_are_told_with_peers_results_and_bytes() {
    check("sqpoll");
}
