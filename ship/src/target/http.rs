//! HTTP PUT, to S3-compatible stores with a signature, to other servers with a token or nothing.
//!
//! Every PUT says `If-None-Match: *`: a server that knows it answers 412 instead of replacing what is
//! there. No redirect is followed: a signature is for one machine, and evidence goes where it was said.

use std::{
    env, fs,
    io::{Read, Seek},
    sync::Arc,
    time::Duration,
};

use ureq::{
    Agent, Body, SendBody,
    http::{Response, Uri},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::{
    Parcel, Put, Refused,
    sigv4::{Request, Signer, encoded},
};
use crate::{
    digest::{Digest, sha256},
    say::brief,
    settings::Settings,
};

/// How long a server may take to take the connection, and to answer when it has all.
const PATIENCE: Duration = Duration::from_secs(60);
/// Slower than this the whole transfer is given up, bytes a second.
const SLOWEST: u64 = 8 << 10;
/// Bodies of this size wait for the server to say that it wants them.
const LARGE: u64 = 1 << 20;
/// As much is read of an error's text.
const MAX_SAID: u64 = 4 << 10;

/// A server.
#[derive(Debug)]
pub(crate) struct Http {
    agent: Agent,
    /// `https://host:port`
    origin: String,
    host: String,
    /// Before each key, with a slash at both ends.
    prefix: String,
    signer: Option<Signer>,
    /// Value of `Authorization`.
    authorization: Option<Secret>,
}

/// Shown by no format.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("…")
    }
}

impl Http {
    /// `https://HOST/PREFIX`
    pub(super) fn plain(word: &str, settings: &Settings) -> Result<Http, String> {
        let (origin, host, path) = split(word, settings)?;
        let authorization =
            variable("AUDIT_SHIP_TOKEN").map(|token| Secret(format!("Bearer {token}")));
        Ok(Http {
            agent: agent(settings)?,
            origin,
            host,
            prefix: slashed(&path),
            signer: None,
            authorization,
        })
    }

