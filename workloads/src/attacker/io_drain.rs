//! The drain of a disk: workers that read, write, flush or change names on the node's disk as fast as they can, or fill it.
//!
//! What one operation is depends on the kind ([`Kind`]). A refusal is a call that failed, by errno: ENOSPC where the disk is full. Files that the
//! worker leaves are removed when the attack is switched off, and what of that is not on the device yet is written: the next quiet block is not to pay for it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::unistd::{Pid, getpid, sync, syncfs};
use serde::{Deserialize, Serialize};

use super::{AttackOrder, End, Workload};
use crate::bounds;
use crate::clock;
use crate::raw::{self, exit_now};
use crate::tally::Tally;

/// Bytes of one direct read or write. With [`DEPTH`] of them under way, a device at the lowest rate that scenarios may set is done with them in half a second,
/// so that workers which wait for it die within the second that a killed run has: with twice as much some still waited 0.56 s after the kill.
const BLOCK: usize = 64 << 10;
/// Workers that read and write past the page cache: each waits for its own call, so these are as many requests at the device at one time.
const DEPTH: u64 = 8;
/// Workers that flush: the file system joins flushes of several.
const FLUSHERS: u64 = 4;
/// Bytes of one buffered write, which is flushed at once.
const BUFFERED: usize = 256 << 10;
/// Bytes of one random write and of one write before a flush: a block of the file system.
const SMALL: usize = 4096;
/// The most of the disk that an attack on its speed uses, as a part of it: it is not to be an attack on its space.
const SPAN_PART: u64 = 4;
/// And the most in bytes.
const SPAN_BYTES: u64 = 64 << 20;
/// The file that is read, in bytes.
const READ_SPAN: u64 = 4 << 20;
/// Steps in which the disk is filled, in bytes: the last are single blocks, so that none is left.
const STEPS: [u64; 3] = [1 << 20, 64 << 10, 4096];
/// The period of the load, in nanoseconds.
const PERIOD_NS: u64 = 100_000_000;
/// Pause after a failed call, in nanoseconds.
const RETRY_NS: u64 = 1_000_000;
/// Pause between two tries on a full disk, and when the dose is reached, in nanoseconds.
const HOLD_NS: u64 = 20_000_000;

/// The node's disk, as an attacker is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskOrder {
    /// The sandbox's directory on it.
    pub folder: PathBuf,
    /// The size of the disk in bytes, which is the dose cap.
    pub bytes: u64,
}

/// What is done to the disk; one operation each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// pwrite(2) of 64 KiB past the page cache (`O_DIRECT`), one block after the other.
    DirectWrite,
    /// pread(2) of 64 KiB in the same way.
    DirectRead,
    /// pwrite(2) of 256 KiB into the page cache, and syncfs(2), which has the kernel write it.
    BufferedWrite,
    /// pwrite(2) of 4 KiB past the page cache, at random places.
    RandomWrite,
    /// pwrite(2) of 4 KiB into the page cache, and fsync(2).
    Fsync,
    /// pwrite(2) of 4 KiB into the page cache, and sync(2), which flushes every file system of the machine.
    Sync,
    /// open(2) that makes an empty file, rename(2) and unlink(2) of it.
    Metadata,
    /// fallocate(2) of 1 MiB, and once that is refused of less, down to a single block; nothing is given back.
    Fill,
}

impl Kind {
    fn named(name: Option<&str>) -> Result<Self, String> {
        Ok(match name {
            None | Some("direct-write") => Self::DirectWrite,
            Some("direct-read") => Self::DirectRead,
            Some("buffered-write") => Self::BufferedWrite,
            Some("random-write") => Self::RandomWrite,
            Some("fsync") => Self::Fsync,
            Some("sync") => Self::Sync,
            Some("metadata") => Self::Metadata,
            Some("fill") => Self::Fill,
            Some(other) => return Err(format!("unknown kind of drain `{other}`")),
        })
    }

    const fn is_direct(self) -> bool {
        matches!(self, Self::DirectWrite | Self::DirectRead | Self::RandomWrite)
    }

    /// How many workers do it at the same time.
    const fn workers(self) -> u64 {
        match self {
            Self::DirectWrite | Self::DirectRead | Self::RandomWrite => DEPTH,
            Self::Fsync => FLUSHERS,
            _ => 1,
        }
    }

    /// Bytes of one call.
    const fn bytes(self) -> usize {
        match self {
            Self::DirectWrite | Self::DirectRead => BLOCK,
            Self::BufferedWrite => BUFFERED,
            _ => SMALL,
        }
    }
}

