//! Processes by file descriptor: signalled and reaped without any doubt about who is meant (pidfd_open(2)).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// Opens a process by its ID (Linux 5.3).
///
/// # Errors
/// `ESRCH` when there is none.
pub fn open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: pidfd_open takes two numbers.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let descriptor = RawFd::try_from(Errno::result(result)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor (close-on-exec), and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Sends a signal.
///
/// # Errors
/// `ESRCH` when the process has been reaped, `EPERM` without the right.
pub fn send(pidfd: BorrowedFd<'_>, signal: Signal) -> Result<(), Errno> {
    // SAFETY: pidfd_send_signal takes a descriptor, a number, no siginfo and no flags.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal as libc::c_int,
            ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    Errno::result(result).map(drop)
}

/// Waits until the process has ended. True when it has, false when the time ran out.
///
/// # Errors
/// The errno of poll(2).
pub fn wait_for_end(pidfd: BorrowedFd<'_>, limit: Duration) -> Result<bool, Errno> {
    let milliseconds = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    let mut fds = [PollFd::new(pidfd, PollFlags::POLLIN)];
    loop {
        match poll(&mut fds, PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Reaps a child that has ended; `None` when it has not.
///
/// # Errors
/// `ECHILD` when it is not a child of this process, or has been reaped before.
pub fn reap(pidfd: &impl AsFd) -> Result<Option<WaitStatus>, Errno> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
    match waitid(Id::PIDFd(pidfd.as_fd()), flags)? {
        WaitStatus::StillAlive => Ok(None),
        status => Ok(Some(status)),
    }
}
