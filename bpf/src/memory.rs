//! What the kernel shares with us as memory: rings of records, its types, and what it counts of a program. The one
//! module with unsafe code.
//!
//! A ring is 4 to 16 MiB and mostly empty, and mapping it whole, twice as the kernel offers it, took a tenth of what
//! a start takes and showed as 88 MiB of the recorder. So it is read through a window that goes with the reader
//! (kernel/bpf/ringbuf.c, `ringbuf_map_mmap_kern`: the position of the reader, that of the writers, then the data two
//! times in a row, so that a record that goes over the end lies in one piece).
#![allow(unsafe_code, reason = "the crate's one module with unsafe")]

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::param::page_size;

use crate::types::KERNEL;

#[cfg(test)]
mod tests;

/// Bytes that are mapped of a ring at a time: with less, the calls cost more than the pages.
const WINDOW: u64 = 256 << 10;

/// Bytes before each record: its length with these two bits, and what only the kernel reads.
const HEAD: u64 = 8;
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;

/// Memory of the kernel's, mapped until it is dropped.
#[derive(Debug)]
struct Mapping {
    at: NonNull<u8>,
    len: usize,
}

// SAFETY: it is the process's, not a thread's, and whoever has it has it alone.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(
        of: BorrowedFd<'_>,
        (prot, flags): (ProtFlags, MapFlags),
        from: u64,
        len: usize,
    ) -> io::Result<Mapping> {
        // SAFETY: a new mapping at a place of the kernel's choice: nothing of ours lies there.
        let at = unsafe { mmap(null_mut(), len, prot, flags, of, from) }?;
        let at = NonNull::new(at.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { at, len })
    }

    /// The place of something of `size` bytes, where it lies in the mapping and on a multiple of its size.
    fn place(&self, at: usize, size: usize) -> Option<NonNull<u8>> {
        let inside = at.checked_add(size)? <= self.len;
        // SAFETY: `at` is below `len`, which mmap(2) gave.
        (inside && at.is_multiple_of(size)).then(|| unsafe { self.at.add(at) })
    }

    /// A number that the kernel changes. Where the mapping is one for reading, relaxed loads alone are sure not to
    /// write (std::sync::atomic, "Atomic accesses to read-only memory"): fences do the rest.
    fn number(&self, at: usize) -> Option<&AtomicU64> {
        // SAFETY: it is in the mapping, aligned, and written by atomic means only, here and in the kernel.
        self.place(at, 8).map(|place| unsafe { AtomicU64::from_ptr(place.cast().as_ptr()) })
    }

    /// The head of a record, as it is now.
    fn head(&self, at: usize) -> Option<u32> {
        // SAFETY: as above; it is loaded and no more.
        let head = self.place(at, 4).map(|it| unsafe { AtomicU32::from_ptr(it.cast().as_ptr()) });
        let head = head?.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        Some(head)
    }

    /// Bytes of it.
    ///
    /// # Safety
    /// Nobody may write them as long as they are lent.
    unsafe fn bytes(&self, range: Range<usize>) -> Option<&[u8]> {
        if range.is_empty() {
            return Some(&[]);
        }
        let start = self.place(range.start, 1).filter(|_| range.end <= self.len)?;
        // SAFETY: they are in the mapping; the caller says that nobody writes them.
        Some(unsafe { std::slice::from_raw_parts(start.as_ptr(), range.len()) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped, once; what was borrowed of it is not there any more.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), self.len) };
    }
}

/// The kernel's types.
pub(crate) struct KernelTypes(Mapping);

/// `SYSFS_MAGIC` (include/uapi/linux/magic.h).
const SYSFS: rustix::fs::FsWord = 0x6265_6572;

impl KernelTypes {
    /// Maps them, where the kernel can (6.16 and up): reading these 5 MB takes a call for each page.
    pub(crate) fn mapped() -> Option<KernelTypes> {
        let file = File::open(KERNEL).ok()?;
        // What is the kernel's own nobody can shorten or write.
        if rustix::fs::fstatfs(&file).ok()?.f_type != SYSFS {
            return None;
        }
        let len = usize::try_from(file.metadata().ok()?.len()).ok().filter(|len| *len > 0)?;
        let how = (ProtFlags::READ, MapFlags::PRIVATE);
        Mapping::new(file.as_fd(), how, 0, len).ok().map(KernelTypes)
    }
}

impl Deref for KernelTypes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the kernel's types do not change while it runs.
        unsafe { self.0.bytes(0..self.0.len) }.unwrap_or_default()
    }
}

/// `BPF_OBJ_GET_INFO_BY_FD` (include/uapi/linux/bpf.h, `enum bpf_cmd`).
const GET_INFO: libc::c_long = 15;

/// Where `struct bpf_prog_info` has `recursion_misses` (the same file), and how much of it is asked for: to there. A
/// kernel that knows less fills in less.
pub(crate) const MISSES: usize = 208 / size_of::<u64>();

