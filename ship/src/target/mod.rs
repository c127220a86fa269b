//! Where runs are sent to: a directory, an S3-compatible store, an HTTP server.

mod dir;
mod http;
mod sigv4;

use std::{fs::File, time::Duration};

use crate::{digest::Digest, settings::Settings};

/// A part, ready to be sent.
#[derive(Debug)]
pub(crate) struct Parcel<'p> {
    /// Its name below the target.
    pub(crate) key: &'p str,
    /// What is in it.
    pub(crate) file: &'p mut File,
    /// Length and hash of that.
    pub(crate) digest: &'p Digest,
    /// It was tried before, and may be there.
    pub(crate) tried: bool,
}

/// It is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It was sent now.
    New,
    /// It was there, byte by byte.
    There,
    /// Something is there under its name since an earlier attempt of ours, and we may not read it.
    Assumed,
}

impl Put {
    /// What there is to say of it.
    pub(crate) fn note(self) -> &'static str {
        match self {
            Put::New => "",
            Put::There => "was there, the same",
            Put::Assumed => {
                "was there after an attempt of ours; not read, as the target does not let us"
            }
        }
    }
}

/// It is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It may be, later: at the earliest after what the server asks for.
    Later(String, Option<Duration>),
    /// Not before somebody changes something.
    Never(String),
    /// Something else is there under its name.
    Conflict(String),
}

/// A target, ready for use.
#[derive(Debug)]
pub(crate) enum Target {
    /// A directory.
    Dir(dir::Dir),
    /// Something that takes HTTP PUT.
    Http(Box<http::Http>),
}

impl Target {
    /// Understands what the user wrote.
    pub(crate) fn parse(word: &str, settings: &Settings) -> Result<Target, String> {
        let scheme = word.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            None | Some("file") => dir::Dir::parse(word).map(Target::Dir),
            Some("s3") => http::Http::s3(word, settings).map(|it| Target::Http(Box::new(it))),
            Some("http" | "https") => {
                http::Http::plain(word, settings).map(|it| Target::Http(Box::new(it)))
            }
            Some(other) => Err(format!(
                "cannot send to {word}: {other}:// is none of file, s3, https, http\n\
                 for a directory: /DIR    for a bucket: s3://BUCKET/PREFIX"
            )),
        }
    }

    /// Puts a parcel, never in the place of something else.
    pub(crate) fn put(&self, parcel: &mut Parcel<'_>) -> Result<Put, Refused> {
        match self {
            Target::Dir(dir) => dir.put(parcel),
            Target::Http(http) => http.put(parcel),
        }
    }
}
