//! The only unsafe code of the workloads: fork, sleeping threads, shared memory, and the few prctl calls that no safe wrapper offers.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::num::NonZeroUsize;
use std::ptr::NonNull;
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

/// Bytes of stack for a task that does nothing but sleep, in one frame of a function and one system call. A power of two, so
/// that every stack begins as aligned as the architecture wants it.
const SLEEPER_STACK: usize = 2048;

/// Threads of this process that only sleep, made without the C library: nothing of Rust runs in them, so for everything else
/// the process has one thread. They end with their process.
pub struct Sleepers {
    stacks: NonNull<c_void>,
    room: usize,
    started: usize,
}

impl Sleepers {
    /// Room for this many; none is started.
    pub fn new(room: usize) -> Result<Self, Errno> {
        let bytes = room.max(1).checked_mul(SLEEPER_STACK).ok_or(Errno::ENOMEM)?;
        let length = NonZeroUsize::new(bytes).ok_or(Errno::EINVAL)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE | MapFlags::MAP_STACK;
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no existing memory.
        let stacks = unsafe {
            mmap_anonymous(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags)
        }?;
        Ok(Self { stacks, room, started: 0 })
    }

    /// Starts one more (clone(2) with `CLONE_THREAD`); `ENOMEM` when there is no room for it.
    pub fn start_one(&mut self) -> Result<(), Errno> {
        if self.started >= self.room {
            return Err(Errno::ENOMEM);
        }
        let above = (self.started + 1) * SLEEPER_STACK;
        // SAFETY: at most one past the end of the mapping, which is `room * SLEEPER_STACK` bytes long.
        let top = unsafe { self.stacks.as_ptr().byte_add(above) };
        let flags = libc::CLONE_VM
            | libc::CLONE_FS
            | libc::CLONE_FILES
            | libc::CLONE_SIGHAND
            | libc::CLONE_THREAD
            | libc::CLONE_SYSVSEM;
        // SAFETY: the stack below `top` is mapped, writable, never unmapped and no other thread's; the thread runs
        // `sleep_for_ever`, which touches nothing of its process.
        Errno::result(unsafe { libc::clone(sleep_for_ever, top, flags, std::ptr::null_mut()) })?;
        self.started += 1;
        Ok(())
    }
}

/// All that a sleeper does. It shares the thread-local memory of the thread that made it, so it must not use any: the system call
/// sets `errno` only when it returns, which takes a signal with a handler, and no role installs one.
extern "C" fn sleep_for_ever(_: *mut c_void) -> c_int {
    const NOTHING: usize = 0;
    loop {
        // SAFETY: ppoll(2) on no descriptors, without a time and a mask, reads no memory; it waits for a signal.
        unsafe { libc::syscall(libc::SYS_ppoll, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING) };
    }
}

/// getrandom(2) without flags, by the system call itself: the C library may answer from a generator of its own in the vDSO
/// (since Linux 6.11) and would not enter the kernel at all. Returns how many bytes were filled.
pub fn getrandom(buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes to `buffer`, which is writable and outlives the call.
    let filled =
        unsafe { libc::syscall(libc::SYS_getrandom, buffer.as_mut_ptr(), buffer.len(), 0_u32) };
    Errno::result(filled).map(|filled| usize::try_from(filled).unwrap_or(0))
}

/// Maps `bytes` of private memory, none of it there until it is touched. It is never unmapped: it goes with the process.
pub fn map_private(bytes: usize) -> Result<&'static mut [u8], Errno> {
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
    // SAFETY: the mapping is new, so nobody else refers to it; it is zeroed, `bytes` long, writable, and never unmapped.
    Ok(unsafe { std::slice::from_raw_parts_mut(start.as_ptr().cast::<u8>(), bytes) })
}

/// Has the kernel put pages behind all of this memory as if each had been written to, in one call (`MADV_POPULATE_WRITE` of madvise(2),
/// since Linux 5.14): a fault for each of them costs as much again as the page, several times that in a virtual machine. What is in it stays.
pub fn populate(memory: &mut [u8]) -> Result<(), Errno> {
    let start = memory.as_mut_ptr().cast::<c_void>();
    // SAFETY: the range is exactly `memory`, which is mapped and writable; the advice changes nothing of its contents.
    Errno::result(unsafe { libc::madvise(start, memory.len(), libc::MADV_POPULATE_WRITE) })
        .map(drop)
}

/// The size of a page in bytes (sysconf(3), `_SC_PAGESIZE`).
pub fn page_bytes() -> usize {
    // SAFETY: sysconf takes a number and no pointers.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(4096)
}

