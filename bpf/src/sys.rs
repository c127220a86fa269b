//! System calls that neither aya nor rustix wraps. The only unsafe code of this crate.
#![allow(unsafe_code, reason = "the one module for it")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// include/uapi/linux/perf_event.h
const PERF_TYPE_TRACEPOINT: u32 = 2;
const PERF_ATTR_SIZE_VER0: u32 = 64;
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
const PERF_EVENT_IOC_SET_BPF: libc::Ioctl = 0x4004_2408_u32 as libc::Ioctl;
const PERF_EVENT_IOC_ENABLE: libc::Ioctl = 0x2400;

/// The first published form of `struct perf_event_attr`.
#[repr(C)]
struct PerfAttr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    bp_addr: u64,
}

const _: () = assert!(size_of::<PerfAttr>() == PERF_ATTR_SIZE_VER0 as usize);

/// Opens the tracepoint `id` for the whole machine. It says nothing until a program is attached.
pub(crate) fn open_tracepoint(id: u64) -> io::Result<OwnedFd> {
    let attr = PerfAttr {
        kind: PERF_TYPE_TRACEPOINT,
        size: PERF_ATTR_SIZE_VER0,
        config: id,
        sample_period: 1,
        sample_type: 0,
        read_format: 0,
        flags: 0,
        wakeup_events: 1,
        bp_type: 0,
        bp_addr: 0,
    };
    // All processes, on one CPU: attached programs run on each CPU all the same, the kernel keeps
    // them with the tracepoint (kernel/trace/trace_syscalls.c, perf_syscall_exit).
    let (everyone, cpu, no_group): (libc::c_int, libc::c_int, libc::c_int) = (-1, 0, -1);
    // SAFETY: `attr` lives through the call, has the size it tells, and the kernel only reads it.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attr,
            everyone,
            cpu,
            no_group,
            PERF_FLAG_FD_CLOEXEC,
        )
    };
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // JUSTIFICATION: the call returns a number; there is no safe way in.
    // SAFETY: the kernel has just opened `fd` for this call, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets `program` run at the tracepoint behind `event`, until that is closed.
pub(crate) fn attach_to_event(event: &OwnedFd, program: BorrowedFd<'_>) -> io::Result<()> {
    ioctl(event, PERF_EVENT_IOC_SET_BPF, program.as_raw_fd())?;
    ioctl(event, PERF_EVENT_IOC_ENABLE, 0)
}

fn ioctl(event: &OwnedFd, request: libc::Ioctl, number: libc::c_int) -> io::Result<()> {
    // SAFETY: both requests of this module take a number, not a pointer (perf_event_open(2)).
    match unsafe { libc::ioctl(event.as_raw_fd(), request, number) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
