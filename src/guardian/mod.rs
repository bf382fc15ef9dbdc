//! The guardian: a process that outlives the harness and takes down what it leaves.
//!
//! It is started before anything is made on the machine, is told of each thing before it is made, and otherwise sleeps.
//! When the harness ends without saying goodbye, however that happens, the guardian kills what is in the cgroups it was
//! told of and removes what is left. By then memory, processes and descriptors may have run out, so everything for that
//! is prepared when it is told: its memory is locked, the files that kill are open, paths are laid out. Taking down makes
//! no process, asks for no memory and opens nothing.

mod armed;
mod protocol;
mod undo;

pub use protocol::{Order, Reply, Undo};

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{Pid, getppid};

use crate::sys::{descriptors, pidfd, process};
use armed::Armed;
use undo::Prepared;

/// How long processes may take to die.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How long things may take to go that are in use at first.
const REMOVE_LIMIT: Duration = Duration::from_secs(5);
/// A pause between two looks.
const PAUSE: Duration = Duration::from_millis(1);
/// The stream of a harness that is ending may end a little before its process.
const LAST_BREATH: u16 = 1000;

/// Runs the guardian's role: `harness` is the process ID of who started it, the stream is standard input.
///
/// # Errors
/// A sentence for people when it cannot begin.
pub fn run(harness: &str) -> Result<(), String> {
    let guarded = harness.parse().map(Pid::from_raw).map_err(|_| "not a process ID".to_owned())?;
    // Ctrl-C and a closed terminal are for the harness. What ends the harness must not end the guardian.
    let deaf: SigSet =
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE]
            .into_iter()
            .collect();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&deaf), None).map_err(|errno| errno.to_string())?;
    let pidfd = pidfd::open(guarded).map_err(|errno| format!("pidfd_open: {errno}"))?;
    if getppid() != guarded {
        return Ok(());
    }
    // The directory that the harness was started in must not stay busy for the guardian's sake.
    let _ = nix::unistd::chdir("/");
    let stream = descriptors::standard_input().map_err(|error| error.to_string())?;
    let mut guardian = Guardian {
        stream: UnixStream::from(stream),
        pending: Vec::new(),
        held: None,
        armed: Vec::new(),
        prepared: Vec::new(),
    };
    let ready = Reply::Ready {
        memory_locked: mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE).is_ok(),
        oom_score_adj: process::lower_oom_score(),
    };
    guardian.reply(&ready).map_err(|error| error.to_string())?;
    if guardian.listen(&pidfd) == Ending::Unannounced {
        guardian.take_down();
    }
    Ok(())
}

/// How the harness ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It said that nothing is left to do.
    Announced,
    /// It died, or could not take everything down itself.
    Unannounced,
}

struct Guardian {
    stream: UnixStream,
    pending: Vec<u8>,
    /// The lock that says the run is alive.
    held: Option<OwnedFd>,
    armed: Vec<Armed>,
    prepared: Vec<Prepared>,
}

impl Guardian {
    /// Carries out orders until the harness says goodbye or is gone.
    fn listen(&mut self, harness: &OwnedFd) -> Ending {
        let mut last_breath = false;
        loop {
            let mut fds = [
                PollFd::new(harness.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.stream.as_fd(), PollFlags::POLLIN),
            ];
            // With the stream gone only the process is waited for, and not for ever.
            let (fds, timeout) = match last_breath {
                true => (&mut fds[..1], PollTimeout::from(LAST_BREATH)),
                false => (&mut fds[..], PollTimeout::NONE),
            };
            match poll(fds, timeout) {
                Err(Errno::EINTR) => continue,
                Ok(1..) => {}
                Ok(_) | Err(_) => return Ending::Unannounced,
            }
            let is_ready = |index: usize| {
                fds.get(index).and_then(PollFd::revents).is_some_and(|events| !events.is_empty())
            };
            let (died, spoke) = (is_ready(0), is_ready(1));
            // What it said before it died still counts.
            if spoke {
                match self.hear() {
                    Ok(Some(ending)) => return ending,
                    Ok(None) => continue,
                    Err(_) => last_breath = true,
                }
            }
            if died {
                return Ending::Unannounced;
            }
        }
    }

    /// Takes what has arrived. An ending for a goodbye; an error at the end of the stream.
    fn hear(&mut self) -> io::Result<Option<Ending>> {
        let mut buffer = [0; 4096];
        let (count, descriptor) = descriptors::receive(self.stream.as_fd(), &mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.held = descriptor.or(self.held.take());
        self.pending.extend_from_slice(&buffer[..count]);
        while let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
            let rest = self.pending.split_off(end + 1);
            let line = std::mem::replace(&mut self.pending, rest);
            let answer = match serde_json::from_slice(&line) {
                Ok(Order::Done) => return Ok(Some(Ending::Announced)),
                Ok(Order::TakeDown) => return Ok(Some(Ending::Unannounced)),
                Ok(order) => self.carry_out(order),
                Err(error) => Err(error.to_string()),
            };
            let reply = answer.map_or_else(|error| Reply::Failed { error }, |()| Reply::Done);
            self.reply(&reply)?;
        }
        Ok(None)
    }

    fn carry_out(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Expect { undo } => {
                for undo in undo {
                    self.prepared.push(Prepared::new(&undo)?);
                }
            }
            Order::Arm { directories } => {
                for directory in directories {
                    self.armed.push(Armed::new(&directory)?);
                }
            }
            Order::Forget { keep } => {
                self.prepared.truncate(keep);
                self.armed.clear();
            }
            Order::Hold | Order::Done | Order::TakeDown => {}
        }
        Ok(())
    }

    fn reply(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }

    /// Kills everything, then removes everything, the last made first. Files of the run, the ledger among them, stay where
    /// something else would not go: the janitor works from them.
    fn take_down(&self) {
        let begun = Instant::now();
        while self.armed.iter().any(|group| !group.is_empty()) && begun.elapsed() < KILL_LIMIT {
            self.armed.iter().for_each(Armed::kill);
            std::thread::sleep(PAUSE);
        }
        let begun = Instant::now();
        let mut all_gone = true;
        for prepared in self.prepared.iter().rev() {
            if !all_gone && prepared.belongs_to_the_ledger() {
                continue;
            }
            while let Err(errno) = prepared.perform() {
                if errno != Errno::EBUSY || begun.elapsed() > REMOVE_LIMIT {
                    all_gone = false;
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}