/// Has the kernel back memory of this process with pages of the usual size only (prctl(2), `PR_SET_THP_DISABLE`).
pub fn no_huge_pages() -> Result<(), Errno> {
    let (on, none): (libc::c_ulong, libc::c_ulong) = (1, 0);
    // SAFETY: PR_SET_THP_DISABLE takes a flag and no pointers; what it does not use must be 0.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, on, none, none, none) }).map(drop)
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

/// Gives way to other processes of the same group that want the same CPU (setpriority(2)); the group's own share stays what it is.
pub fn be_nice() -> Result<(), Errno> {
    // SAFETY: setpriority takes numbers and no pointers.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 10) }).map(drop)
}

/// Lets timers of this process fire without the default 50 microseconds of slack (prctl(2), `PR_SET_TIMERSLACK`).
pub fn exact_timers() -> Result<(), Errno> {
    // SAFETY: PR_SET_TIMERSLACK takes a number of nanoseconds and no pointers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) }).map(drop)
}

/// The three kinds of System V objects, which have a key of their own each (sysvipc(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sysv {
    /// Shared memory.
    Memory,
    /// Semaphores.
    Semaphores,
    /// A queue of messages.
    Messages,
}

impl Sysv {
    pub const ALL: [Self; 3] = [Self::Memory, Self::Semaphores, Self::Messages];
}

/// Finds an object by its key, or makes it where `flags` says so (shmget(2), semget(2), msgget(2)). Memory is a page, semaphores one.
pub fn sysv_get(kind: Sysv, key: i32, flags: c_int) -> Result<c_int, Errno> {
    let size = if flags & libc::IPC_CREAT == 0 { 0 } else { 4096 };
    let id = match kind {
        // SAFETY: shmget takes numbers and no pointers.
        Sysv::Memory => unsafe { libc::shmget(key, size, flags) },
        // SAFETY: semget takes numbers and no pointers.
        Sysv::Semaphores => unsafe { libc::semget(key, c_int::from(size > 0), flags) },
        // SAFETY: msgget takes numbers and no pointers.
        Sysv::Messages => unsafe { libc::msgget(key, flags) },
    };
    Errno::result(id)
}

/// Removes an object (`IPC_RMID`).
pub fn sysv_remove(kind: Sysv, id: c_int) -> Result<(), Errno> {
    let none = std::ptr::null_mut();
    let result = match kind {
        // SAFETY: IPC_RMID does not read its third argument.
        Sysv::Memory => unsafe { libc::shmctl(id, libc::IPC_RMID, none) },
        // SAFETY: IPC_RMID takes no fourth argument.
        Sysv::Semaphores => unsafe { libc::semctl(id, 0, libc::IPC_RMID) },
        // SAFETY: IPC_RMID does not read its third argument.
        Sysv::Messages => unsafe { libc::msgctl(id, libc::IPC_RMID, none.cast()) },
    };
    Errno::result(result).map(drop)
}

/// Reads the value of the first semaphore (`GETVAL`).
pub fn semaphore_value(id: c_int) -> Result<c_int, Errno> {
    // SAFETY: GETVAL takes no fourth argument.
    Errno::result(unsafe { libc::semctl(id, 0, libc::GETVAL) })
}

/// Asks for the state of a queue (`IPC_STAT`), which takes the right to read from it.
pub fn queue_state(id: c_int) -> Result<(), Errno> {
    let mut state = std::mem::MaybeUninit::<libc::msqid_ds>::uninit();
    // SAFETY: the kernel writes one msqid_ds to the memory of one, which outlives the call.
    Errno::result(unsafe { libc::msgctl(id, libc::IPC_STAT, state.as_mut_ptr()) }).map(drop)
}

/// Copies the beginning of shared memory, up to a page, out of it, or, where `write` is given, that into it first.
pub fn shared_memory(id: c_int, length: usize, write: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
    let length = length.min(4096);
    let flags = if write.is_some() { 0 } else { libc::SHM_RDONLY };
    // SAFETY: the kernel chooses an address where nothing is.
    let start = unsafe { libc::shmat(id, std::ptr::null(), flags) };
    // shmat(2) says -1 where others say null.
    if start.addr() == usize::MAX {
        return Err(Errno::last());
    }
    if let Some(bytes) = write {
        let count = bytes.len().min(length);
        // SAFETY: the mapping is a page of writable memory that nothing else of this process refers to, and `count` is at most that.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.cast::<u8>(), count) };
    }
    let mut copy = vec![0_u8; length];
    // SAFETY: the mapping is a page of readable memory, and `length` is at most that.
    unsafe { std::ptr::copy_nonoverlapping(start.cast::<u8>(), copy.as_mut_ptr(), length) };
    // SAFETY: `start` is what shmat gave, and nothing refers to it after this line.
    Errno::result(unsafe { libc::shmdt(start) })?;
    Ok(copy)
}
