//! Network namespaces (network_namespaces(7)): made and entered by a thread that ends there, so that the harness itself never
//! leaves its own.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;

/// The namespace of a process.
///
/// # Errors
/// `ENOENT` when there is no such process, `EACCES` without `CAP_SYS_PTRACE` over it.
pub fn of(pid: Pid) -> io::Result<File> {
    File::open(format!("/proc/{pid}/ns/net"))
}

/// Does something in a new namespace, which ends with the last thing that holds it: a process, a socket, an open file of it.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN`, `ENOSPC` beyond `user.max_net_namespaces`, and what the action gives.
pub fn in_new<T: Send>(action: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    elsewhere(|| {
        unshare(CloneFlags::CLONE_NEWNET)?;
        action()
    })
}

/// Does something in a namespace that exists.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN` over its owner, and what the action gives.
pub fn inside<T: Send>(
    namespace: BorrowedFd<'_>,
    action: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    elsewhere(|| {
        setns(namespace, CloneFlags::CLONE_NEWNET)?;
        action()
    })
}

/// A namespace is entered by the calling thread alone (setns(2)).
fn elsewhere<T: Send>(action: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        thread::Builder::new()
            .spawn_scoped(scope, action)?
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace broke off")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_action_gives_comes_back_from_the_other_thread() {
        let caller = thread::current().id();
        let there = elsewhere(|| Ok(thread::current().id())).unwrap();
        assert_ne!(there, caller);
        let error = elsewhere::<()>(|| Err(io::ErrorKind::NotFound.into())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
