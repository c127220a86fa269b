//! The key that makes the marks in place of secrets: one for all runs of a store, so that a secret has
//! the same mark in each of them.

use std::{
    fs::DirBuilder,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
};

use rustix::{
    fs::{AtFlags, linkat, unlinkat},
    rand::{GetRandomFlags, getrandom},
};

use crate::{Error, Store, files};

/// Its file, beside the runs.
const NAME: &str = "redaction.key";

/// Bytes of it.
pub const KEY_LEN: usize = 32;

impl Store {
    /// Returns the store's key, which is made if there is none yet.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read or made.
    pub fn redaction_key(&self) -> Result<[u8; KEY_LEN], Error> {
        let home = self.path().parent().unwrap_or(self.path());
        let path = home.join(NAME);
        self.key_in(home).map_err(Error::file("read", &path))
    }

    fn key_in(&self, home: &std::path::Path) -> io::Result<[u8; KEY_LEN]> {
        let made =
            DirBuilder::new().recursive(true).mode(files::DIR_MODE.as_raw_mode()).create(home);
        made?;
        let dir = files::open_dir(home)?;
        let read =
            || files::read_small(&dir, NAME, KEY_LEN as u64).and_then(|bytes| key_of(&bytes));
        match read() {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let new = random_key()?;
        // Threads of one process may be here at once.
        let [a, b, c, d, ..] = random_key()?;
        let temporary = format!("{NAME}.{:08x}", u32::from_ne_bytes([a, b, c, d]));
        files::create(&dir, &temporary)?.write_all(&new)?;
        // Of two that make one at once the first wins, and both use its.
        let linked = linkat(&dir, temporary.as_str(), &dir, NAME, AtFlags::empty());
        unlinkat(&dir, temporary.as_str(), AtFlags::empty())?;
        match linked {
            Ok(()) => Ok(new),
            Err(rustix::io::Errno::EXIST) => read(),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Returns a new key that no store has.
///
/// # Errors
/// Those of getrandom(2).
pub fn random_key() -> io::Result<[u8; KEY_LEN]> {
    let mut key = [0; KEY_LEN];
    // At most 256 bytes are never cut short (getrandom(2)).
    getrandom(&mut key, GetRandomFlags::empty())?;
    Ok(key)
}

fn key_of(bytes: &[u8]) -> io::Result<[u8; KEY_LEN]> {
    bytes.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not 32 bytes long"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_store_has_one_key_that_only_its_owner_reads() {
        let temp = tempfile::tempdir().expect("a directory");
        let home = temp.path().join("home");
        let store = Store::open(&home);
        let keys: Vec<_> = std::thread::scope(|scope| {
            let made: Vec<_> = (0..8).map(|_| scope.spawn(|| store.redaction_key())).collect();
            made.into_iter().map(|key| key.join().expect("no panic").expect("a key")).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0] && *key != [0; KEY_LEN]));
        assert_ne!(
            Store::open(&temp.path().join("other")).redaction_key().expect("a key"),
            keys[0]
        );
        let mode = |path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
        assert_eq!(mode(home.join(NAME)), 0o600);
        assert_eq!(mode(home.clone()), 0o700);
        assert_eq!(fs::read_dir(&home).expect("it reads").count(), 1, "nothing else is left");
    }

    #[test]
    fn a_key_that_is_none_is_not_used() {
        let temp = tempfile::tempdir().expect("a directory");
        for wrong in [&b""[..], &[1; 31], &[1; 33]] {
            fs::write(temp.path().join(NAME), wrong).expect("room");
            assert!(Store::open(temp.path()).redaction_key().is_err());
        }
    }
}
