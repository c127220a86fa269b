//! The host's key: one for each run, which certifies the run's keys and its own successor, and is erased.
//!
//! Whoever finds the key that is there today finds one that has signed nothing yet. The certificates
//! stay in a log that everybody may read. Documented in `docs/storage.md`, why in
//! `docs/decisions/0006-a-key-for-each-run.md`.

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::fs::FileExt},
};

use event::sign::{Certificate, LINE_LEN, Secret};
use rustix::{
    fs::{FileType, FlockOperation, Mode, OFlags},
    rand::{GetRandomFlags, getrandom},
};
use zeroize::Zeroizing;

/// Name of the file with the secret.
const SECRET: &str = "host.key";
/// Name of the log.
const LOG: &str = "epochs";

const MAGIC: &[u8; 8] = b"AUDKEY01";

/// Bytes of a slot: magic, epoch, seed, the first bytes of BLAKE3 over these.
const SLOT: usize = 8 + 8 + 32 + 16;

/// The two slots take turns and lie in blocks of their own, so that a write that a crash tears leaves
/// the other whole.
const APART: u64 = 4096;

/// The keys of one run.
#[derive(Debug)]
pub(crate) struct RunKeys {
    /// Says whose they are.
    pub(crate) certificate: Certificate,
    /// Signs the seal.
    pub(crate) seal: Secret,
    /// Signs the first checkpoint.
    pub(crate) checkpoint: Secret,
}

type Seed = Zeroizing<[u8; 32]>;

