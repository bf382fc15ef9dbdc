//! The eater of descriptors: every worker opens until it is refused, holds what it got, and keeps trying.
//!
//! One operation is one call that opened something; a pipe gives two descriptors at once. A refusal is a call that failed, by
//! errno, and the errno names what stopped it (open(2), socket(2), pipe(2), eventfd(2)): EMFILE the limit of the process,
//! ENFILE the table of the whole system, ENOMEM the memory of the kernel. Where memory is what runs out, the kernel mostly
//! kills instead: a worker that dies from outside is started again by its supervisor, and counted.

use std::fs::{File, OpenOptions};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, getpid};

use super::holdings::Holdings;
use super::{AttackOrder, End, Workload};
use crate::bounds;
use crate::clock;
use crate::raw::{self, exit_now};
use crate::tally::Tally;

/// Pause of one worker after a refusal, in nanoseconds: hundreds of workers retry side by side, and each try costs the kernel as
/// much as a success. What is tested is who has open files, not who has the CPU.
const RETRY_NS: u64 = 50_000_000;
/// Pause of one worker when the dose is reached, in nanoseconds.
const HOLD_NS: u64 = 50_000_000;

/// What is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Socket,
    Pipe,
    Eventfd,
}

impl Kind {
    /// The kind of this name; files without one.
    fn named(name: Option<&str>) -> Result<Self, String> {
        Ok(match name {
            None | Some("file") => Self::File,
            Some("socket") => Self::Socket,
            Some("pipe") => Self::Pipe,
            Some("eventfd") => Self::Eventfd,
            Some(other) => return Err(format!("unknown kind of descriptor `{other}`")),
        })
    }

    /// How many descriptors one call gives.
    const fn descriptors(self) -> u64 {
        match self {
            Self::Pipe => 2,
            Self::File | Self::Socket | Self::Eventfd => 1,
        }
    }
}

/// See the module.
pub struct FdExhaust {
    kind: Kind,
    processes: u64,
    descriptors: u64,
    holdings: Holdings,
}

impl FdExhaust {
    /// As many descriptors as the intensity asks for of what is safe on a system that may have `table` open files, shared by
    /// as many workers as ordered.
    ///
    /// # Errors
    /// A sentence for people when the order has an unknown kind, or when there is no memory to share with the workers.
    pub fn new(order: &AttackOrder, table: u64) -> Result<Self, String> {
        let kind = Kind::named(order.kind.as_deref())?;
        // Whole calls: with one place left, a pipe would be asked for and never come.
        let each = kind.descriptors();
        let descriptors =
            bounds::share_of(order.dose.descriptors(table), order.intensity) / each * each;
        let processes = order.processes.max(1).min(order.dose.tasks).min(descriptors);
        let slots = usize::try_from(processes).unwrap_or(usize::MAX);
        Ok(Self {
            kind,
            processes,
            descriptors,
            holdings: Holdings::new(slots)
                .map_err(|errno| format!("shared counters: {errno:?}"))?,
        })
    }
}

impl Workload for FdExhaust {
    fn target(&self) -> u64 {
        self.descriptors
    }

    fn workers(&self) -> u64 {
        self.processes
    }

    fn holds_workers(&self) -> bool {
        false
    }

    fn ended(&self, worker: Pid, _end: End, tally: Tally) {
        tally.give_back(self.holdings.release(worker));
    }

    fn work(&self, tally: Tally) -> ! {
        // A process may raise what it is given to what it may have at all; where that fails, the lower one holds.
        if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
        // Within the sandbox the supervisor comes first, or it would wait behind all workers to see that one has died.
        let _ = raw::be_nice();
        let Some(own) = self.holdings.claim(getpid()) else { exit_now(1) };
        let each = self.kind.descriptors();
        while !tally.is_overdue(clock::now()) {
            if !tally.reserve_all(each) {
                clock::sleep(HOLD_NS);
                continue;
            }
            match open(self.kind) {
                Ok(()) => {
                    own.add(each);
                    tally.gained(each);
                }
                Err(errno) => {
                    tally.free(each);
                    tally.denied(errno);
                    clock::sleep(RETRY_NS);
                }
            }
        }
        exit_now(0)
    }
}

/// Opens one more and never closes it. Everything is closed on exec, though nothing is ever executed.
fn open(kind: Kind) -> Result<(), Errno> {
    let failed = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(0));
    match kind {
        Kind::File => {
            let _: i32 = root().map_err(failed)?.into_raw_fd();
        }
        Kind::Socket => {
            let _: i32 = UnixDatagram::unbound().map_err(failed)?.into_raw_fd();
        }
        Kind::Pipe => {
            let (reader, writer) = std::io::pipe().map_err(failed)?;
            let _: [i32; 2] = [reader.into_raw_fd(), writer.into_raw_fd()];
        }
        Kind::Eventfd => {
            let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
            let _: i32 = OwnedFd::from(event).into_raw_fd();
        }
    }
    Ok(())
}

/// The root directory: in a sandbox with a root of its own an inode that no neighbour touches, so that what is shared is the
/// kernel's stock of open files and not the lock of one of them.
fn root() -> std::io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn exhaust(processes: u64, table: u64, intensity: u8) -> FdExhaust {
        let dose = Dose { tasks: 100, bytes: 0, seconds: 1, unguarded: false };
        let kind = Some("pipe".to_owned());
        let order =
            AttackOrder { kind, intensity, processes, ..AttackOrder::full("fd-exhaust", dose) };
        FdExhaust::new(&order, table).unwrap()
    }

    #[test]
    fn the_dose_bounds_descriptors_and_processes() {
        let of = |exhaust: FdExhaust| (exhaust.target(), exhaust.workers());
        assert_eq!(of(exhaust(8, 2000, 100)), (1000, 8));
        assert_eq!(of(exhaust(8, 2000, 50)), (500, 8));
        assert_eq!(of(exhaust(512, 2000, 100)), (1000, 100), "no more processes than tasks");
        assert_eq!(of(exhaust(0, 6, 100)), (2, 1), "a pipe has two, so three are one pipe");
        assert_eq!(of(exhaust(8, 1000, 0)).0, 0);
    }

    #[test]
    fn every_kind_can_be_opened() {
        let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        for name in [None, Some("socket"), Some("pipe"), Some("eventfd")] {
            let kind = Kind::named(name).unwrap();
            let before = count();
            open(kind).unwrap();
            // Other tests of this program may close some meanwhile.
            assert!(count() + 8 > before, "{kind:?}");
        }
        assert_eq!((Kind::Pipe.descriptors(), Kind::Socket.descriptors()), (2, 1));
        assert!(Kind::named(Some("door")).is_err());
    }
}
