//! SHA-256 of files and bytes, and its words.

use std::{
    fs::File,
    io::{self, Read, Seek},
};

use sha2::{Digest as _, Sha256};

/// Length and SHA-256 of what is sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Digest {
    /// Bytes.
    pub(crate) size: u64,
    /// Hexadecimal.
    pub(crate) sha256: String,
}

impl Digest {
    /// Of all that `reader` gives.
    pub(crate) fn of(mut reader: impl Read) -> io::Result<Digest> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0;
        loop {
            let got = match reader.read(&mut buffer) {
                Ok(0) => return Ok(Digest { size, sha256: hex(&hash.finalize()) }),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            hash.update(buffer.get(..got).unwrap_or_default());
            size += got as u64;
        }
    }

    /// Of a file, which stands at its begin before and after.
    pub(crate) fn of_file(file: &mut File) -> io::Result<Digest> {
        file.rewind()?;
        let digest = Digest::of(&mut *file)?;
        file.rewind()?;
        Ok(digest)
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
