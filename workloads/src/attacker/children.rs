//! Hears of dead children at once: SIGCHLD as something to poll (signalfd(2)).
//!
//! A worker that the kernel killed is an attack that stands still. Looking for it every so often would make the attack
//! weaker by half of that time for each kill.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// See the module.
pub struct Children {
    signals: SignalFd,
}

impl Children {
    /// Blocks SIGCHLD for this process and those that it forks, none of which handle it, and makes it pollable.
    pub fn watch() -> nix::Result<Self> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self { signals: SignalFd::with_flags(&mask, flags)? })
    }

    /// Something to poll that becomes readable when a child has died.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// Forgets what was signalled so far; to be called before the dead are reaped, so that none is missed.
    pub fn forget(&self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
    }
}
