//! A tiny server that takes PUT with `If-None-Match: *` and gives GET, and fails in every way on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// What it does with a request instead of its work, or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It works.
    None,
    /// This status, and nothing is kept.
    Status(u16),
    /// The connection is closed without an answer, and nothing is kept.
    Reset,
    /// Half of the body is read, then the connection is closed.
    HalfRead,
    /// Half an answer.
    HalfAnswer,
    /// It is kept, and then the connection is closed without an answer.
    KeptThenReset,
    /// The answer comes late.
    Slow,
    /// Somewhere else.
    Redirect,
}

#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What is there, by path.
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    /// How often each path was put and kept.
    pub(crate) puts: BTreeMap<String, u32>,
    /// Requests.
    pub(crate) asked: Vec<String>,
    troubles: VecDeque<Trouble>,
    always: Option<(&'static str, Trouble)>,
    authorization: Option<String>,
}

/// The server; it lives as long as the test.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    port: u16,
    kept: Arc<Mutex<Kept>>,
}

impl Server {
    pub(crate) fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Server { port, kept: Arc::default() };
        let own = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                thread::spawn(move || while own.serve(&stream).is_some() {});
            }
        });
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/evidence", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next requests have these troubles, in this order; after them all is well.
    pub(crate) fn trouble(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.kept().troubles = troubles.into_iter().collect();
    }

    /// Each request whose path has this word in it has this trouble.
    pub(crate) fn always(&self, word: &'static str, trouble: Trouble) {
        self.kept().always = Some((word, trouble));
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no thread panicked")
    }

    pub(crate) fn troubles_left(&self) -> usize {
        self.kept().troubles.len()
    }

    /// `Authorization` of the last request.
    pub(crate) fn authorization(&self) -> Option<String> {
        self.kept().authorization.clone()
    }

    /// Serves one request; `None` ends the connection.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|got| *got > 0)?;
        let mut words = first.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut length = 0;
        let mut expects = false;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "expect" => expects = true,
                "authorization" => self.kept().authorization = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        let trouble = self.next(&method, &path);
        let mut body = vec![0; length];
        if expects {
            (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        match trouble {
            Trouble::Reset => return None,
            Trouble::HalfRead => {
                reader.read_exact(&mut body[..length / 2]).ok()?;
                return None;
            }
            _ => reader.read_exact(&mut body).ok()?,
        }
        match trouble {
            Trouble::Status(status) => {
                return answer(stream, status, "Retry-After: 0\r\n", b"<Code>Busy</Code>");
            }
            Trouble::Redirect => {
                return answer(stream, 307, "Location: http://127.0.0.1:1/\r\n", b"");
            }
            Trouble::HalfAnswer => {
                (&*stream).write_all(b"HTTP/1.1 20").ok()?;
                return None;
            }
            Trouble::Slow => thread::sleep(Duration::from_millis(300)),
            _ => {}
        }
        let (status, text) = self.work(&method, path, body);
        if trouble == Trouble::KeptThenReset {
            return None;
        }
        answer(stream, status, "", &text)
    }

    fn next(&self, method: &str, path: &str) -> Trouble {
        let mut kept = self.kept();
        kept.asked.push(format!("{method} {path}"));
        match kept.always {
            Some((word, trouble)) if path.contains(word) => trouble,
            _ => kept.troubles.pop_front().unwrap_or(Trouble::None),
        }
    }

    fn work(&self, method: &str, path: String, body: Vec<u8>) -> (u16, Vec<u8>) {
        let mut kept = self.kept();
        match (method, kept.objects.get(&path)) {
            ("GET", Some(there)) => (200, there.clone()),
            ("PUT", Some(_)) => (412, Vec::new()),
            ("PUT", None) => {
                *kept.puts.entry(path.clone()).or_default() += 1;
                kept.objects.insert(path, body);
                (201, Vec::new())
            }
            _ => (404, Vec::new()),
        }
    }
}

fn answer(mut stream: &TcpStream, status: u16, headers: &str, body: &[u8]) -> Option<()> {
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}
