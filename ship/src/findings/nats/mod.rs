//! As much of the NATS client protocol as it takes to give a message to JetStream and hear that it is kept
//! (docs.nats.io, "Client protocol"; ADR-4 has the headers). Why no crate: docs/decisions/0015.
//!
//! One message at a time: the next one goes when the stream has the one before. The header `Nats-Msg-Id`
//! lets the server drop what it has already.

mod address;
mod said;

use std::{
    env,
    io::{self, BufReader, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::json;

use crate::{digest::hex, say::brief, target::Refused};
pub(super) use address::Address;
use said::{Said, line, read};

/// How long a server may take to take the connection, and to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The server asks every two minutes whether we live; nobody listens between messages, so a connection that
/// was not used for so long is made anew.
const FRESH: Duration = Duration::from_secs(30);
/// What the server says first.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    headers: bool,
    jetstream: bool,
    tls_required: bool,
    max_payload: usize,
}

/// What JetStream answers to a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ack {
    stream: String,
    duplicate: bool,
    error: Option<AckError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AckError {
    code: u16,
    description: String,
}

/// What came for a message of ours.
struct Answer {
    headers: Vec<u8>,
    body: Vec<u8>,
}

/// A connection that is open.
#[derive(Debug)]
struct Link {
    stream: BufReader<TcpStream>,
    inbox: String,
    max_payload: usize,
    asked: u64,
    used: Instant,
}

/// A server, connected to when there is something to send.
#[derive(Debug)]
pub(super) struct Client {
    address: Address,
    link: Option<Link>,
}

impl Client {
    pub(super) fn new(address: Address) -> Client {
        Client { address, link: None }
    }

    /// Gives a message to the stream. Returns whether the stream had it already.
    pub(super) fn publish(&mut self, id: &str, payload: &[u8]) -> Result<bool, Refused> {
        if self.link.as_ref().is_some_and(|link| link.used.elapsed() > FRESH) {
            self.link = None;
        }
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connect()?,
        };
        let headers = format!("NATS/1.0\r\nNats-Msg-Id: {id}\r\n\r\n");
        let size = headers.len() + payload.len();
        if size > link.max_payload {
            let most = link.max_payload;
            self.link = Some(link);
            return Err(Refused::Conflict(format!(
                "it has {size} bytes, the server takes {most} (max_payload)"
            )));
        }
        link.asked += 1;
        let reply = format!("{}.{}", link.inbox, link.asked);
        let mut out =
            format!("HPUB {} {reply} {} {size}\r\n{headers}", self.address.subject, headers.len())
                .into_bytes();
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
        let answer = link.write(&out).and_then(|()| link.answer(&reply));
        let answer = answer.map_err(|why| self.failed(&why))??;
        link.used = Instant::now();
        // A refusal is an answer too: the connection stays.
        self.link = Some(link);
        self.judge(&answer.headers, &answer.body)
    }

    fn judge(&self, headers: &[u8], body: &[u8]) -> Result<bool, Refused> {
        let subject = &self.address.subject;
        // Status 503 is the server's own word for: nobody listens.
        if headers.starts_with(b"NATS/1.0 503") {
            return Err(Refused::Later(
                format!("no stream takes the subject {subject}: make one (docs/fleet.md)"),
                None,
            ));
        }
        let ack: Ack = serde_json::from_slice(body).unwrap_or_default();
        match ack.error {
            Some(AckError { code, description }) => {
                let text = format!("JetStream answers {code}: {}", brief(&description));
                // 5xx: no room, no leader; 4xx: not before somebody changes something.
                Err(if code >= 500 { Refused::Later(text, None) } else { Refused::Never(text) })
            }
            None if ack.stream.is_empty() => Err(Refused::Never(format!(
                "something answers on {subject} that is no stream: {}",
                brief(&String::from_utf8_lossy(body))
            ))),
            None => Ok(ack.duplicate),
        }
    }

    fn connect(&self) -> Result<Link, Refused> {
        let Address { host, port, .. } = &self.address;
        let stream = dial(host, *port).map_err(|why| self.failed(&why))?;
        let mut stream = BufReader::new(stream);
        let line = line(&mut stream).map_err(|why| self.failed(&why))?;
        let never = |why: &str| Refused::Never(format!("{host}:{port} {why}"));
        let info = line.strip_prefix("INFO ").ok_or_else(|| never("is no NATS server"))?;
        let info: Info =
            serde_json::from_str(info).map_err(|_| never("says INFO that is no JSON"))?;
        if info.tls_required {
            return Err(never("wants TLS, which is not spoken to NATS: docs/fleet.md has a way"));
        }
        if !info.headers || !info.jetstream {
            return Err(never("has no JetStream: it keeps nothing"));
        }
        let inbox = format!("_INBOX.{}", chance().map_err(|why| self.failed(&why))?);
        let max_payload = info.max_payload;
        let mut link = Link { stream, inbox, max_payload, asked: 0, used: Instant::now() };
        let hello = format!("CONNECT {}\r\nSUB {}.* 1\r\nPING\r\n", json!(greeting()), link.inbox);
        let heard = link.write(hello.as_bytes()).and_then(|()| link.ponged());
        heard.map_err(|why| self.failed(&why))??;
        Ok(link)
    }

    fn failed(&self, why: &io::Error) -> Refused {
        let Address { host, port, .. } = &self.address;
        let why = match why.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer in time".to_owned(),
            io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
            _ => why.to_string(),
        };
        Refused::Later(format!("cannot reach {host}:{port}: {}", brief(&why)), None)
    }
}

