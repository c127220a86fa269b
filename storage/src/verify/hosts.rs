//! The keys of this machine's recorders: a log with a line for each run, written by the recorder alone.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use event::{
    install,
    sign::{Certificate, LINE_LEN, Public},
};

use super::{Known, Trusted};
use crate::{Error, RunDir, files, store::KEYS};

/// Name of the log.
const EPOCHS: &str = "epochs";

/// Where the installed recorder has its keys, in a directory that is root's.
fn installed() -> PathBuf {
    Path::new(install::STORE).join(install::KEYS)
}

/// Whether `place` is that.
pub(super) fn is_installed(place: &Path) -> bool {
    place == installed()
}

/// The log of epochs in one directory.
#[derive(Debug)]
pub struct HostLog {
    place: PathBuf,
    file: File,
}

impl HostLog {
    /// Opens the logs that this process may trust: that of the store in `home` and that of the installed
    /// recorder, where there are any.
    ///
    /// # Errors
    /// [`Error::Exposed`] when somebody else than root, the installed recorder or this user could have
    /// written one.
    pub fn of_this_machine(home: &Path) -> Result<Vec<HostLog>, Error> {
        let mut logs = Vec::new();
        for place in [home.join(KEYS), installed()] {
            logs.extend(HostLog::open(&place)?);
        }
        Ok(logs)
    }

    /// Opens the log in `place`; `None` when there is none.
    pub(super) fn open(place: &Path) -> Result<Option<HostLog>, Error> {
        let Ok(dir) = files::open_dir(place) else { return Ok(None) };
        let meta = place.metadata().map_err(Error::file("open", place))?;
        let own = rustix::process::geteuid().as_raw();
        let trusted = [0, own].contains(&meta.uid()) || is_installed(place);
        if !trusted || meta.mode() & 0o022 != 0 {
            let why = format!("uid {} or others could have written the keys in it", meta.uid());
            return Err(Error::Exposed { path: place.to_owned(), why });
        }
        match files::open(dir, EPOCHS) {
            Ok(file) => Ok(Some(HostLog { place: place.to_owned(), file })),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(Error::file("open", place.join(EPOCHS))(why)),
        }
    }

    /// Opens the log that came with `run` from elsewhere; `None` when none did. It says how keys follow each
    /// other, each signed by the one before, and nothing of who is to be trusted.
    #[must_use]
    pub fn carried(run: &RunDir) -> Option<HostLog> {
        let file = files::open(files::open_dir(run.path()).ok()?, crate::run::EPOCHS).ok()?;
        Some(HostLog { place: run.path().to_owned(), file })
    }

    /// The directory.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// How many runs were certified.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len() / LINE_LEN as u64)
    }

    /// Whether no run was certified yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The certificate of `epoch`; `None` when there is none, or what is there is none.
    #[must_use]
    pub fn certificate(&self, epoch: u64) -> Option<Certificate> {
        let mut line = vec![0; LINE_LEN];
        let at = epoch.checked_mul(LINE_LEN as u64)?;
        self.file.read_exact_at(&mut line, at).ok()?;
        Certificate::from_line(&line).filter(|certificate| certificate.epoch == epoch)
    }

    /// Whether the log has `certificate`; `None` when its host's key was never one of this log.
    ///
    /// # Errors
    /// Another run was certified by this key, or the log is broken: in plain words.
    fn has(&self, certificate: &Certificate) -> Result<bool, String> {
        let epoch = certificate.epoch;
        let before = epoch.checked_sub(1).map(|before| self.certificate(before));
        let follows = match &before {
            None => true,
            Some(None) => false,
            Some(Some(it)) => it.next_host == certificate.host && it.made_s <= certificate.made_s,
        };
        match self.certificate(epoch) {
            Some(ours) if ours == *certificate && follows => Ok(true),
            // Its key is ours, its certificate is not the one that was made with it.
            Some(ours) if ours.host == certificate.host => Err(format!(
                "the key of epoch {epoch} has certified another run: it was used a second time"
            )),
            None if epoch > 0 && follows => Err(format!(
                "the key of epoch {epoch} is this host's, but the recorder has not used it yet"
            )),
            _ => Ok(false),
        }
    }

    /// Whether the key of `certificate` comes from `root`, step by step.
    fn descends(&self, root: &Public, certificate: &Certificate) -> bool {
        let mut key = None;
        for epoch in 0..certificate.epoch {
            let Some(step) = self.certificate(epoch) else { return false };
            if step.host == *root {
                key = Some(*root);
            }
            key = key.filter(|key| step.host == *key).map(|_| step.next_host);
        }
        key == Some(certificate.host)
    }
}

impl Trusted {
    /// Returns why the host that made `certificate` is trusted; `None` when it is not known.
    ///
    /// # Errors
    /// Its key is known and was not used for this: in plain words.
    pub(super) fn know(
        &self,
        certificate: &Certificate,
        carried: Option<&HostLog>,
    ) -> Result<Option<Known>, String> {
        let named = !self.keys.is_empty() || !self.signers.is_empty();
        let mut here = None;
        for log in &self.hosts {
            if log.has(certificate)? {
                here = Some(log);
            }
        }
        let comes = |key: &Public| {
            let mut logs = here.into_iter().chain(carried);
            *key == certificate.host || logs.any(|log| log.descends(key, certificate))
        };
        if self.keys.iter().any(comes) {
            return Ok(Some(Known::Key));
        }
        if self.signers.iter().any(|signer| signer.allows(certificate)) {
            return Ok(Some(Known::Signer));
        }
        // Who names keys wants these and no others.
        Ok(here.filter(|_| !named).map(|log| Known::Host(log.place.clone())))
    }
}
