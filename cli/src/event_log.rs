//! `audit run --log FILE`: a copy of the events as JSON lines, for whoever reads along.
//!
//! It is a copy and nothing else: what cannot be written to it is told, and neither ends the run nor
//! leaves anything out of the record.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::failure::{Failure, system_text};

/// Bytes that are collected before they are written: a few hundred lines.
const BUFFER: usize = 64 * 1024;

/// An open log.
#[derive(Debug)]
pub(crate) struct EventLog {
    path: PathBuf,
    file: BufWriter<File>,
    failed: Option<io::Error>,
}

impl EventLog {
    /// Opens `path` to append to, so that several runs may share it; only its user can read a new one.
    ///
    /// # Errors
    /// When it cannot be opened: what was asked for and cannot be had is found before anything runs.
    pub(crate) fn open(path: &Path) -> Result<EventLog, Failure> {
        let file = open(path).map_err(|why| {
            let failure =
                Failure::new(format!("cannot log to {}: {}", path.display(), system_text(&why)));
            match rustix::io::Errno::from_io_error(&why) {
                Some(rustix::io::Errno::NXIO) => {
                    failure.hint("nobody reads this FIFO: start its reader first")
                }
                _ => failure,
            }
        })?;
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(EventLog { path: path.to_owned(), file, failed: None })
    }

    /// Adds a line, which has no newline. After an error nothing more is written: half a line is none.
    pub(crate) fn push(&mut self, line: &[u8]) {
        self.attempt(|file| {
            file.write_all(line)?;
            file.write_all(b"\n")
        });
    }

    /// Hands everything over, so that a reader sees it.
    pub(crate) fn flush(&mut self) {
        self.attempt(BufWriter::flush);
    }

    /// Ends the log and says what of it could not be written, if anything; `run` names the record that has it.
    pub(crate) fn end(mut self, run: &str) {
        self.flush();
        if let Some(why) = &self.failed {
            let (path, why) = (self.path.display(), system_text(why));
            Failure::new(format!("cannot log to {path}: {why}"))
                .hint(format!("the record has every event: audit export {run} --format jsonl"))
                .print();
        }
        // What is still in the buffer was refused once.
        let _ = self.file.into_parts();
    }

    fn attempt(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = write(&mut self.file).err();
        }
    }
}

/// A FIFO that nobody reads is an error (`ENXIO`, fifo(7)): a command must not wait for its log. Once open it
/// is written to as any pipe.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_without_a_reader_is_refused_and_with_one_it_is_a_pipe() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
            .expect("a FIFO");
        let refused = EventLog::open(&path).expect_err("nobody reads");
        assert!(refused.message().starts_with("cannot log to "), "{}", refused.message());

        let mut reader = OpenOptions::new().read(true).write(true).open(&path).expect("it opens");
        let mut log = EventLog::open(&path).expect("it opens");
        log.push(b"{}");
        log.end("7k2m");
        let mut line = [0; 3];
        io::Read::read_exact(&mut reader, &mut line).expect("a line");
        assert_eq!(&line, b"{}\n");
    }

    #[test]
    fn lines_of_several_runs_follow_each_other() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        for line in ["{\"seq\":1}", "{\"seq\":2}"] {
            let mut log = EventLog::open(&path).expect("it opens");
            log.push(line.as_bytes());
            log.end("7k2m");
        }
        let text = std::fs::read_to_string(&path).expect("it reads");
        assert_eq!(text, "{\"seq\":1}\n{\"seq\":2}\n");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).expect("it is there").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_full_disk_ends_the_log_and_is_remembered() {
        let mut log = EventLog::open(Path::new("/dev/full")).expect("it opens");
        log.push(b"{}");
        assert!(log.failed.is_none(), "it is still in the buffer");
        log.flush();
        let failed = log.failed.as_ref().map(io::Error::kind);
        assert_eq!(failed, Some(io::ErrorKind::StorageFull));
        log.push(b"{}");
        log.end("7k2m");
    }

    #[test]
    fn a_place_that_is_not_there_is_refused() {
        let refused = EventLog::open(Path::new("/nonexistent/log")).expect_err("no directory");
        assert!(refused.message().starts_with("cannot log to /nonexistent/log: "));
    }
}
