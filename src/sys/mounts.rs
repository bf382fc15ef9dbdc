//! Mounts of another mount namespace (mount_namespaces(7)), copied and attached (open_tree(2), move_mount(2): Linux 5.2).

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::unistd::{chroot, fchdir};

/// Attaches a copy of a mount of another process's mount namespace at a directory of this one: what is in it is the same for both.
///
/// The caller must have one thread, for a mount namespace is entered by a process that shares its root and working directory with
/// nobody; both are afterwards what they were. `path` is that of the mount as the other process sees it from its namespace's root.
///
/// # Errors
/// `ENOENT` when there is no such process or directory, `EPERM` without `CAP_SYS_ADMIN` over the owner of both namespaces and
/// `CAP_SYS_CHROOT`, and the errno of open_tree(2) and move_mount(2).
pub fn attach_from(process: i32, path: &str, at: &Path) -> Result<(), Errno> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    let at = CString::new(at.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let open = |path: &str| File::open(path).map_err(errno_of);
    let (root, here) = (open("/")?, open(".")?);
    let (own, theirs) = (open("/proc/self/ns/mnt")?, open(&format!("/proc/{process}/ns/mnt"))?);
    setns(&theirs, CloneFlags::CLONE_NEWNS)?;
    let copy = copy_of(&path);
    setns(&own, CloneFlags::CLONE_NEWNS)?;
    // Entering a mount namespace makes its root the process's, which need not have been.
    fchdir(&root)?;
    chroot(".")?;
    fchdir(&here)?;
    attach(&copy?, &at)
}

/// A copy of the mount at a path that is attached nowhere, and goes away with the descriptor.
fn copy_of(path: &CStr) -> Result<OwnedFd, Errno> {
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    // SAFETY: the path is a string that ends with a NUL and outlives the call, which writes to no memory of ours.
    let made = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    let made = RawFd::try_from(Errno::result(made)?).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: the kernel has just made this descriptor for this process, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(made) })
}

fn attach(copy: &OwnedFd, at: &CStr) -> Result<(), Errno> {
    let (from, flags) = (copy.as_raw_fd(), libc::MOVE_MOUNT_F_EMPTY_PATH);
    // SAFETY: both paths are strings that end with a NUL and outlive the call, which writes to no memory of ours.
    let moved = unsafe {
        libc::syscall(libc::SYS_move_mount, from, c"".as_ptr(), libc::AT_FDCWD, at.as_ptr(), flags)
    };
    Errno::result(moved).map(drop)
}

fn errno_of(error: std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
