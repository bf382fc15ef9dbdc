//! The only unsafe code of the workloads: fork, shared memory, and the few prctl calls that no safe wrapper offers.

#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::unistd::{ForkResult, Pid};

/// Which side of a fork this is.
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, with the new one's ID.
    Parent(Pid),
}

/// fork(2). The roles have one thread each, so the child may run any Rust code.
pub fn fork() -> Result<Fork, Errno> {
    // SAFETY: every role is single-threaded (nothing in this crate starts a thread), so no lock can be held by a thread
    // that does not exist in the child.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => Ok(Fork::Child),
        ForkResult::Parent { child } => Ok(Fork::Parent(child)),
    }
}

/// `_exit(2)`: ends the process without running exit handlers that belong to the parent.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit takes no pointers and does not return.
    unsafe { libc::_exit(status) }
}

/// A page-aligned, zeroed array of counters that children share with their parent. It lives as long as the process.
pub fn shared_counters(count: usize) -> Result<&'static [AtomicU64], Errno> {
    let bytes = NonZeroUsize::new(count * size_of::<AtomicU64>()).ok_or(Errno::EINVAL)?;
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no existing memory.
    let start = unsafe {
        mmap_anonymous(
            None,
            bytes,
            ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
            MapFlags::MAP_SHARED,
        )
    }?;
    // SAFETY: the mapping is page-aligned, zeroed (a valid AtomicU64), `count` elements long, and is never unmapped.
    Ok(unsafe { std::slice::from_raw_parts(start.as_ptr().cast::<AtomicU64>(), count) })
}

/// Maps `bytes` of private memory, touches every page, unmaps it: one allocation that the kernel cannot put off.
pub fn allocate_and_touch(bytes: usize) -> Result<(), Errno> {
    let length = NonZeroUsize::new(bytes).ok_or(Errno::EINVAL)?;
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no existing memory.
    let start = unsafe {
        mmap_anonymous(
            None,
            length,
            ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
            MapFlags::MAP_PRIVATE,
        )
    }?;
    // SAFETY: the mapping is private to this function, `bytes` long and writable.
    let memory = unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast::<u8>(), bytes) };
    for page in memory.chunks_mut(4096) {
        page[0] = 1;
    }
    // SAFETY: `start` and `bytes` are exactly the mapping made above, and `memory` is not used after this line.
    unsafe { nix::sys::mman::munmap(start, bytes) }
}

/// Asks the kernel to kill this process when its parent thread ends (prctl(2), `PR_SET_PDEATHSIG`).
pub fn die_with_parent() -> Result<(), Errno> {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and no pointers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }).map(drop)
}

/// Makes orphaned descendants children of this process (prctl(2), `PR_SET_CHILD_SUBREAPER`), as PID 1 has them anyway.
pub fn adopt_orphans() -> Result<(), Errno> {
    // SAFETY: PR_SET_CHILD_SUBREAPER takes a flag and no pointers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) }).map(drop)
}

/// Lets timers of this process fire without the default 50 microseconds of slack (prctl(2), `PR_SET_TIMERSLACK`).
pub fn exact_timers() -> Result<(), Errno> {
    // SAFETY: PR_SET_TIMERSLACK takes a number of nanoseconds and no pointers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) }).map(drop)
}