/// Makes the keys of a run in the directory of keys, and the host's first key if there is none.
///
/// # Errors
/// Those of the system calls, `PermissionDenied` when others could read or write the directory's files,
/// `InvalidData` when the secret does not belong to the log.
pub(crate) fn next(dir: &OwnedFd, now_s: u64) -> io::Result<RunKeys> {
    check_owner(dir)?;
    let secret = open(dir, SECRET, 0o600)?;
    // The secret's file: nobody else can open it, and so nobody else can hold the lock. Closing it, here
    // or by our end, lets go of it.
    rustix::fs::flock(&secret, FlockOperation::LockExclusive)?;
    let log = open(dir, LOG, 0o644)?;
    rustix::fs::fchmod(&log, Mode::from_raw_mode(0o644))?;
    let (epoch, last) = end_of(&log, &secret)?;
    let seed = match (read_slot(&secret, epoch)?, epoch) {
        (Some(seed), _) => seed,
        (None, 0) => random()?,
        (None, _) => {
            let what = format!("the secret key of epoch {epoch} is not in {SECRET}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
    };
    let (successor, seal, checkpoint) = (random()?, random()?, random()?);
    let [successor_key, seal, checkpoint] =
        [&successor, &seal, &checkpoint].map(|s| Secret::from_seed(s));
    let made_s = last.map_or(now_s, |last| last.made_s.max(now_s));
    let keys = [seal.public(), checkpoint.public(), successor_key.public()];
    let certificate = Certificate::make(&Secret::from_seed(&seed), (epoch, made_s), keys);
    // In this order: a crash leaves a key that the log's length points at.
    write_slot(&secret, epoch + 1, &successor)?;
    log.write_all_at(certificate.line().as_bytes(), epoch * LINE_LEN as u64)?;
    log.sync_data()?;
    erase_slot(&secret, epoch)?;
    Ok(RunKeys { certificate, seal, checkpoint })
}

/// Nobody else may write to the directory: they could take the log away, or put links into it.
fn check_owner(dir: &OwnedFd) -> io::Result<()> {
    let stat = rustix::fs::fstat(dir)?;
    let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let ours = stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o022 == 0;
    if is_dir && ours {
        return Ok(());
    }
    let what = "the directory of keys is not the recorder's alone";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

fn open(dir: &OwnedFd, name: &str, mode: u32) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(mode))?;
    let stat = rustix::fs::fstat(&file)?;
    let ours = stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_nlink == 1;
    if ours && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        return Ok(file.into());
    }
    let what = format!("{name} in the directory of keys is not the recorder's");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

/// Returns the epoch that comes next, and the certificate before it. What a crash left of a line is cut
/// off: its key was not erased yet.
fn end_of(log: &File, secret: &File) -> io::Result<(u64, Option<Certificate>)> {
    let mut epoch = log.metadata()?.len() / LINE_LEN as u64;
    let mut last = None;
    if let Some(before) = epoch.checked_sub(1) {
        last = read_line(log, before)?;
        if last.is_none() && read_slot(secret, before)?.is_some() {
            epoch = before;
            last = before.checked_sub(1).map_or(Ok(None), |before| read_line(log, before))?;
        }
    }
    log.set_len(epoch * LINE_LEN as u64)?;
    Ok((epoch, last))
}

fn read_line(log: &File, epoch: u64) -> io::Result<Option<Certificate>> {
    let mut line = vec![0; LINE_LEN];
    log.read_exact_at(&mut line, epoch * LINE_LEN as u64)?;
    Ok(Certificate::from_line(&line))
}

fn at(epoch: u64) -> u64 {
    epoch % 2 * APART
}

fn read_slot(secret: &File, epoch: u64) -> io::Result<Option<Seed>> {
    let mut slot = Zeroizing::new([0; SLOT]);
    match secret.read_exact_at(&mut *slot, at(epoch)) {
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(why) => return Err(why),
    }
    let mut seed = Zeroizing::new([0; 32]);
    if let Some(bytes) = slot.get(16..48) {
        seed.copy_from_slice(bytes);
    }
    Ok((*slot == *encoded(epoch, &seed)).then_some(seed))
}

fn write_slot(secret: &File, epoch: u64, seed: &Seed) -> io::Result<()> {
    secret.write_all_at(&*encoded(epoch, seed), at(epoch))?;
    secret.sync_data()
}

/// Written over in place: on most file systems the block is the same (docs/security.md says on which not).
fn erase_slot(secret: &File, epoch: u64) -> io::Result<()> {
    secret.write_all_at(&[0; SLOT], at(epoch))?;
    secret.sync_data()
}

fn encoded(epoch: u64, seed: &Seed) -> Zeroizing<[u8; SLOT]> {
    let mut slot = Zeroizing::new([0; SLOT]);
    let (body, check) = slot.split_at_mut(48);
    let parts: [&[u8]; 3] = [MAGIC, &epoch.to_le_bytes(), &**seed];
    let bytes = parts.into_iter().flatten();
    body.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    let hash = blake3::hash(body);
    check.iter_mut().zip(hash.as_bytes()).for_each(|(place, byte)| *place = *byte);
    slot
}

fn random() -> io::Result<Seed> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom(&mut *seed, GetRandomFlags::empty())?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    fn dir(path: &Path) -> OwnedFd {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("it is ours");
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).expect("it opens")
    }

    #[test]
    fn each_run_has_a_key_that_the_one_before_certified_and_no_secret_stays() {
        let temp = tempfile::tempdir().expect("a directory");
        let dir = dir(temp.path());
        let runs: Vec<RunKeys> = (0..5).map(|n| next(&dir, 1_000 - n).expect("keys")).collect();
        for (epoch, run) in (0..).zip(&runs) {
            let certificate = &run.certificate;
            assert_eq!(
                (certificate.epoch, certificate.made_s),
                (epoch, 1_000),
                "time stands still"
            );
            assert_eq!(certificate.seal, run.seal.public());
            assert_eq!(certificate.checkpoint, run.checkpoint.public());
        }
        for pair in runs.windows(2) {
            assert_eq!(pair[0].certificate.next_host, pair[1].certificate.host);
        }
        let secret = File::open(temp.path().join(SECRET)).expect("it is there");
        let seed = read_slot(&secret, 5).expect("it reads").expect("the next one's");
        assert_eq!(Secret::from_seed(&seed).public(), runs[4].certificate.next_host);
        assert!(read_slot(&secret, 4).expect("it reads").is_none(), "the last one's is erased");
        let mut slot = [1; SLOT];
        secret.read_exact_at(&mut slot, at(4)).expect("it reads");
        assert_eq!(slot, [0; SLOT]);
        let mode = |name| fs::metadata(temp.path().join(name)).expect("it is").permissions().mode();
        assert_eq!((mode(SECRET) & 0o777, mode(LOG) & 0o777), (0o600, 0o644));
    }

    /// A crash after each of the three writes, and in the middle of the log's.
    #[test]
    fn a_crash_at_any_step_leaves_a_key_to_go_on_with() {
        let temp = tempfile::tempdir().expect("a directory");
        let dir = dir(temp.path());
        let names = [SECRET, LOG].map(|name| temp.path().join(name));
        let read = || names.each_ref().map(|path| fs::read(path).expect("it reads"));
        next(&dir, 1).expect("keys");
        let before = read();
        let second = next(&dir, 2).expect("keys");
        let after = read();
        // The second run's successor is in the first slot, its own seed in the second until the end.
        let mut both = before[0].clone();
        both[..SLOT].copy_from_slice(&after[0][..SLOT]);
        let torn = &after[1][..LINE_LEN + 100];
        let mut garbage = after[1].clone();
        garbage[LINE_LEN + 200] ^= 1;
        for (log, epoch) in [(&before[1][..], 1), (torn, 1), (&garbage, 1), (&after[1], 2)] {
            fs::write(&names[0], &both).expect("room");
            fs::write(&names[1], log).expect("room");
            let run = next(&dir, 3).expect("keys");
            assert_eq!(run.certificate.epoch, epoch);
            let host =
                if epoch == 1 { second.certificate.host } else { second.certificate.next_host };
            assert_eq!(run.certificate.host, host);
        }
    }

    #[test]
    fn a_lost_secret_and_a_directory_of_others_are_named() {
        let temp = tempfile::tempdir().expect("a directory");
        let keys = dir(temp.path());
        next(&keys, 1).expect("keys");
        fs::write(temp.path().join(SECRET), b"").expect("room");
        let why = next(&keys, 2).expect_err("it is gone");
        assert_eq!(why.to_string(), "the secret key of epoch 1 is not in host.key");
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
        let why = next(&keys, 2).expect_err("others can write");
        assert_eq!(why.kind(), io::ErrorKind::PermissionDenied);
    }
}
