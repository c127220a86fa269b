//! A run as a bundle.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use event::sign::{LINE_LEN, SEAL_NAME, SEAL_SIG_NAME, Sum};
use rustix::fs::Dir;
use zstd::stream::write::Encoder;

use super::{
    MAX_MEMBERS, MAX_TAR, is_plausible,
    member::{MAX_EPOCHS, Member, hash_of},
    tar,
    trailer::Trailer,
};
use crate::{
    Error, HostLog, RunDir, files,
    run::{EPOCHS, RULES},
    segments,
};

/// Level of zstd: 19 makes a twentieth less in ten times the time (docs/export.md).
const LEVEL: i32 = 9;

/// Bytes copied at once.
const ROOM: usize = 64 * 1024;

/// What was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// It has a seal.
    pub sealed: bool,
    /// The host's log of keys is in it, up to the run's.
    pub epochs: bool,
    /// Bytes of the bundle.
    pub len: u64,
}

/// A file that goes into it.
enum Source {
    File(File, u64),
    Bytes(Vec<u8>),
}

impl Source {
    fn len(&self) -> u64 {
        match self {
            Source::File(_, len) => *len,
            Source::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// Packs `run` into `out`. The same run gives the same bytes. The keys that the run's comes from are taken
/// from `logs`, or from beside the run where it came with them.
///
/// # Errors
/// [`Error::Pack`] when it is still recorded or too large, [`Error::File`] when it cannot be read.
pub fn pack(run: &RunDir, logs: &[HostLog], out: impl Write) -> Result<Packed, Error> {
    let refused = |why: String| Error::Pack { run: run.id().clone(), why };
    if run.is_live()? {
        return Err(refused("it is still being recorded".to_owned()));
    }
    let members = members(run, logs).map_err(Error::file("read", run.path()))?;
    if !members.iter().any(|(member, _)| matches!(member, Member::Segment(_))) {
        return Err(refused("it has no segment".to_owned()));
    }
    let lens = members.iter().map(|(_, source)| tar::taken(source.len()));
    let tar_len = lens
        .chain([Some(2 * tar::BLOCK as u64)])
        .try_fold(0, |sum: u64, len| sum.checked_add(len?));
    let tar_len = tar_len.filter(|len| *len <= MAX_TAR && members.len() <= MAX_MEMBERS);
    let Some(tar_len) = tar_len else {
        return Err(refused(
            "it is larger than a bundle may be (16 GiB): keep its directory".into(),
        ));
    };
    let has = |wanted: &Member| members.iter().any(|(member, _)| member == wanted);
    let (sealed, epochs) = (has(&Member::Seal), has(&Member::Epochs));
    let count = members.len() as u64;
    let written = write(run, members, tar_len, count, out);
    let len = written.map_err(Error::file("pack", run.path()))?;
    if !is_plausible(tar_len, len) {
        return Err(refused("it packs so well that a reader would take it for a bomb".to_owned()));
    }
    Ok(Packed { sealed, epochs, len })
}

/// Everything that goes in, in its order.
fn members(run: &RunDir, logs: &[HostLog]) -> io::Result<Vec<(Member, Source)>> {
    let mut all = Vec::new();
    for (member, name) in [(Member::Seal, SEAL_NAME), (Member::Signature, SEAL_SIG_NAME)] {
        all.extend(found(files::open(run.segments(), name))?.map(|source| (member, source)));
    }
    all.extend(epochs(run, logs)?.map(|source| (Member::Epochs, source)));
    for hash in kept_rules(run)? {
        let text = run.kept_rules(&hash).map(String::into_bytes);
        all.extend(text.ok().map(|text| (Member::Rules(hash), Source::Bytes(text))));
    }
    for number in segments::numbers(run.segments())? {
        let file = files::open(run.segments(), &segments::name(number))?;
        all.extend(found(Ok(file))?.map(|source| (Member::Segment(number), source)));
    }
    Ok(all)
}

/// An open file, or none where there is none.
fn found(file: io::Result<File>) -> io::Result<Option<Source>> {
    match file {
        Ok(file) => {
            let len = file.metadata()?.len();
            Ok(Some(Source::File(file, len)))
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

/// The lines of the host's log up to the run's own: how its key came from the first one.
fn epochs(run: &RunDir, logs: &[HostLog]) -> io::Result<Option<Source>> {
    let beside = files::open_dir(run.path()).and_then(|dir| files::open(dir, EPOCHS));
    if let Some(source) = found(beside)? {
        return Ok(Some(source));
    }
    let Some(certificate) = run.certificate() else { return Ok(None) };
    if certificate.epoch >= MAX_EPOCHS {
        return Ok(None);
    }
    let lines = |log: &HostLog| {
        log.certificate(certificate.epoch).filter(|ours| *ours == certificate)?;
        let all = (0..=certificate.epoch).map(|epoch| Some(log.certificate(epoch)?.line()));
        all.collect::<Option<String>>()
    };
    let text = logs.iter().find_map(lines);
    debug_assert!(text.as_ref().is_none_or(|text| text.len().is_multiple_of(LINE_LEN)));
    Ok(text.map(|text| Source::Bytes(text.into_bytes())))
}

/// Hashes of the rules that are kept with the run, sorted.
fn kept_rules(run: &RunDir) -> io::Result<Vec<String>> {
    let dir = match files::open_sub_dir(run.dir(), RULES) {
        Ok(dir) => dir,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(why),
    };
    let mut hashes = Vec::new();
    for entry in Dir::read_from(&dir)?.take(MAX_MEMBERS) {
        let entry = entry?;
        hashes.extend(entry.file_name().to_str().ok().and_then(hash_of));
    }
    hashes.sort_unstable();
    Ok(hashes)
}

fn write(
    run: &RunDir,
    members: Vec<(Member, Source)>,
    tar_len: u64,
    count: u64,
    out: impl Write,
) -> io::Result<u64> {
    let mut encoder = Encoder::new(Summed { out, sum: Sum::default(), len: 0 }, LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(tar_len))?;
    for (member, source) in members {
        let (path, name) = member.path(run.id());
        encoder.write_all(&tar::header(&path, &name, source.len())?)?;
        put(source, &mut encoder)?;
    }
    encoder.write_all(&[0; 2 * tar::BLOCK])?;
    let mut summed = encoder.finish()?;
    summed.write_all(&Trailer::covered(tar_len, count))?;
    let hash = summed.sum.finish();
    summed.write_all(&hash)?;
    summed.flush()?;
    Ok(summed.len)
}

/// Writes just as many bytes as the header says, and zeros up to a whole block.
fn put(source: Source, out: &mut impl Write) -> io::Result<()> {
    let len = source.len();
    match source {
        Source::Bytes(bytes) => out.write_all(&bytes)?,
        Source::File(file, len) => {
            let mut rest = len;
            let mut file = file.take(len);
            let mut room = vec![0; ROOM];
            while rest > 0 {
                let got = file.read(&mut room)?;
                if got == 0 {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "a file became shorter",
                    ));
                }
                out.write_all(room.get(..got).unwrap_or_default())?;
                rest = rest.saturating_sub(got as u64);
            }
        }
    }
    let over = usize::try_from(len % tar::BLOCK as u64).unwrap_or(0);
    let zeros = [0; tar::BLOCK];
    out.write_all(zeros.get(..(tar::BLOCK - over) % tar::BLOCK).unwrap_or_default())
}

/// Counts and hashes what goes by.
struct Summed<W> {
    out: W,
    sum: Sum,
    len: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let got = self.out.write(bytes)?;
        self.sum.update(bytes.get(..got).unwrap_or_default());
        self.len = self.len.saturating_add(got as u64);
        Ok(got)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
