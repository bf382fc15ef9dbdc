//! The pause process of a pod: it holds the namespaces that the pod's sandboxes share, so that they outlive each of them, and as the
//! first process of a shared PID namespace it reaps what loses its parent there. It ends on SIGINT or SIGTERM.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::protocol::Reply;
use crate::raw;
use crate::stream::Stream;

/// Runs the role until one of the two signals comes.
///
/// # Errors
/// A sentence for people where it cannot begin.
pub fn run() -> Result<(), String> {
    raw::die_with_parent().map_err(|errno| format!("PR_SET_PDEATHSIG: {errno:?}"))?;
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD] {
        signals.add(signal);
    }
    // What is blocked waits, even for the first process of a namespace, where the kernel drops what would only end it.
    signals.thread_block().map_err(|errno| format!("cannot block signals: {errno:?}"))?;
    let ready = Reply::Ready { pid: std::process::id() };
    Stream::standard().send(&ready).map_err(|error| format!("the stream broke: {error}"))?;
    loop {
        match signals.wait() {
            Ok(Signal::SIGINT | Signal::SIGTERM) => return Ok(()),
            Ok(_) => reap(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(format!("cannot wait for signals: {errno:?}")),
        }
    }
}

/// Reaps every child that has ended: several may have for one signal.
fn reap() {
    while matches!(
        waitpid(None, Some(WaitPidFlag::WNOHANG)),
        Ok(status) if status != WaitStatus::StillAlive
    ) {}
}
