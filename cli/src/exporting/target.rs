//! Where an export goes: standard output, or a file that is there once it is whole.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, IsTerminal},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

use export::{Format, Output};

use super::stdout;
use crate::failure::{Failure, system_text};

/// Bytes that are gathered before they are written.
const ROOM: usize = 256 * 1024;

/// Where to write.
#[derive(Debug)]
pub(super) enum Target<'a> {
    /// Standard output.
    Stdout,
    /// A file that is replaced at the end.
    File(&'a Path),
    /// Something that is no regular file: a pipe, a device.
    Special(&'a Path),
}

impl<'a> Target<'a> {
    /// Chooses. A terminal gets no binary format.
    pub(super) fn new(path: Option<&'a Path>, format: &Format) -> Result<Target<'a>, Failure> {
        let Some(path) = path else {
            if format.binary && io::stdout().is_terminal() {
                let message = format!("cannot write {} to a terminal", format.name);
                return Err(Failure::new(message).hint("name a file: -o FILE"));
            }
            return Ok(Target::Stdout);
        };
        Ok(match path.metadata() {
            Ok(meta) if meta.is_dir() => {
                let hint = "name a file in it; only Parquet makes files of its own in a directory";
                return Err(failed(path, &io::ErrorKind::IsADirectory.into()).hint(hint));
            }
            Ok(meta) if !meta.is_file() => Target::Special(path),
            _ => Target::File(path),
        })
    }

    /// Has `write` write everything. What was there before stays until all of it is on the disk.
    pub(super) fn write(
        &self,
        write: impl FnOnce(Output) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Target::Stdout => write(stdout()),
            Target::Special(path) => {
                let file = OpenOptions::new().write(true).open(path);
                write(buffered(file.map_err(|why| failed(path, &why))?))
            }
            Target::File(path) => replace(path, write),
        }
    }
}

/// Writes beside `path` and renames. The new file is its owner's alone: a run tells much. It has no name
/// until it is whole, where the file system can do that, so that a kill leaves nothing.
fn replace(path: &Path, write: impl FnOnce(Output) -> Result<(), Failure>) -> Result<(), Failure> {
    let temporary = beside(path);
    let _ = std::fs::remove_file(&temporary);
    let (file, is_unnamed) = match unnamed(&temporary) {
        Some(file) => (file, true),
        None => (named(&temporary).map_err(|why| failed(path, &why))?, false),
    };
    let put = || -> Result<(), Failure> {
        let out = file.try_clone().map_err(|why| failed(path, &why))?;
        write(buffered(out))?;
        file.sync_all().map_err(|why| failed(path, &why))?;
        if is_unnamed {
            link(&file, &temporary).map_err(|why| failed(path, &why.into()))?;
        }
        std::fs::rename(&temporary, path).map_err(|why| failed(path, &why))
    };
    put().inspect_err(|_| {
        // Half an export is none.
        let _ = std::fs::remove_file(&temporary);
    })
}

/// A file without a name in the directory of `path`: not over NFS, and it gets a name by way of /proc alone
/// (open(2), `O_TMPFILE`).
fn unnamed(path: &Path) -> Option<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let opened = open(folder.unwrap_or(Path::new(".")), flags, Mode::RUSR | Mode::WUSR);
    opened.ok().map(File::from).filter(|file| Path::new(&by_number(file)).exists())
}

fn by_number(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn link(file: &File, path: &Path) -> rustix::io::Result<()> {
    linkat(CWD, by_number(file), CWD, path, AtFlags::SYMLINK_FOLLOW)
}

fn named(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn buffered(file: File) -> Output {
    Box::new(BufWriter::with_capacity(ROOM, file))
}

fn failed(path: &Path, why: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {}", path.display(), system_text(why)))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, os::unix::fs::PermissionsExt};

    use super::*;

    fn to(path: &Path) -> Target<'_> {
        let format = export::find("csv").expect("it is in the table");
        Target::new(Some(path), format).expect("it may be written")
    }

    #[test]
    fn a_file_is_replaced_when_all_is_written_and_not_before() {
        let temp = tempfile::tempdir().expect("a directory");
        let path = temp.path().join("run.csv");
        fs::write(&path, "old").expect("room");
        let half = to(&path).write(|mut out| {
            out.write_all(b"half")?;
            Err(Failure::new("no more"))
        });
        assert_eq!(half.expect_err("it failed").message(), "no more");
        assert_eq!(fs::read(&path).expect("it is there"), b"old");
        to(&path)
            .write(|mut out| {
                out.write_all(b"new")?;
                out.flush()?;
                // Whoever is killed now leaves nothing.
                let entries = fs::read_dir(temp.path()).expect("it reads").count();
                assert_eq!(entries, if unnamed(&path).is_some() { 1 } else { 2 });
                Ok(())
            })
            .expect("room");
        assert_eq!(fs::read(&path).expect("it is there"), b"new");
        assert_eq!(fs::read_dir(temp.path()).expect("it reads").count(), 1, "nothing else is left");
        let mode = path.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_directory_is_refused_and_a_device_is_written_to() {
        let temp = tempfile::tempdir().expect("a directory");
        let format = export::find("csv").expect("it is in the table");
        assert!(Target::new(Some(temp.path()), format).is_err());
        assert!(matches!(to(Path::new("/dev/null")), Target::Special(_)));
    }
}