impl Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Waits until the server has taken our greeting.
    fn ponged(&mut self) -> io::Result<Result<(), Refused>> {
        loop {
            match self.said()? {
                Said::Pong => return Ok(Ok(())),
                Said::Error(why) => return Ok(Err(refused(&why))),
                _ => {}
            }
        }
    }

    /// Waits for the answer to `reply`.
    fn answer(&mut self, reply: &str) -> io::Result<Result<Answer, Refused>> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.said()? {
                Said::Message(subject, headers, body) if subject == reply => {
                    return Ok(Ok(Answer { headers, body }));
                }
                Said::Error(why) => return Ok(Err(refused(&why))),
                _ => {}
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Reads one thing; what must be answered is.
    fn said(&mut self) -> io::Result<Said> {
        let said = read(&mut self.stream)?;
        if said == Said::Ping {
            self.write(b"PONG\r\n")?;
        }
        Ok(said)
    }
}

/// What `-ERR` means: a server that is going away or full comes back, rights do not.
fn refused(why: &str) -> Refused {
    let text = format!("the server answers {}", brief(why));
    let lower = why.to_ascii_lowercase();
    let lasting = ["authorization", "authentication", "permissions", "account"];
    if lasting.iter().any(|word| lower.contains(word)) {
        Refused::Never(format!(
            "{text}\nthe environment has the credentials: AUDIT_SHIP_NATS_USER and \
             AUDIT_SHIP_NATS_PASSWORD, or AUDIT_SHIP_NATS_TOKEN"
        ))
    } else {
        Refused::Later(text, None)
    }
}

fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(why) => last = why,
        }
    }
    Err(last)
}

/// What we are and want, with the credentials that the environment has.
fn greeting() -> serde_json::Value {
    let mut all = json!({
        "verbose": false, "pedantic": false, "headers": true, "no_responders": true, "protocol": 1,
        "lang": "rust", "name": "audit-ship", "version": env!("CARGO_PKG_VERSION"),
    });
    for (field, name) in [
        ("user", "AUDIT_SHIP_NATS_USER"),
        ("pass", "AUDIT_SHIP_NATS_PASSWORD"),
        ("auth_token", "AUDIT_SHIP_NATS_TOKEN"),
    ] {
        if let Some(value) = env::var(name).ok().filter(|value| !value.is_empty())
            && let Some(all) = all.as_object_mut()
        {
            all.insert(field.to_owned(), value.into());
        }
    }
    all
}

/// Sixteen digits that nobody else has.
fn chance() -> io::Result<String> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stream_acknowledges() {
        let address = Address::parse("nats://localhost/a", false).expect("an address");
        let judge = |head: &[u8], body: &[u8]| Client::new(address.clone()).judge(head, body);
        assert_eq!(judge(b"", br#"{"stream":"S","seq":1}"#), Ok(false));
        assert_eq!(judge(b"", br#"{"stream":"S","seq":1,"duplicate":true}"#), Ok(true));
        assert!(matches!(judge(b"", b"thanks"), Err(Refused::Never(_))));
        assert!(matches!(judge(b"NATS/1.0 503\r\n\r\n", b""), Err(Refused::Later(..))));
        let full = br#"{"error":{"code":503,"description":"no room"},"stream":"S"}"#;
        assert!(matches!(judge(b"", full), Err(Refused::Later(..))));
        let other = br#"{"error":{"code":400,"description":"wrong"},"stream":"S"}"#;
        assert!(matches!(judge(b"", other), Err(Refused::Never(_))));
    }
}
