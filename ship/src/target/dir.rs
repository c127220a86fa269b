//! A directory: of this machine, of a server (NFS), or one that another program carries away.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Parcel, Put, Refused};
use crate::digest::Digest;

/// The directory.
#[derive(Debug)]
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(super) fn parse(word: &str) -> Result<Dir, String> {
        let path = Path::new(word.strip_prefix("file://").unwrap_or(word));
        if !path.is_absolute() {
            return Err(format!("cannot send to {word}: a directory is given from / on"));
        }
        Ok(Dir(path.to_owned()))
    }

    /// A file is written beside its place, synced, and linked there: a name is there with all its
    /// bytes or not at all, and never in the place of another (link(2) does not replace; over NFS too).
    pub(super) fn put(&self, parcel: &mut Parcel<'_>) -> Result<Put, Refused> {
        let place = self.0.join(parcel.key);
        let attempt = |why: io::Error| {
            let text = format!("cannot write {}: {why}", place.display());
            match why.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Refused::Never(text)
                }
                _ => Refused::Later(text, None),
            }
        };
        if !self.0.is_dir() {
            // An absent mount must not become a directory of the disk below it. It may come while we watch;
            // who sends once has mistyped it, or is to be told.
            let why =
                if self.0.exists() { "it is no directory" } else { "there is no such directory" };
            return Err(Refused::Never(format!("cannot write below {}: {why}", self.0.display())));
        }
        let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
            return Err(Refused::Never(format!(
                "cannot write {}: it has no name",
                place.display()
            )));
        };
        fs::create_dir_all(folder).map_err(attempt)?;
        let part = folder.join(format!(".{}.part", name.to_string_lossy()));
        let mut out = File::create(&part).map_err(attempt)?;
        // Not io::copy: a reflink would share blocks with the spool.
        let copied =
            io::copy(&mut (&mut *parcel.file).take(u64::MAX), &mut out).map_err(attempt)?;
        if copied != parcel.digest.size {
            return Err(attempt(io::ErrorKind::UnexpectedEof.into()));
        }
        out.sync_all().map_err(attempt)?;
        let linked = fs::hard_link(&part, &place);
        fs::remove_file(&part).map_err(attempt)?;
        match linked {
            Ok(()) => {
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(attempt)?;
                Ok(Put::New)
            }
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
                let there = File::open(&place).and_then(Digest::of).map_err(attempt)?;
                if there == *parcel.digest {
                    return Ok(Put::There);
                }
                Err(Refused::Conflict(format!("{} is there with other content", place.display())))
            }
            Err(why) => Err(attempt(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    fn put(dir: &Dir, bytes: &[u8]) -> Result<Put, Refused> {
        let mut file = tempfile::tempfile().expect("room");
        file.write_all(bytes).expect("room");
        file.rewind().expect("a file");
        let digest = Digest::of(bytes).expect("bytes");
        dir.put(&mut Parcel { key: "a/b/r.seal", file: &mut file, digest: &digest, tried: false })
    }

    #[test]
    fn what_is_there_is_compared_and_never_replaced() {
        let temp = tempfile::tempdir().expect("a directory");
        let dir = Dir(temp.path().to_owned());
        assert_eq!(put(&dir, b"one"), Ok(Put::New));
        assert_eq!(put(&dir, b"one"), Ok(Put::There));
        assert!(matches!(put(&dir, b"two"), Err(Refused::Conflict(_))));
        let folder = temp.path().join("a/b");
        assert_eq!(fs::read(folder.join("r.seal")).expect("it is there"), b"one");
        assert_eq!(fs::read_dir(folder).expect("it lists").count(), 1, "nothing else is left");
    }

    #[test]
    fn where_nothing_can_be_put_is_told_at_once_and_nothing_is_made() {
        let temp = tempfile::tempdir().expect("a directory");
        let (absent, file) = (temp.path().join("mount"), temp.path().join("file"));
        fs::write(&file, "").expect("room");
        let told = |path: &Path| match put(&Dir(path.to_owned()), b"one") {
            Err(Refused::Never(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(told(&absent).ends_with("mount: there is no such directory"));
        assert!(told(&file).ends_with("file: it is no directory"));
        assert!(told(Path::new("/sys")).contains("cannot write /sys/a/b/r.seal: "));
        assert!(!absent.exists());
    }

    #[test]
    fn a_relative_directory_is_refused() {
        assert!(Dir::parse("evidence").is_err());
        assert!(Dir::parse("/evidence").is_ok() && Dir::parse("file:///evidence").is_ok());
    }
}