/// See the module.
pub struct IoDrain {
    kind: Kind,
    folder: PathBuf,
    workers: u64,
    /// Bytes that are filled, or the workers, or nothing at intensity 0.
    target: u64,
    span: u64,
    busy_ns: u64,
}

impl IoDrain {
    /// The intensity is the share of each period that the worker is busy, and for a fill the share of the disk.
    ///
    /// # Errors
    /// A sentence for people when the order has an unknown kind, or the node has no disk.
    pub fn new(order: &AttackOrder) -> Result<Self, String> {
        let kind = Kind::named(order.kind.as_deref())?;
        let disk = order.disk.as_ref().ok_or("the node has no disk")?;
        let workers = kind.workers().min(order.dose.tasks.max(1));
        let span = match kind {
            Kind::DirectRead => READ_SPAN.min(disk.bytes / SPAN_PART),
            _ => SPAN_BYTES.min(disk.bytes / SPAN_PART),
        } / workers;
        Ok(Self {
            kind,
            folder: disk.folder.clone(),
            workers,
            target: match kind {
                Kind::Fill => bounds::share_of(disk.bytes, order.intensity),
                _ if order.intensity == 0 => 0,
                _ => workers,
            },
            span,
            busy_ns: PERIOD_NS * u64::from(order.intensity.min(100)) / 100,
        })
    }

    fn open(&self) -> Result<File, Errno> {
        let flags = if self.kind.is_direct() { libc::O_DIRECT } else { 0 };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(flags).open(self.file()).map_err(errno)
    }

    /// Each worker has a file of its own, and what fills the disk goes on with that of the one before.
    fn file(&self) -> PathBuf {
        match self.kind {
            Kind::Fill => self.folder.join("fill"),
            _ => self.folder.join(format!("drain-{}", getpid())),
        }
    }

    /// Takes space in steps until even a single block is refused, and tries again from time to time: what others free is taken.
    fn fill(&self, file: &File, tally: Tally) -> ! {
        let mut size = fs::metadata(self.file()).map_or(0, |it| it.len());
        let mut steps = STEPS.into_iter().peekable();
        while !tally.is_overdue(clock::now()) {
            let step = steps.peek().copied().unwrap_or(STEPS[2]);
            if !tally.reserve_all(step) {
                clock::sleep(HOLD_NS);
                continue;
            }
            let at = i64::try_from(size).unwrap_or(i64::MAX);
            let length = i64::try_from(step).unwrap_or(i64::MAX);
            match fallocate(file, FallocateFlags::empty(), at, length) {
                Ok(()) => {
                    size += step;
                    tally.gained(step);
                }
                Err(errno) => {
                    tally.free(step);
                    if errno == Errno::ENOSPC && steps.peek().is_some() {
                        steps.next();
                        continue;
                    }
                    tally.denied(errno);
                    clock::sleep(HOLD_NS);
                }
            }
        }
        exit_now(0)
    }

    /// One operation, the `number`th.
    fn operate(&self, file: &File, buffer: &mut [u8], number: u64) -> Result<(), Errno> {
        let bytes = buffer.len() as u64;
        let places = (self.span / bytes).max(1);
        let next = number % places * bytes;
        match self.kind {
            Kind::DirectWrite => file.write_all_at(buffer, next).map_err(errno),
            Kind::DirectRead => file.read_exact_at(buffer, next).map_err(errno),
            Kind::BufferedWrite => {
                file.write_all_at(buffer, next).map_err(errno)?;
                syncfs(file)
            }
            Kind::RandomWrite => {
                // Numbers far apart that repeat late: a generator of random ones would be another system call or more state.
                let place = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
                file.write_all_at(buffer, place % places * bytes).map_err(errno)
            }
            Kind::Fsync => {
                file.write_all_at(buffer, next).map_err(errno)?;
                file.sync_all().map_err(errno)
            }
            Kind::Sync => {
                file.write_all_at(buffer, next).map_err(errno)?;
                sync();
                Ok(())
            }
            Kind::Metadata => {
                let (one, other) = (self.folder.join("one"), self.folder.join("other"));
                File::create(&one).map_err(errno)?;
                fs::rename(&one, &other).map_err(errno)?;
                fs::remove_file(&other).map_err(errno)
            }
            Kind::Fill => Err(Errno::EINVAL),
        }
    }

    /// What is read must be there, and what is written at random needs blocks: both before the attack counts as on.
    fn prepare(&self, file: &File, buffer: &[u8]) -> Result<(), Errno> {
        let length = i64::try_from(self.span).map_err(|_| Errno::EFBIG)?;
        match self.kind {
            Kind::RandomWrite => fallocate(file, FallocateFlags::empty(), 0, length),
            Kind::DirectRead => {
                let blocks = self.span / buffer.len() as u64;
                (0..blocks).try_for_each(|block| {
                    file.write_all_at(buffer, block * buffer.len() as u64).map_err(errno)
                })
            }
            _ => Ok(()),
        }
    }
}

