//! Signals, read from a descriptor in the engine's one poll loop.
//!
//! The first SIGINT, SIGTERM or SIGHUP ends the phase and cleans up. During clean-up nothing waits for anybody's consent
//! any more, so a second one finds only killing and removing to be done, and that goes on.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::EngineError;
use crate::sys::pidfd;

/// The signals that end a run.
const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The signals of this process, from now until it is dropped.
#[derive(Debug)]
pub struct Signals {
    descriptor: SignalFd,
    set: SigSet,
    received: Option<i32>,
    /// The guardian, whose end must not go unnoticed.
    guardian: Option<OwnedFd>,
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
        Ok(Self { descriptor, set, received: None, guardian: None })
    }

    /// Notices from here on when the process of this descriptor (a pidfd) ends.
    pub fn watch(&mut self, guardian: OwnedFd) {
        self.guardian = Some(guardian);
    }

    /// Its end is no news any more.
    pub fn unwatch(&mut self) {
        self.guardian = None;
    }

    /// What wakes whoever waits: readable when there is something to [`check`](Self::check).
    pub fn wakers(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.descriptor.as_fd()).chain(self.guardian.as_ref().map(AsFd::as_fd))
    }

    /// Notes what has arrived.
    ///
    /// # Errors
    /// [`EngineError::Signal`] once a signal asked for the end; [`EngineError::Unguarded`] once the guardian is dead.
    pub fn check(&mut self) -> Result<(), EngineError> {
        while let Ok(Some(info)) = self.descriptor.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or(Signal::SIGTERM as i32);
            self.received.get_or_insert(number);
        }
        if let Some(number) = self.received {
            return Err(EngineError::Signal(number));
        }
        let ended = |guardian: &OwnedFd| pidfd::wait_for_end(guardian.as_fd(), Duration::ZERO);
        match self.guardian.as_ref().map(ended) {
            Some(Ok(true)) => Err(EngineError::Unguarded),
            _ => Ok(()),
        }
    }

    /// The signal that asked for the end.
    #[must_use]
    pub const fn received(&self) -> Option<i32> {
        self.received
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // What is still pending has been heeded: the run is over. Unblocked, it would end the process without its word.
        while let Ok(Some(_)) = self.descriptor.read_signal() {}
        let _ = self.set.thread_unblock();
    }
}
