//! Sealed runs of the stores. Their directories are as hostile as any: names are checked, links are not
//! followed, sizes are bounded.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};
use serde::Deserialize;

/// Longest text of a seal: a hundred bytes for each segment of 64 MiB.
const MAX_SEAL: u64 = 16 << 20;
/// Longest name of a run, as the file names of its parts must stay below NAME_MAX.
const MAX_ID: usize = 200;

/// A run whose record has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Its id.
    pub(crate) id: String,
    /// Its directory.
    pub(crate) path: PathBuf,
    /// `date=…/host=…` of its parts.
    pub(crate) partition: String,
}

/// Fields of the seal that say where the parts belong.
#[derive(Deserialize)]
struct Seal {
    run: String,
    #[serde(default)]
    host: String,
    started: String,
}

/// Every sealed run in `home`, the oldest first.
pub(crate) fn sealed(home: &Path) -> Result<Vec<Sealed>, String> {
    let runs = all(home)?;
    Ok(runs.iter().filter_map(|(id, path)| look(id, path)).collect())
}

/// A run, recorded now or before.
#[cfg(feature = "nats")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) id: String,
    /// Its directory.
    pub(crate) path: PathBuf,
    /// Nothing more will come.
    pub(crate) sealed: bool,
    /// Bytes of its record so far.
    pub(crate) bytes: u64,
}

/// Every run in `home` that is `wanted`, the oldest first.
#[cfg(feature = "nats")]
pub(crate) fn seen(home: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<Seen>, String> {
    let mut runs = Vec::new();
    for (id, path) in all(home)?.into_iter().filter(|(id, _)| wanted(id)) {
        // It may be pruned just now.
        let Ok(entries) = fs::read_dir(path.join("segments")) else { continue };
        let files = entries.flatten().filter_map(|entry| entry.metadata().ok());
        let bytes = files.map(|file| file.len()).sum();
        runs.push(Seen { sealed: look(&id, &path).is_some(), id, path, bytes });
    }
    Ok(runs)
}

/// Names and directories of all runs in `home`, by name.
fn all(home: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let mut runs = Vec::new();
    for store in stores(home) {
        let entries = match fs::read_dir(&store) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(|why| format!("cannot read {}: {why}", store.display()))?,
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if let Some(id) = name.to_str().filter(|id| is_id(id)) {
                runs.push((id.to_owned(), entry.path()));
            }
        }
    }
    runs.sort();
    Ok(runs)
}

/// The store itself, and those that the installed recorder keeps for users in it.
fn stores(home: &Path) -> Vec<PathBuf> {
    let mut all = vec![home.join("runs")];
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let is_uid = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        if entry.file_name().to_str().is_some_and(is_uid) {
            all.push(entry.path().join("runs"));
        }
    }
    all
}

/// Ids have letters, digits and a few marks (docs/storage.md): nothing that is more than a name.
fn is_id(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= MAX_ID && !name.starts_with('.') && name.bytes().all(plain)
}

fn look(id: &str, path: &Path) -> Option<Sealed> {
    let text = read(path, "seal").ok()?;
    let seal: Seal = serde_json::from_slice(&text).ok()?;
    let partition = export::partition(&seal.started, &seal.host);
    (seal.run == id).then(|| Sealed { id: id.to_owned(), path: path.to_owned(), partition })
}

/// Reads a file of the directory `segments` of the run in `path`.
pub(crate) fn read(path: &Path, name: &str) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let folder = path.join("segments");
    let folder = rustix::fs::open(folder, flags | OFlags::DIRECTORY, Mode::empty())?;
    let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    file.take(MAX_SEAL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(home: &Path, id: &str, run: &str) {
        let folder = home.join("runs").join(id).join("segments");
        fs::create_dir_all(&folder).expect("room");
        let text = format!(r#"{{"run":"{run}","host":"a/b","started":"2026-11-22T00:00:00.5Z"}}"#);
        fs::write(folder.join("seal"), text).expect("room");
    }

    #[test]
    fn only_runs_with_a_seal_of_their_own_are_sent() {
        let temp = tempfile::tempdir().expect("a directory");
        let home = temp.path();
        for (id, run) in [("b", "b"), ("a", "a"), ("c", "other"), (".d", ".d")] {
            seal(home, id, run);
        }
        seal(&home.join("1000"), "u", "u");
        fs::create_dir_all(home.join("runs/live/segments")).expect("room");
        let ids: Vec<String> =
            sealed(home).expect("it lists").into_iter().map(|run| run.id).collect();
        assert_eq!(ids, ["a", "b", "u"]);
    }

    #[test]
    fn a_seal_that_is_a_link_or_a_pipe_is_none() {
        let temp = tempfile::tempdir().expect("a directory");
        let home = temp.path();
        seal(home, "a", "a");
        let segments = home.join("runs/a/segments");
        fs::rename(segments.join("seal"), home.join("seal")).expect("rename");
        std::os::unix::fs::symlink(home.join("seal"), segments.join("seal")).expect("a link");
        assert_eq!(sealed(home), Ok(Vec::new()));
    }

    #[test]
    fn a_store_that_is_not_there_has_no_runs() {
        assert_eq!(sealed(Path::new("/nonexistent/audit")), Ok(Vec::new()));
    }

    #[test]
    fn the_machines_name_stays_one_part_of_the_path() {
        let temp = tempfile::tempdir().expect("a directory");
        seal(temp.path(), "a", "a");
        let runs = sealed(temp.path()).expect("it lists");
        assert_eq!(runs[0].partition, "date=2026-11-22/host=a%2Fb");
    }
}
