//! `nats-server` with JetStream on a port of this machine, and a client of our own that reads what it kept.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use xtests::{not_run, wait};

/// The subject of the stream.
pub(crate) const SUBJECT: &str = "audit.findings";

/// A message of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// `Nats-Msg-Id`.
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

/// The server; gone with the test.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    login: Option<(&'static str, &'static str)>,
    child: Option<Child>,
}

impl Server {
    /// Starts the program that scripts/setup.sh --test puts beside what is built; none where it is not there.
    pub(crate) fn start(
        folder: &Path,
        jetstream: bool,
        login: Option<(&'static str, &'static str)>,
    ) -> Option<Server> {
        let own = std::env::current_exe().expect("a running program has a file");
        let program = own
            .ancestors()
            .map(|dir| dir.join("engines/bin/nats-server"))
            .find(|path| path.exists());
        let Some(program) = program else {
            not_run(
                "findings to NATS JetStream",
                "nats-server is not in target/engines (scripts/setup.sh --test)",
            );
            return None;
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        fs::create_dir_all(folder).expect("room");
        let mut text = format!("listen: \"127.0.0.1:{port}\"\n");
        if jetstream {
            text += &format!("jetstream {{ store_dir: {:?} }}\n", folder.join("kept"));
        }
        if let Some((user, password)) = login {
            text += &format!("authorization {{ user: {user}, password: {password} }}\n");
        }
        fs::write(folder.join("conf"), text).expect("room");
        let mut server = Server { program, folder: folder.to_owned(), port, login, child: None };
        server.come_back();
        Some(server)
    }

    /// Starts with what it kept.
    pub(crate) fn come_back(&mut self) {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(self.folder.join("conf")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("it starts"));
        let port = self.port;
        wait::until_true("nats-server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    /// Killed, with what it holds open.
    pub(crate) fn goes_away(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it lives");
            child.wait().expect("it ends");
        }
    }

    /// Where findings go.
    pub(crate) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}/{SUBJECT}", self.port)
    }

    /// Makes the stream, as docs/fleet.md has it.
    pub(crate) fn make_stream(&self) {
        let asked = json!({
            "name": "FINDINGS", "subjects": [SUBJECT], "storage": "file", "allow_direct": true,
        });
        let ask = || self.ask("$JS.API.STREAM.CREATE.FINDINGS", &asked).map(|answer| answer.body);
        // JetStream is ready a moment after the port is.
        let answer = wait::until("JetStream answers", ask);
        let answer: Value = serde_json::from_slice(&answer).expect("it is JSON");
        assert_eq!(answer["error"], Value::Null, "{answer}");
    }

    /// How many messages the stream has.
    pub(crate) fn count(&self) -> u64 {
        let answer = self.ask("$JS.API.STREAM.INFO.FINDINGS", &json!({}));
        let answer = answer.map(|answer| serde_json::from_slice::<Value>(&answer.body));
        let answer = answer.and_then(Result::ok).unwrap_or_default();
        answer["state"]["messages"].as_u64().unwrap_or(0)
    }

    /// All messages of the stream.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages_after(0)
    }

    /// The messages behind the first so many.
    pub(crate) fn messages_after(&self, first: u64) -> Vec<Message> {
        (first + 1..=self.count())
            .map(|seq| {
                let asked = json!({"seq": seq});
                self.ask("$JS.API.DIRECT.GET.FINDINGS", &asked).expect("the message is there")
            })
            .collect()
    }

    /// Asks, and waits for one answer; none where nobody listens to that.
    fn ask(&self, subject: &str, asked: &Value) -> Option<Message> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("it takes one");
        let (user, pass) = self.login.unwrap_or_default();
        let hello = json!({
            "verbose": false, "headers": true, "no_responders": true, "user": user, "pass": pass,
        });
        let asked = asked.to_string();
        let words = format!(
            "CONNECT {hello}\r\nSUB _INBOX.test 1\r\nPUB {subject} _INBOX.test {}\r\n{asked}\r\n",
            asked.len()
        );
        stream.write_all(words.as_bytes()).ok()?;
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let words: Vec<&str> = line.split_whitespace().collect();
            let (head, size) = match words.as_slice() {
                ["MSG", .., size] => ("0", *size),
                ["HMSG", .., head, size] => (*head, *size),
                _ => continue,
            };
            let [head, size] = [head, size].map(|word| word.parse::<usize>().expect("a size"));
            let mut body = vec![0; size];
            stream.read_exact(&mut body).ok()?;
            let rest = body.split_off(head);
            let head = String::from_utf8(body).expect("headers are text");
            if head.starts_with("NATS/1.0 503") {
                return None;
            }
            let id = head.lines().find_map(|line| line.strip_prefix("Nats-Msg-Id: "));
            return Some(Message { id: id.unwrap_or_default().to_owned(), body: rest });
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