impl Workload for IoDrain {
    fn target(&self) -> u64 {
        self.target
    }

    fn workers(&self) -> u64 {
        self.workers
    }

    fn holds_workers(&self) -> bool {
        false
    }

    fn start_is_operation(&self) -> bool {
        false
    }

    /// Files outlive their worker; where the worker is what is held, it is gone.
    fn ended(&self, _worker: Pid, _end: End, tally: Tally) {
        if self.kind != Kind::Fill {
            tally.lost();
        }
    }

    fn clean(&self) -> Result<(), String> {
        clean(&self.folder)
    }

    fn work(&self, tally: Tally) -> ! {
        let Ok(file) = self.open() else { exit_now(1) };
        if self.kind == Kind::Fill {
            self.fill(&file, tally);
        }
        // Memory of a mapping begins at a page, as direct I/O wants it.
        let Ok(buffer) = raw::map_private(self.kind.bytes()) else { exit_now(1) };
        buffer.fill(b'x');
        while let Err(errno) = self.prepare(&file, buffer) {
            tally.denied(errno);
            if tally.is_overdue(clock::now()) {
                exit_now(1);
            }
            clock::sleep(HOLD_NS);
        }
        if tally.reserve() {
            tally.joined();
        }
        let mut number = 0;
        while !tally.is_overdue(clock::now()) {
            let begun = clock::now();
            while clock::now() - begun < self.busy_ns {
                match self.operate(&file, buffer, number) {
                    Ok(()) => tally.operated(1),
                    Err(errno) => {
                        tally.denied(errno);
                        clock::sleep(RETRY_NS);
                    }
                }
                number += 1;
            }
            if self.busy_ns < PERIOD_NS {
                clock::sleep_until(begun + PERIOD_NS);
            }
        }
        exit_now(0)
    }
}

/// Removes everything in a directory of the node's disk, and has the disk write what that has changed.
///
/// # Errors
/// What would not go.
pub fn clean(folder: &Path) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(at)? {
        let path = entry.map_err(at)?.path();
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(at)?;
    }
    let directory = File::open(folder).map_err(at)?;
    syncfs(&directory).map_err(|errno| at(errno.into()))
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn folder(name: &str) -> PathBuf {
        // The memory of a tmpfs need not take direct I/O, so beside the build and not in /tmp.
        let folder = std::env::current_dir()
            .unwrap()
            .join(format!("../target/{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn drain(kind: Option<&str>, intensity: u8, folder: &Path) -> Result<IoDrain, String> {
        let dose = Dose { tasks: 100, bytes: 0, seconds: 1, unguarded: false };
        IoDrain::new(&AttackOrder {
            kind: kind.map(str::to_owned),
            intensity,
            disk: Some(DiskOrder { folder: folder.to_owned(), bytes: 64 << 20 }),
            ..AttackOrder::full("io-drain", dose)
        })
    }

    #[test]
    fn a_fill_wants_a_share_of_the_disk_and_the_others_workers() {
        let here = Path::new("/x");
        assert_eq!(drain(Some("fill"), 50, here).unwrap().target(), 32 << 20);
        let write = drain(None, 25, here).unwrap();
        assert_eq!((write.kind, write.target(), write.span), (Kind::DirectWrite, 8, 2 << 20));
        assert_eq!(write.busy_ns, PERIOD_NS / 4);
        assert_eq!(drain(None, 0, here).unwrap().target(), 0);
        assert!(drain(Some("slow"), 100, here).is_err());
        let dose = Dose { tasks: 100, bytes: 0, seconds: 1, unguarded: false };
        assert!(IoDrain::new(&AttackOrder::full("io-drain", dose)).is_err());
    }

    #[test]
    fn every_kind_does_what_it_says_and_leaves_nothing() {
        let folder = folder("io-drain");
        for kind in
            ["direct-write", "direct-read", "buffered-write", "random-write", "fsync", "metadata"]
        {
            let drain = drain(Some(kind), 100, &folder).unwrap();
            let file = drain.open().unwrap();
            let buffer = raw::map_private(drain.kind.bytes()).unwrap();
            drain.prepare(&file, buffer).unwrap();
            for number in 0..3 {
                assert_eq!(drain.operate(&file, buffer, number), Ok(()), "{kind}");
            }
            drain.clean().unwrap();
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{kind}");
        }
        fs::remove_dir(&folder).unwrap();
        assert!(drain(None, 100, &folder).unwrap().clean().is_err());
    }
}
