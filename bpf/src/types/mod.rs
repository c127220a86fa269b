//! The kernel's types, cut down to those that the programs name.
//!
//! A kernel describes some 130,000 types in 5 MB. aya reads all of them for each loader, and looks
//! through all of them for each structure that a program names: that was most of the time between
//! `audit run` and its command. So the few hundred that matter are taken out in one pass, and aya gets
//! those. Nothing is kept from run to run: there is nothing that could be stale.

mod raw;
mod reduced;
#[cfg(test)]
mod tests;
mod wanted;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use aya::{Btf, BtfError, Endianness};

use self::raw::Raw;
use crate::memory::KernelTypes;
use crate::programs::{Hook, PROGRAMS, Topic};

/// Where the kernel shows its types.
pub(crate) const KERNEL: &str = "/sys/kernel/btf/vmlinux";

/// What programs are moved to, and what they are attached by.
pub(crate) struct Types {
    /// The types that the programs name, with what they are made of, under numbers of their own.
    pub(crate) layouts: Btf,
    /// The tracepoints under the kernel's numbers; all else is blank.
    pub(crate) hooks: Hooks,
}

/// Types that aya reads when they are asked for first: some 64,000 blank ones lie before the last tracepoint, and
/// there is time for them in a thread that waits for its first program.
pub(crate) struct Hooks {
    bytes: Vec<u8>,
    read: OnceLock<Option<Btf>>,
}

impl Hooks {
    fn new(bytes: Vec<u8>) -> Hooks {
        Hooks { bytes, read: OnceLock::new() }
    }

    /// The types; who asks while another reads them waits for it.
    pub(crate) fn get(&self) -> Result<&Btf, BtfError> {
        let read = self.read.get_or_init(|| parsed(&self.bytes).ok());
        read.as_ref().ok_or(BtfError::InvalidHeader)
    }
}

impl Types {
    /// Takes the kernel's types from where it shows them.
    pub(crate) fn of_kernel() -> Result<Types, BtfError> {
        if let Some(mapped) = KernelTypes::mapped() {
            return Types::of(&mapped);
        }
        let path = Path::new(KERNEL);
        let bytes =
            fs::read(path).map_err(|error| BtfError::FileError { path: path.to_owned(), error })?;
        Types::of(&bytes)
    }

    /// Reads the kernel's types.
    fn of(kernel: &[u8]) -> Result<Types, BtfError> {
        match Types::reduced(kernel) {
            Some(types) => Ok(types),
            // A form that is newer than this: as aya reads it, with all that it costs.
            None => Ok(Types { layouts: parsed(kernel)?, hooks: Hooks::new(kernel.to_owned()) }),
        }
    }

    fn reduced(bytes: &[u8]) -> Option<Types> {
        let kernel = Raw::of(bytes)?;
        let mut names = wanted::Names::default();
        for topic in Topic::ALL {
            names.add(&Raw::of(wanted::section(topic.object())?)?);
        }
        let hooks: Vec<(u32, String)> = PROGRAMS.iter().filter_map(hook).collect();
        let picked = wanted::picked(&kernel, &names, &hooks)?;
        let layouts = parsed(&reduced::layouts(&kernel, &picked.layouts)?).ok()?;
        let hooks = Hooks::new(reduced::hooks(&kernel, &picked.hooks)?);
        Some(Types { layouts, hooks })
    }
}

fn parsed(bytes: &[u8]) -> Result<Btf, BtfError> {
    Btf::parse(bytes, Endianness::default())
}

/// The kernel's name for what a program is attached by, and its kind.
fn hook(program: &crate::programs::Program) -> Option<(u32, String)> {
    match program.hook {
        Hook::BtfTracepoint(name) => Some((raw::kind::TYPEDEF, format!("btf_trace_{name}"))),
        Hook::TaskFiles => Some((raw::kind::FUNC, "bpf_iter_task_file".to_owned())),
        _ => None,
    }
}
