//! A running sandbox: whoever holds the handle owns the processes and the cgroup, and dropping it ends both.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use crate::announce::{Announce, By, Unheard};
use crate::cgroup::{Group, Setting};
use crate::sys::pidfd;

use super::plan::KILL_INIT;
use super::tail::Tail;
use super::{Bound, Channel, IdRange, SandboxError};

const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How long the first process may take to end by itself once it is signalled, before the group is killed. Killing a
/// group that is empty by then costs a look; one that is not costs a pause of the killer.
const HEAD_START: Duration = Duration::from_millis(20);

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    /// Its name.
    pub name: String,
    /// The pod that it belongs to.
    pub pod: Option<String>,
    /// Its first process, as the host sees it.
    pub pid: Pid,
    /// Its cgroup.
    pub group: Group,
    /// Its limits that are in force.
    pub settings: Vec<Setting>,
    /// Its limits that are no files of a cgroup.
    pub bounds: Vec<Bound>,
    /// Limits that this machine could not set and may go without, each with the reason.
    pub skipped: Vec<String>,
    /// Its IDs on the host.
    pub ids: IdRange,
    /// The protocol.
    pub channel: Channel,
    pub(super) pidfd: OwnedFd,
    pub(super) errors: std::fs::File,
    /// The end of what was read of it so far.
    pub(super) tail: Tail,
    pub(super) ended: bool,
}

impl Sandbox {
    /// Kills everything in it, reaps its first process and removes its cgroup. Safe to call again.
    ///
    /// # Errors
    /// What would not die or go.
    pub fn end(&mut self, to: &mut dyn Announce) -> Result<(), SandboxError> {
        if self.ended {
            return Ok(());
        }
        let to = &mut By::new(&self.name, to);
        let at = |source| SandboxError::Cgroup { sandbox: self.name.clone(), source };
        let lifted = self.lift(to);
        // The end of its first process ends a PID namespace whole, wherever its processes went.
        let begun = to.before(&KILL_INIT).map_err(|source| SandboxError::Step {
            sandbox: self.name.clone(),
            step: KILL_INIT.to_owned(),
            source,
        });
        if begun.is_ok() {
            let _ = pidfd::send(self.pidfd.as_fd(), Signal::SIGKILL);
            let _ = pidfd::wait_for_end(self.pidfd.as_fd(), HEAD_START);
        }
        let killed = self.group.kill(KILL_LIMIT, to);
        let _ = pidfd::wait_for_end(self.pidfd.as_fd(), KILL_LIMIT);
        let _ = pidfd::reap(&self.pidfd);
        // Whatever failed, what comes after is tried all the same, and the first failure is told.
        let removed = self.group.remove(to);
        lifted?;
        begun?;
        killed.map_err(at)?;
        removed.map_err(at)?;
        self.ended = true;
        Ok(())
    }

    /// Takes limits of rates away: what waits for its turn at a device would wait on though its task is killed.
    fn lift(&self, to: &mut dyn Announce) -> Result<(), SandboxError> {
        let mut first = Ok(());
        for setting in self.settings.iter().filter_map(Setting::lifted) {
            let done = self.group.write(&setting, to);
            let at = |source| SandboxError::Cgroup { sandbox: self.name.clone(), source };
            first = first.and(done.map_err(at));
        }
        first
    }

    /// How its first process ended, once it has; nothing when it was reaped before.
    pub fn reap(&mut self) -> Option<WaitStatus> {
        pidfd::reap(&self.pidfd).ok().flatten()
    }

    /// Kills what is left of it but for its cgroup, so that another first process can take the place of the one that ended.
    ///
    /// # Errors
    /// What would not die.
    pub fn clear(&mut self) -> Result<(), SandboxError> {
        let _ = pidfd::send(self.pidfd.as_fd(), Signal::SIGKILL);
        let killed = self.group.kill(KILL_LIMIT, &mut Unheard);
        let _ = pidfd::reap(&self.pidfd);
        killed.map_err(|source| SandboxError::Cgroup { sandbox: self.name.clone(), source })
    }

    /// True when its first process has ended.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        pidfd::wait_for_end(self.pidfd.as_fd(), Duration::ZERO).unwrap_or(true)
    }

    /// Reads up to about `most` bytes of its standard error, without waiting, and keeps the end for [`Self::take_errors`]. Returns how
    /// many bytes were read.
    pub fn read_errors(&mut self, most: usize) -> usize {
        let mut buffer = [0; 16384];
        let mut read = 0;
        while read < most
            && let Ok(count @ 1..) = self.errors.read(&mut buffer)
        {
            self.tail.push(&buffer[..count]);
            read += count;
        }
        read
    }

    /// What it has written to standard error since this was last asked, up to a bound: of what was read meanwhile, the end.
    pub fn take_errors(&mut self) -> Vec<u8> {
        let mut text = self.tail.take();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.errors.read(&mut buffer) {
            text.extend_from_slice(&buffer[..count]);
            if text.len() > 65536 {
                break;
            }
        }
        text
    }

    /// The end of what it wrote to standard error, printable, in front of it a line break.
    pub fn last_words(&mut self) -> String {
        let text = self.take_errors();
        let start = text.len().saturating_sub(500);
        let words: String = String::from_utf8_lossy(&text[start..])
            .chars()
            .map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter })
            .collect();
        if words.trim().is_empty() { String::new() } else { format!("; it said: {}", words.trim()) }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The orderly way is `end`, whose error somebody sees. This is the way of panics.
        let _ = self.end(&mut Unheard);
    }
}
