//! A small file system in memory, unmounted when dropped.

use std::{
    ffi::CString,
    path::{Path, PathBuf},
};

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

/// A tmpfs of a given size.
#[derive(Debug)]
pub struct Tmpfs {
    path: PathBuf,
}

impl Tmpfs {
    /// Mounts one at `path`, which is made.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn new(path: &Path, kib: u32) -> Tmpfs {
        std::fs::create_dir_all(path).expect("a new directory");
        let options = CString::new(format!("size={kib}k,mode=755")).expect("no NUL in it");
        mount("audit-xtests", path, "tmpfs", MountFlags::empty(), options.as_c_str())
            .unwrap_or_else(|why| panic!("cannot mount a tmpfs at {}: {why}", path.display()));
        Tmpfs { path: path.to_owned() }
    }

    /// Makes it read-only.
    ///
    /// # Panics
    /// When that fails.
    pub fn make_read_only(&self) {
        mount_remount(&self.path, MountFlags::RDONLY, c"").expect("a remount");
    }

    /// Fills it with a file called `filler` until there is no room for a byte.
    ///
    /// # Panics
    /// When the file cannot be made.
    pub fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.path.join("filler")).expect("room for a name");
        for size in [65536, 4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: a process of a failed test may still be in there.
        let _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}
