//! `--anchor`: says elsewhere what is recorded, so that a run that is deleted or replaced is missed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixDatagram},
    path::PathBuf,
};

use storage::{RunDir, anchor_of_end, anchor_of_start};

use crate::{
    args::Anchor,
    failure::{Failure, system_text},
};

/// Where syslog and the journal listen.
const SYSLOG: &str = "/dev/log";

/// `user.notice` (RFC 3164).
const PRIORITY: u32 = 8 + 5;

/// Places that are open.
#[derive(Debug, Default)]
pub(super) struct Anchors(Vec<Place>);

#[derive(Debug)]
enum Place {
    Stderr,
    Syslog(UnixDatagram),
    File(File, PathBuf),
}

impl Anchors {
    /// Opens every place: what was asked for and cannot be had is found before anything runs.
    pub(super) fn open(wanted: &[Anchor]) -> Result<Anchors, Failure> {
        wanted.iter().map(Place::open).collect::<Result<_, _>>().map(Anchors)
    }

    /// Says that `run` begins, and by which keys it is signed.
    pub(super) fn start(&self, run: &RunDir) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.say(&anchor_of_start(run.id().as_str(), run.certificate().as_ref()))
    }

    /// Says how `run` ended. The command has run: what fails now is told and changes nothing.
    pub(super) fn end(&self, run: &RunDir) {
        if self.0.is_empty() {
            return;
        }
        if let Err(failure) =
            self.say(&anchor_of_end(run.id().as_str(), run.seal_sha256().as_ref()))
        {
            failure.print();
        }
    }

    fn say(&self, line: &str) -> Result<(), Failure> {
        self.0.iter().try_for_each(|place| place.say(line))
    }
}

impl Place {
    fn open(anchor: &Anchor) -> Result<Place, Failure> {
        match anchor {
            Anchor::Stderr => Ok(Place::Stderr),
            Anchor::Syslog => {
                let socket = UnixDatagram::unbound().and_then(|socket| {
                    socket.connect(SYSLOG)?;
                    Ok(socket)
                });
                socket.map(Place::Syslog).map_err(|why| refused(SYSLOG, &why))
            }
            Anchor::File(path) => {
                let mut options = OpenOptions::new();
                let file = options.append(true).create(true).mode(0o600).open(path);
                let file = file.map_err(|why| refused(&path.display().to_string(), &why))?;
                Ok(Place::File(file, path.clone()))
            }
        }
    }

    fn say(&self, line: &str) -> Result<(), Failure> {
        match self {
            Place::Stderr => writeln!(anstream::stderr(), "{line}")
                .map_err(|why| refused("standard error", &why)),
            Place::Syslog(socket) => {
                let line = format!("<{PRIORITY}>audit[{}]: {line}", std::process::id());
                socket.send(line.as_bytes()).map(drop).map_err(|why| refused(SYSLOG, &why))
            }
            // One write: lines of several runs do not mix.
            Place::File(file, path) => {
                let mut file = file;
                let written = file.write_all(format!("{line}\n").as_bytes());
                written
                    .and_then(|()| file.sync_data())
                    .map_err(|why| refused(&path.display().to_string(), &why))
            }
        }
    }
}

fn refused(place: &str, why: &io::Error) -> Failure {
    Failure::new(format!("cannot anchor the run in {place}: {}", system_text(why)))
}
