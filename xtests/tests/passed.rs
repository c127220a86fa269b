//! Open files that go over unix sockets: who received what from whom (docs/events.md, `unix`).
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use xtests::{Event, Lab, Recorded};

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn record(lab: &Lab, words: &[&str]) -> Recorded {
    let tester = lab.tester("passes");
    let mut command = vec![text(&tester)];
    command.extend(words);
    let run = lab.run(command).succeed();
    run.assert_whole();
    run
}

/// The only event of what was passed.
fn only<'r>(run: &'r Recorded, op: &str) -> &'r Event {
    let found: Vec<_> = run.events.iter().filter(|event| event.is("unix", op)).collect();
    let [event] = found.as_slice() else { panic!("{} of {op}: {found:?}", found.len()) };
    event
}

/// The processes of the run: the one that was executed, and the child that it forked.
fn parent_and_child(run: &Recorded) -> (Option<u64>, Option<u64>) {
    let fork = run.of("process", "fork").last().expect("a fork");
    (fork.number("pid"), fork.number("child_pid"))
}

#[test]
fn who_receives_a_file_is_told_with_its_path_and_who_sent_it() {
    let lab = Lab::new();
    let file = lab.work().join("handed");
    let run = record(&lab, &["plain", text(&file)]);
    let (parent, child) = parent_and_child(&run);
    let event = only(&run, "receive");
    let write = run.at("create", &file).next().expect("it was made");
    assert_eq!((event.number("pid"), event.number("peer_pid")), (parent, child), "{event:?}");
    assert_eq!((event.text("path"), event.text("passed")), (text(&file), "file"));
    assert_eq!((event.text("access"), event.count()), ("read_write", 1));
    assert_eq!(
        (event.number("ino"), event.number("dev")),
        (write.number("ino"), write.number("dev"))
    );
    assert_eq!((event.text("peer_basis"), event.flag("peer_in_run")), ("last_sender", true));
    assert_eq!((event.number("sender_uid"), event.flag("unsure")), (Some(0), false));
}

#[test]
fn a_socket_and_a_pipe_that_come_with_a_file_are_told_each() {
    let lab = Lab::new();
    let file = lab.work().join("handed");
    let run = record(&lab, &["all", text(&file)]);
    let told: Vec<_> = run
        .of("unix", "receive")
        .map(|event| event.text("passed").split(':').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(told, ["file", "inet", "pipe"]);
}

#[test]
fn three_messages_of_one_recvmmsg_are_one_event_with_its_count() {
    let lab = Lab::new();
    let file = lab.work().join("handed");
    let run = record(&lab, &["mmsg", text(&file)]);
    let event = only(&run, "receive");
    assert_eq!((event.text("path"), event.count()), (text(&file), 3));
    assert_eq!(event.text("sock_type"), "dgram");
}

#[test]
fn the_sender_is_known_for_sure_where_the_receiver_asks_for_credentials() {
    let lab = Lab::new();
    let run = record(&lab, &["named", text(&lab.work().join("handed"))]);
    let (parent, child) = parent_and_child(&run);
    let event = only(&run, "receive");
    assert_eq!((event.number("pid"), event.number("peer_pid")), (parent, child), "{event:?}");
    assert_eq!(event.text("peer_basis"), "message");
}

#[test]
fn who_reads_the_message_without_room_for_the_file_did_not_receive_it() {
    let lab = Lab::new();
    let run = record(&lab, &["deaf", text(&lab.work().join("handed"))]);
    assert_eq!(run.of("unix", "receive").count(), 0);
}

#[test]
fn in_a_process_with_a_ring_it_is_not_known_whether_the_file_was_kept() {
    let lab = Lab::new();
    let file = lab.work().join("handed");
    let run = record(&lab, &["ring", text(&file)]);
    let event = only(&run, "receive");
    assert_eq!((event.text("path"), event.flag("unsure")), (text(&file), true));
}

#[test]
fn of_1000_files_received_while_their_numbers_are_overwritten_each_is_told_right() {
    let lab = Lab::new();
    let (one, other) = (lab.work().join("one"), lab.work().join("other"));
    let run = record(&lab, &["race", text(&one), text(&other)]);
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    for event in run.of("unix", "receive") {
        *told.entry(event.text("path").to_owned()).or_default() += event.count();
    }
    let expected = [(text(&one).to_owned(), 666), (text(&other).to_owned(), 334)];
    assert_eq!(told, BTreeMap::from(expected));
}

/// A process outside the run, ended when dropped.
struct Outside(Child);

impl Outside {
    fn start(lab: &Lab, words: &[&str]) -> Outside {
        let mut command = Command::new(lab.tester("passes"));
        let mut child =
            command.args(words).stdout(Stdio::piped()).spawn().expect("the tester starts");
        let mut ready = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("it tells");
        assert_eq!(ready, "ready\n");
        Outside(child)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_file_from_a_process_outside_is_told_with_who_made_the_connection() {
    let lab = Lab::new();
    let (file, socket): (PathBuf, PathBuf) = (lab.work().join("theirs"), lab.work().join("s"));
    let outside = Outside::start(&lab, &["serve-give", text(&file), text(&socket)]);
    let run = record(&lab, &["take", text(&socket)]);
    let event = only(&run, "receive");
    assert_eq!((event.text("path"), event.text("peer_basis")), (text(&file), "connection"));
    assert_eq!(event.number("peer_pid"), Some(outside.0.id().into()), "{event:?}");
    assert_eq!((event.flag("peer_in_run"), event.text("peer_comm")), (false, "passes"));
}

#[test]
fn a_file_given_to_a_process_outside_is_told_with_who_took_it() {
    let lab = Lab::new();
    let (file, socket): (PathBuf, PathBuf) = (lab.work().join("ours"), lab.work().join("s"));
    let outside = Outside::start(&lab, &["serve-take", text(&socket)]);
    let run = record(&lab, &["give", text(&file), text(&socket)]);
    let event = only(&run, "give");
    assert_eq!((event.text("path"), event.text("peer_basis")), (text(&file), "receiver"));
    assert_eq!(event.number("peer_pid"), Some(outside.0.id().into()), "{event:?}");
    assert!(!event.flag("peer_in_run") && event.flag("unsure"), "{event:?}");
    assert_eq!(run.of("unix", "receive").count(), 0);
}