    /// `s3://BUCKET/PREFIX`, with what the AWS tools read from the environment.
    pub(super) fn s3(word: &str, settings: &Settings) -> Result<Http, String> {
        let rest = word.strip_prefix("s3://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if bucket.is_empty() || !bucket.bytes().all(valid) {
            return Err(format!("cannot send to {word}: a bucket is given as s3://BUCKET/PREFIX"));
        }
        let need = |name: &str| {
            variable(name).ok_or_else(|| {
                format!("cannot send to {word}: {name} is not set\n\
                         the environment has the credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
            })
        };
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let signer = Signer {
            key_id: need("AWS_ACCESS_KEY_ID")?,
            secret: need("AWS_SECRET_ACCESS_KEY")?,
            token: variable("AWS_SESSION_TOKEN"),
            region: region.clone(),
        };
        let endpoint = settings.endpoint.clone();
        let endpoint = endpoint.or_else(|| variable("AWS_ENDPOINT_URL_S3"));
        let endpoint = endpoint.or_else(|| variable("AWS_ENDPOINT_URL"));
        // A name with dots has no certificate as a host; other servers know buckets as paths.
        let amazon = format!("s3.{region}.amazonaws.com");
        let (address, path) = match endpoint {
            Some(endpoint) => (endpoint, format!("{bucket}/{prefix}")),
            None if bucket.contains('.') => {
                (format!("https://{amazon}"), format!("{bucket}/{prefix}"))
            }
            None => (format!("https://{bucket}.{amazon}"), prefix.to_owned()),
        };
        let (origin, host, below) = split(&address, settings)?;
        Ok(Http {
            agent: agent(settings)?,
            origin,
            host,
            prefix: slashed(&format!("{below}/{path}")),
            signer: Some(signer),
            authorization: None,
        })
    }

    /// Puts a parcel, and finds out whose it is where something is there already.
    pub(super) fn put(&self, parcel: &mut Parcel<'_>) -> Result<Put, Refused> {
        let digest = parcel.digest;
        let mut headers = vec![("if-none-match", "*".to_owned())];
        if self.signer.is_none() {
            headers.push(("x-content-sha256", digest.sha256.clone()));
        }
        parcel
            .file
            .rewind()
            .map_err(|why| Refused::Later(format!("cannot read the spool: {why}"), None))?;
        let (path, headers) = self.headers("PUT", parcel.key, &digest.sha256, headers);
        let mut request = self.agent.put(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request =
            request.header("content-length", digest.size).content_type("application/octet-stream");
        if digest.size >= LARGE {
            request = request.header("expect", "100-continue");
        }
        let whole = PATIENCE + Duration::from_secs(digest.size / SLOWEST);
        let request = request.config().timeout_global(Some(whole)).build();
        let sent = request.send(SendBody::from_reader(&mut *parcel.file));
        let mut answer = sent.map_err(|why| self.failed(&why))?;
        match answer.status().as_u16() {
            200..=299 => Ok(Put::New),
            412 => self.whose(parcel),
            _ => Err(self.refused(&mut answer)),
        }
    }

    /// Compares what is there under the parcel's name with the parcel.
    fn whose(&self, parcel: &Parcel<'_>) -> Result<Put, Refused> {
        let (path, headers) = self.headers("GET", parcel.key, &sha256(b""), Vec::new());
        let mut request = self.agent.get(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let whole = PATIENCE + Duration::from_secs(parcel.digest.size / SLOWEST);
        let request = request.config().timeout_global(Some(whole)).build();
        let mut answer = request.call().map_err(|why| self.failed(&why))?;
        let name = format!("{}{path}", self.origin);
        match answer.status().as_u16() {
            200..=299 => {
                // One byte more tells a longer one.
                let reader = answer.body_mut().as_reader().take(parcel.digest.size + 1);
                let there = Digest::of(reader)
                    .map_err(|why| Refused::Later(format!("cannot read {name}: {why}"), None))?;
                if there == *parcel.digest {
                    return Ok(Put::There);
                }
                Err(Refused::Conflict(format!("{name} is there with other content")))
            }
            401 | 403 | 405 if parcel.tried => Ok(Put::Assumed),
            401 | 403 | 405 => Err(Refused::Conflict(format!(
                "{name} is there, nothing of ours was tried there, and we may not read it"
            ))),
            _ => Err(self.refused(&mut answer)),
        }
    }

    /// The path of a key as it goes over the wire, and every header but those of the body.
    fn headers(
        &self,
        method: &str,
        key: &str,
        payload_sha256: &str,
        mut headers: Vec<(&'static str, String)>,
    ) -> (String, Vec<(&'static str, String)>) {
        let path = encoded(&format!("{}{key}", self.prefix));
        if let Some(signer) = &self.signer {
            let request = Request {
                method,
                host: &self.host,
                path: &path,
                payload_sha256,
                headers: &headers,
            };
            let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
            headers.extend(signer.sign(&request, &now));
        }
        if let Some(Secret(value)) = &self.authorization {
            headers.push(("authorization", value.clone()));
        }
        (path, headers)
    }

    fn failed(&self, why: &ureq::Error) -> Refused {
        Refused::Later(format!("cannot reach {}: {}", self.origin, brief(&why.to_string())), None)
    }

    /// What an answer that is no success means.
    fn refused(&self, answer: &mut Response<Body>) -> Refused {
        let status = answer.status();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let after =
            header("retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let place = header("location").map(|place| format!(" to {place}")).unwrap_or_default();
        let mut said = Vec::new();
        // The status says enough where the text cannot be read.
        let _ = answer.body_mut().as_reader().take(MAX_SAID).read_to_end(&mut said);
        let said = meaning(&String::from_utf8_lossy(&said));
        let text = format!("{} answers {}{}", self.origin, status.as_u16(), said);
        match status.as_u16() {
            300..=399 => Refused::Never(brief(&format!(
                "{} redirects{place}, which is not followed: give that address",
                self.origin
            ))),
            // 409 of S3: two writers of one name at once.
            408 | 409 | 425 | 429 | 500..=599 => Refused::Later(text, after),
            _ => Refused::Never(text),
        }
    }
}

/// Code and message of an answer of S3, or the begin of any other text.
fn meaning(text: &str) -> String {
    let inside = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0)
    };
    match (inside("Code"), inside("Message")) {
        (Some(code), Some(message)) => format!(": {}", brief(&format!("{code}, {message}"))),
        _ if text.trim().is_empty() => String::new(),
        _ => format!(": {}", brief(text)),
    }
}

/// Splits an address into origin, host and path, and refuses what would show evidence to the network.
fn split(word: &str, settings: &Settings) -> Result<(String, String, String), String> {
    let wrong = |why: &str| format!("cannot send to {}: {why}", shown(word));
    let uri: Uri = word.parse().map_err(|_| wrong("it is no address: https://HOST/PREFIX"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("it is no address: https://HOST/PREFIX"));
    };
    if authority.as_str().contains('@') {
        return Err(wrong(
            "an address holds no password: it would be seen in lists of processes\n\
                          set AUDIT_SHIP_TOKEN, or the AWS variables",
        ));
    }
    if uri.query().is_some() {
        return Err(wrong("an address with `?` is none that keys can be added to"));
    }
    let host = authority.host();
    let near = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    match scheme {
        "https" => {}
        "http" if near || settings.insecure_http => {}
        "http" => {
            return Err(wrong("http:// shows everything on the way: https://, or --insecure-http"));
        }
        _ => return Err(wrong("it is neither https:// nor http://")),
    }
    // Ports that go without saying are not in the header that is signed.
    let default = if scheme == "https" { 443 } else { 80 };
    let host = match authority.port_u16() {
        Some(port) if port != default => format!("{host}:{port}"),
        _ => host.to_owned(),
    };
    Ok((format!("{scheme}://{host}"), host, uri.path().to_owned()))
}

/// An address without what may be a password.
fn shown(word: &str) -> String {
    match (word.split_once("://"), word.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => word.to_owned(),
    }
}

fn slashed(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "/".to_owned() } else { format!("/{}/", parts.join("/")) }
}

fn agent(settings: &Settings) -> Result<Agent, String> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = &settings.ca {
        let attempt =
            |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
        let pem = fs::read(path).map_err(|why| attempt(&why))?;
        let mut certificates = Vec::new();
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(one) = item.map_err(|why| attempt(&why))? {
                certificates.push(one);
            }
        }
        if certificates.is_empty() {
            return Err(attempt(&"it has no certificate"));
        }
        tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(PATIENCE))
        .user_agent(concat!("audit-ship/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls.build());
    Ok(config.build().into())
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
