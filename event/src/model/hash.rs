//! Contents of files.

/// What a file held, or why that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    /// What it was hashed for: `exec` or `write`.
    pub op: &'static str,
    /// Path of the file when it was hashed.
    pub path: Option<Vec<u8>>,
    /// Device, `major << 20 | minor`.
    pub dev: Option<u32>,
    /// Inode.
    pub ino: Option<u64>,
    /// Bytes of the file.
    pub size: Option<u64>,
    /// BLAKE3 as 64 digits.
    pub blake3: Option<String>,
    /// How strong that is.
    pub basis: Option<&'static str>,
    /// Why there is none.
    pub missing: Option<&'static str>,
}
