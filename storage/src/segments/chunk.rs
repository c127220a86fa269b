//! Bytes of a segment from some place on, aligned as the frames' views need them.

use std::{fs::File, io};

use event::frame::AlignedBytes;
use rustix::io::Errno;

/// Reads up to `len` bytes at `from`, fewer only at the end of the file.
pub(super) fn read(file: &File, from: u64, len: usize) -> io::Result<AlignedBytes> {
    let mut room = vec![0; len];
    let mut filled = 0;
    while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pread(file, rest, from + filled as u64) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let mut bytes = AlignedBytes::new();
    bytes.extend(room.get(..filled).unwrap_or_default());
    Ok(bytes)
}
