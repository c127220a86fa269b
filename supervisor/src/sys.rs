//! The only unsafe code of the supervisor: cleaning up what was inherited, and memory.
#![allow(unsafe_code, reason = "the supervisor's one module with unsafe")]

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd},
    sync::atomic::{AtomicBool, Ordering},
};

use zerocopy::FromZeros;

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
    close_inherited();
    // SAFETY: F_GETFD takes no pointer and works on any number.
    if unsafe { libc::fcntl(0, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: 0 is open; std only borrows it, and nothing in this program reads standard input;
    // `TAKEN` makes this the one owner.
    Ok(unsafe { OwnedFd::from_raw_fd(0) })
}

/// Closes every descriptor from 3 on. Only as `main`'s first step: nothing of ours is open yet.
pub(crate) fn close_inherited() {
    // JUSTIFICATION: what others handed us has no owner in this process that could close it.
    // SAFETY: `main` has opened nothing yet and std owns nothing from 3 on, so no owner exists;
    // takes no pointer (close_range(2)).
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

/// Takes room for `len` zeros. The kernel gives the pages when they are written first: a table that is large
/// for the worst case costs a small run nothing.
pub(crate) fn zeroed<T: FromZeros>(len: usize) -> Box<[T]> {
    let slots = Box::<[T]>::new_zeroed_slice(len);
    // SAFETY: of a `FromZeros` all zeros are a valid value.
    unsafe { slots.assume_init() }
}

/// Has large tables mapped by themselves, always: glibc puts them between what it used before once a large one was
/// freed, where it has to write the zeros.
pub(crate) fn map_large_tables() {
    const LARGE: libc::c_int = 128 << 10; // the default, which stays so (mallopt(3))
    // SAFETY: takes no pointer.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = LARGE;
}

/// Does `step` in a thread, and with it in memory of its own: what it frees would have its pages kept by the tables that
/// come after it. Here, where there can be no thread.
pub(crate) fn apart<T: Send>(step: impl Fn() -> T + Sync) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, &step);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(why)) => std::panic::resume_unwind(why),
            Err(_) => step(),
        }
    })
}

/// Gives memory that was freed back to the kernel: what loading took is not needed again.
pub(crate) fn give_memory_back() {
    // SAFETY: takes no pointer, and moves nothing that is in use (malloc_trim(3)).
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Gives the pages of the program and its libraries back: starting took most of them, and what is used again comes from
/// the page cache. (The front has the same: the two programs share no code that may do this.)
pub(crate) fn give_program_back() {
    /// Gives back what the kernel may read from the file again: segments that nobody can write.
    unsafe extern "C" fn give(
        of: *mut libc::dl_phdr_info,
        _: libc::size_t,
        _: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: dl_iterate_phdr(3) hands a valid one.
        let of = unsafe { &*of };
        // SAFETY: it has so many headers.
        let headers = unsafe { std::slice::from_raw_parts(of.dlpi_phdr, of.dlpi_phnum.into()) };
        let lasting =
            |it: &&libc::Elf64_Phdr| it.p_type == libc::PT_LOAD && it.p_flags & libc::PF_W == 0;
        for it in headers.iter().filter(lasting) {
            let page = rustix::param::page_size() as u64;
            let (from, to) = (of.dlpi_addr + it.p_vaddr, of.dlpi_addr + it.p_vaddr + it.p_memsz);
            let from = from / page * page;
            // SAFETY: these pages are as they are in the file, and are mapped again when they are needed.
            unsafe { libc::madvise(from as *mut _, (to - from) as usize, libc::MADV_DONTNEED) };
        }
        0
    }
    // SAFETY: the callback asks for nothing else and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(give), std::ptr::null_mut()) };
}

/// Forgets the environment, whatever is in it.
pub(crate) fn forget_environment() {
    // SAFETY: this is `main`'s first step: no other thread is there that could read it meanwhile.
    unsafe { libc::clearenv() };
}

/// Takes every signal as it comes to a fresh process: nothing blocked, ignored or pending, no timer.
pub(crate) fn calm_signals() {
    for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
        // SAFETY: all zeros is a valid itimerval: no timer.
        let none: libc::itimerval = unsafe { std::mem::zeroed() };
        // SAFETY: `none` is valid, a null old value asks for nothing.
        unsafe { libc::setitimer(timer, &raw const none, std::ptr::null_mut()) };
    }
    // std has its own ideas of these three, and it had them after exec.
    let stds = [libc::SIGPIPE, libc::SIGSEGV, libc::SIGBUS];
    for signal in (1..=libc::SIGRTMAX()).filter(|signal| !stds.contains(signal)) {
        // Ignoring one drops it where it is pending (sigaction(2)).
        for action in [libc::SIG_IGN, libc::SIG_DFL] {
            // SAFETY: both are valid dispositions; what may not be changed is refused.
            unsafe { libc::signal(signal, action) };
        }
    }
    // SAFETY: all zeros is a valid sigset_t, and sigemptyset then makes it the empty set.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `none` is ours.
    unsafe { libc::sigemptyset(&raw mut none) };
    // SAFETY: a valid set; a null old set asks for nothing.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) };
}

/// Makes a second process that goes on from here; `None` in it.
///
/// # Errors
/// Those of fork(2).
pub(crate) fn fork() -> io::Result<Option<u32>> {
    // SAFETY: called while this process has one thread (`keeper::Keeper::start` says so), so no lock
    // is held by a thread that the copy does not have.
    match unsafe { libc::fork() } {
        0 => Ok(None),
        pid if pid > 0 => Ok(Some(pid.cast_unsigned())),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends this process at once, without what the process that it was forked from wants done at its end.
pub(crate) fn end(status: i32) -> ! {
    // SAFETY: takes no pointer and never returns.
    unsafe { libc::_exit(status) }
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
