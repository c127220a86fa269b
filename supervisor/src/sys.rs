//! The only unsafe code of the supervisor: cleaning up what was inherited.
#![allow(unsafe_code, reason = "the supervisor's one module with unsafe: inherited descriptors")]

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd},
    sync::atomic::{AtomicBool, Ordering},
};

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Closes every descriptor from 3 on, so that no pipe of the caller stays open because of us, and
/// takes the socket, which is standard input. To be called once, as `main`'s first step.
///
/// # Errors
/// When it was called before, or standard input is closed.
pub(crate) fn take_socket() -> io::Result<OwnedFd> {
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    // JUSTIFICATION: what others handed us has no owner in this process that could close it.
    // SAFETY: `main` has opened nothing yet and std owns nothing from 3 on, so no owner exists;
    // takes no pointer (close_range(2)).
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    // SAFETY: F_GETFD takes no pointer and works on any number.
    if unsafe { libc::fcntl(0, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: 0 is open; std only borrows it, and nothing in this program reads standard input;
    // `TAKEN` makes this the one owner.
    Ok(unsafe { OwnedFd::from_raw_fd(0) })
}

#[cfg(test)]
pub(crate) mod counting {
    //! An allocator that counts, to prove that the event path asks it for nothing.

    use std::{
        alloc::{GlobalAlloc, Layout, System},
        cell::Cell,
    };

    thread_local! {
        static ASKED: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    // SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract;
    // the counter is a plain cell of this thread without a destructor, so touching it cannot allocate.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            ASKED.with(|asked| asked.set(asked.get() + 1));
            // SAFETY: the caller's promise about `layout` is passed on.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
            // SAFETY: the caller's promise about `at` and `layout` is passed on.
            unsafe { System.dealloc(at, layout) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    /// How often this thread asked for memory so far.
    pub(crate) fn asked() -> u64 {
        ASKED.with(Cell::get)
    }
}
