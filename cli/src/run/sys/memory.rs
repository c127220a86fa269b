//! Memory that is not needed any more.

use std::ffi::c_int;

/// Gives the pages of the program and its libraries back: starting took most of them, and what is used again comes from
/// the page cache.
pub(in crate::run) fn give_program_back() {
    /// Gives back what the kernel may read from the file again: segments that nobody can write.
    unsafe extern "C" fn give(
        of: *mut libc::dl_phdr_info,
        _: libc::size_t,
        _: *mut libc::c_void,
    ) -> c_int {
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