/// How often the kernel left out a run of the program, because one was running on that CPU already. 0 where it does
/// not tell.
pub(crate) fn misses(program: BorrowedFd<'_>) -> u64 {
    /// `union bpf_attr`, its part for this command.
    #[repr(C)]
    struct Asked {
        program: u32,
        len: u32,
        info: u64,
    }
    let mut info = [0_u64; MISSES + 1];
    let mut asked = Asked {
        program: program.as_raw_fd().cast_unsigned(),
        len: size_of_val(&info) as u32,
        info: info.as_mut_ptr() as u64,
    };
    let size = size_of::<Asked>();
    // SAFETY: the kernel writes at most `len` bytes to `info`, which has as many; zeros there ask for no lists.
    let done = unsafe { libc::syscall(libc::SYS_bpf, GET_INFO, &raw mut asked, size) } == 0;
    if done { info[MISSES] } else { 0 }
}

/// The reader of a ring.
#[derive(Debug)]
pub(crate) struct Reader<F> {
    map: F,
    /// Bytes of data: a power of two.
    size: u64,
    page: u64,
    /// How far we are, for the kernel to see, and how far it is.
    read: Mapping,
    written: Mapping,
    /// Where we are, and how far the kernel was when we looked last; both only grow.
    next: u64,
    until: u64,
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    memory: Mapping,
    /// The position of its first byte.
    from: u64,
}

impl<F: AsFd> Reader<F> {
    /// A reader of the ring `map`, which has `size` bytes of data.
    pub(crate) fn new(map: F, size: u32) -> io::Result<Reader<F>> {
        let (size, page) = (u64::from(size), page_size());
        if !size.is_power_of_two() || size < page as u64 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let both = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        let read = Mapping::new(map.as_fd(), both, 0, page)?;
        let one = (ProtFlags::READ, MapFlags::SHARED);
        let written = Mapping::new(map.as_fd(), one, page as u64, page)?;
        let next = read.number(0).map_or(0, |read| read.load(Ordering::Relaxed));
        Ok(Reader { map, size, page: page as u64, read, written, next, until: next, window: None })
    }

    /// Hands the next record to `see`, where it lies in the ring. Returns whether there was one.
    pub(crate) fn next(&mut self, see: impl FnOnce(&[u8])) -> bool {
        loop {
            if self.next >= self.until && !self.more() {
                return false;
            }
            let Some(mut head) = self.head() else { return false };
            if head & BUSY != 0 {
                // Who writes it wakes us if it sees our position here: so it is told before the last look.
                fence(Ordering::SeqCst);
                head = self.head().unwrap_or(BUSY);
            }
            if head & BUSY != 0 {
                return false;
            }
            let len = u64::from(head & !DISCARDED);
            if head & DISCARDED != 0 {
                self.done(len);
                continue;
            }
            let Some((memory, at)) = self.window(HEAD + len) else { return false };
            let range = at + HEAD as usize..at + (HEAD + len) as usize;
            // SAFETY: its head says that it is written, and the kernel writes there again only when the position
            // that `done` tells is beyond it.
            let Some(record) = (unsafe { memory.bytes(range) }) else { return false };
            see(record);
            self.done(len);
            return true;
        }
    }

    /// Whether somebody took room for a record that was not read yet.
    pub(crate) fn is_waiting(&mut self) -> bool {
        self.next < self.until || self.more()
    }

    /// Maps nothing of the data until the next look.
    pub(crate) fn rest(&mut self) {
        self.window = None;
    }

    fn head(&mut self) -> Option<u32> {
        self.window(HEAD).and_then(|(memory, at)| memory.head(at))
    }

    /// Looks how far the kernel is. It wakes nobody whom it sees before its record: so our position is told first.
    fn more(&mut self) -> bool {
        fence(Ordering::SeqCst);
        self.until = self.written.number(0).map_or(0, |it| it.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        self.next < self.until
    }

    /// The next record, which has `len` bytes, is not needed any more.
    fn done(&mut self, len: u64) {
        self.next += (HEAD + len).next_multiple_of(8);
        if let Some(read) = self.read.number(0) {
            read.store(self.next, Ordering::Release);
        }
    }

    /// Memory that has the next `len` bytes, and where in it they begin. Nothing where the kernel has no memory for
    /// that: it is tried again at the next look, and what does not fit into the ring until then is counted.
    fn window(&mut self, len: u64) -> Option<(&Mapping, usize)> {
        let holds = |window: &Window| {
            self.next >= window.from && self.next + len <= window.from + window.memory.len as u64
        };
        if !self.window.as_ref().is_some_and(holds) {
            let from = self.next - self.next % self.page;
            let place = from & (self.size - 1);
            let least = (self.next - from + len).next_multiple_of(self.page);
            // As far as the second copy of the data goes.
            let most = 2 * self.size - place;
            let bytes = least.max(WINDOW).min(most);
            let one = (ProtFlags::READ, MapFlags::SHARED);
            let begin = 2 * self.page + place;
            let memory = Mapping::new(self.map.as_fd(), one, begin, usize::try_from(bytes).ok()?);
            self.window = Some(Window { memory: memory.ok()?, from });
        }
        let window = self.window.as_ref().filter(|window| holds(window))?;
        Some((&window.memory, usize::try_from(self.next - window.from).ok()?))
    }
}

impl<F: AsFd> AsFd for Reader<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}
