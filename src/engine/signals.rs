//! Signals, read from a descriptor in the engine's one poll loop.
//!
//! The first SIGINT, SIGTERM or SIGHUP ends the phase and cleans up. During clean-up nothing waits for anybody's consent
//! any more, so a second one finds only killing and removing to be done, and that goes on.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::EngineError;

/// The signals that end a run.
const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The signals of this process, from now until it is dropped.
#[derive(Debug)]
pub struct Signals {
    descriptor: SignalFd,
    set: SigSet,
    received: Option<i32>,
}

impl Signals {
    /// Blocks the ending signals and reads them from a descriptor instead.
    ///
    /// # Errors
    /// The errno of sigprocmask(2) or signalfd(2).
    pub fn take() -> Result<Self, EngineError> {
        let set: SigSet = ENDING.into_iter().collect();
        let failed = |errno| EngineError::Failed(format!("cannot take over signals: {errno}"));
        set.thread_block().map_err(failed)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let descriptor = SignalFd::with_flags(&set, flags).map_err(failed)?;
        Ok(Self { descriptor, set, received: None })
    }

    /// Notes what has arrived.
    ///
    /// # Errors
    /// [`EngineError::Signal`] once a signal asked for the end.
    pub fn check(&mut self) -> Result<(), EngineError> {
        while let Ok(Some(info)) = self.descriptor.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or(Signal::SIGTERM as i32);
            self.received.get_or_insert(number);
        }
        self.received.map_or(Ok(()), |number| Err(EngineError::Signal(number)))
    }

    /// The signal that asked for the end.
    #[must_use]
    pub const fn received(&self) -> Option<i32> {
        self.received
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // What is still pending has been heeded: the run is over. Unblocked, it would end the process without its word.
        while let Ok(Some(_)) = self.descriptor.read_signal() {}
        let _ = self.set.thread_unblock();
    }
}
