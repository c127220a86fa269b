//! The compiled objects, as `build.rs` left them.

use aya::include_bytes_aligned;

use crate::programs::Topic;

static PROC: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/proc.bpf.o"));
static NET: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/net.bpf.o"));
static NAMES: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/names.bpf.o"));
static CALLS: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/calls.bpf.o"));

impl Topic {
    /// Returns the compiled object: an ELF file with BTF, no debug sections.
    #[must_use]
    pub fn object(self) -> &'static [u8] {
        match self {
            Topic::Proc => PROC,
            Topic::Net => NET,
            Topic::Calls => CALLS,
            Topic::Names => NAMES,
        }
    }
}
