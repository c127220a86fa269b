//! Reading a bundle: one way through it, which trusts nothing.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use event::sign::Sum;
use rustix::fs::OFlags;
use zstd::stream::read::Decoder;

use super::{
    MAX_MEMBERS, MAX_TAR, is_plausible,
    member::Member,
    tar,
    trailer::{LEN, Trailer},
};
use crate::{Error, RunId};

/// Largest window that zstd may ask memory for, a power of two: 32 MiB.
const WINDOW_LOG: u32 = 25;

/// Bytes handed on at once.
const ROOM: usize = 64 * 1024;

/// A bundle, open.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    file: File,
    /// Bytes before the trailer.
    body_len: u64,
    trailer: Trailer,
}

/// What [`Bundle::each`] hands on.
pub(super) enum Piece<'a> {
    /// A file begins.
    Begin(&'a RunId, &'a Member),
    /// Bytes of it.
    Data(&'a [u8]),
    /// It is whole.
    End,
}

impl Bundle {
    /// Opens the file `path`, of which nothing but its end is looked at.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be opened, [`Error::Bundle`] when it is none, or larger than any may be.
    pub fn open(path: &Path) -> Result<Bundle, Error> {
        // A FIFO would hang the reader.
        let mut options = File::options();
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let flags = i32::try_from(flags).unwrap_or(0);
        let file = options.read(true).custom_flags(flags).open(path);
        let file = file.map_err(Error::file("open", path))?;
        let wrong = |why: &str| Error::Bundle { path: path.to_owned(), why: why.to_owned() };
        let meta = file.metadata().map_err(Error::file("open", path))?;
        if !meta.is_file() {
            return Err(wrong("it is no regular file"));
        }
        let mut end = [0; LEN];
        let body_len = meta.len().checked_sub(LEN as u64);
        let body_len = body_len.ok_or_else(|| wrong("it is too short"))?;
        file.read_exact_at(&mut end, body_len).map_err(Error::file("read", path))?;
        let Some(trailer) = Trailer::parse(&end) else {
            return Err(wrong("it does not end as a bundle does: it is none, or it was cut"));
        };
        if trailer.tar_len > MAX_TAR || trailer.members > MAX_MEMBERS as u64 {
            return Err(wrong("it says to unpack to more than a bundle may"));
        }
        if !is_plausible(trailer.tar_len, meta.len()) {
            return Err(wrong("it says to unpack to a thousand times its size: no record does"));
        }
        Ok(Bundle { path: path.to_owned(), file, body_len, trailer })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash that it says to have, hexadecimal; of a bundle that was read it is that of all its bytes.
    #[must_use]
    pub fn hash(&self) -> String {
        event::digest::hex(&self.trailer.sha256)
    }

    /// Reads it through to see that it has the hash that it says.
    pub(super) fn check_hash(&self) -> Result<(), Error> {
        let mut body = self.body().map_err(Error::file("read", &self.path))?;
        let copied = io::copy(&mut body, &mut io::sink());
        copied.map_err(Error::file("read", &self.path))?;
        self.holds(body.sum)
    }

    fn holds(&self, sum: Sum) -> Result<(), Error> {
        match self.trailer.holds(sum) {
            true => Ok(()),
            false => Err(self.wrong("its bytes do not have the hash at its end: it was changed")),
        }
    }

    fn wrong(&self, why: impl Into<String>) -> Error {
        Error::Bundle { path: self.path.clone(), why: why.into() }
    }

    /// Hands every file in it to `take`, piece by piece, and returns whose run it is. What was taken is worth
    /// nothing unless this returns `Ok`: the hash and the end are held to the last.
    ///
    /// # Errors
    /// [`Error::Bundle`] when it is not as our own writer makes it, or `take` fails.
    pub(super) fn each(
        &self,
        take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
    ) -> Result<RunId, Error> {
        let body = self.body().map_err(Error::file("read", &self.path))?;
        let mut whole = BufReader::with_capacity(ROOM, body);
        let read = self.read(&mut whole, take);
        let id = read.map_err(|why| self.wrong(why.to_string()))?;
        let rest =
            io::copy(&mut whole, &mut io::sink()).map_err(Error::file("read", &self.path))?;
        if rest > 0 {
            return Err(self.wrong("something follows what was packed"));
        }
        self.holds(whole.into_inner().sum)?;
        Ok(id)
    }

    fn body(&self) -> io::Result<Summed<'_>> {
        (&self.file).seek(SeekFrom::Start(0))?;
        Ok(Summed { inner: (&self.file).take(self.body_len), sum: Sum::default() })
    }

    fn read(
        &self,
        whole: &mut BufReader<Summed<'_>>,
        take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
    ) -> io::Result<RunId> {
        let mut decoder = Decoder::with_buffer(whole)?.single_frame();
        decoder.window_log_max(WINDOW_LOG)?;
        // One byte more than there may be, so that more is seen.
        let mut tar = decoder.take(self.trailer.tar_len.saturating_add(1));
        let mut before: Option<(RunId, Member)> = None;
        let mut count = 0;
        loop {
            let mut block = [0; tar::BLOCK];
            tar.read_exact(&mut block)?;
            if block == [0; tar::BLOCK] {
                break;
            }
            let (id, member, size) = member(&block)?;
            if let Some((run, last)) = &before
                && (*run != id || *last >= member)
            {
                return Err(bad("its files are not in their order, or of several runs"));
            }
            count += 1;
            if count > self.trailer.members {
                return Err(bad("it has more files than it says"));
            }
            take(Piece::Begin(&id, &member))?;
            data(&mut tar, size, take)?;
            take(Piece::End)?;
            before = Some((id, member));
        }
        let mut end = Vec::new();
        tar.read_to_end(&mut end)?;
        let is_whole = count == self.trailer.members && end == [0; tar::BLOCK] && tar.limit() == 1;
        let (id, _) =
            before.filter(|_| is_whole).ok_or_else(|| bad("it has another end than it says"))?;
        Ok(id)
    }
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The file that a header is of.
fn member(block: &tar::Header) -> io::Result<(RunId, Member, u64)> {
    let (path, name, size) =
        tar::parse(block).ok_or_else(|| bad("a header is not as a bundle's are"))?;
    let (id, member) = Member::parse(&path, &name)
        .ok_or_else(|| bad("it has a file that does not belong into a bundle"))?;
    if size > member.limit() {
        return Err(bad("a file in it is larger than it can be"));
    }
    Ok((id, member, size))
}

/// Hands on the bytes of one file; up to the block's end there must be zeros.
fn data(
    tar: &mut impl Read,
    size: u64,
    take: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut room = [0; ROOM];
    let mut rest = size;
    while rest > 0 {
        let most = usize::try_from(rest).unwrap_or(ROOM).min(ROOM);
        let part = room.get_mut(..most).unwrap_or_default();
        tar.read_exact(part)?;
        take(Piece::Data(part))?;
        rest = rest.saturating_sub(most as u64);
    }
    let over = usize::try_from(size % tar::BLOCK as u64).unwrap_or(0);
    let pad = room.get_mut(..(tar::BLOCK - over) % tar::BLOCK).unwrap_or_default();
    tar.read_exact(pad)?;
    match pad.iter().all(|byte| *byte == 0) {
        true => Ok(()),
        false => Err(bad("there is something between two files")),
    }
}

/// Hashes what is read.
struct Summed<'f> {
    inner: io::Take<&'f File>,
    sum: Sum,
}

impl Read for Summed<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(room)?;
        self.sum.update(room.get(..got).unwrap_or_default());
        Ok(got)
    }
}
