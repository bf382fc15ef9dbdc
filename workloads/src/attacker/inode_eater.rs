//! The eater of inodes: one worker that makes empty files on the node's disk until there is no inode left, and holds them.
//!
//! One operation is one open(2) that made a file. A refusal is one that failed, by errno: ENOSPC where the inodes are used up, though blocks are free.
//! The files are removed when the attack is switched off.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

use super::io_drain::clean;
use super::{AttackOrder, End, Workload};
use crate::bounds;
use crate::clock;
use crate::raw::exit_now;
use crate::tally::Tally;

/// Bytes of disk for each file that may be made: no file system has more inodes than blocks.
const BYTES_PER_FILE: u64 = 4096;
/// Pause between two tries when nothing is left, and when the dose is reached, in nanoseconds.
const HOLD_NS: u64 = 20_000_000;

/// See the module.
pub struct InodeEater {
    folder: PathBuf,
    files: u64,
}

impl InodeEater {
    /// As many files as the intensity asks for of what the disk could ever have.
    ///
    /// # Errors
    /// A sentence for people when the node has no disk.
    pub fn new(order: &AttackOrder) -> Result<Self, String> {
        let disk = order.disk.as_ref().ok_or("the node has no disk")?;
        Ok(Self {
            folder: disk.folder.clone(),
            files: bounds::share_of(disk.bytes / BYTES_PER_FILE, order.intensity),
        })
    }
}

impl Workload for InodeEater {
    fn target(&self) -> u64 {
        self.files
    }

    fn holds_workers(&self) -> bool {
        false
    }

    /// The files outlive the worker that made them.
    fn ended(&self, _worker: Pid, _end: End, _tally: Tally) {}

    fn clean(&self) -> Result<(), String> {
        clean(&self.folder)
    }

    fn work(&self, tally: Tally) -> ! {
        let worker = getpid();
        let mut number = 0_u64;
        while !tally.is_overdue(clock::now()) {
            if !tally.reserve_all(1) {
                clock::sleep(HOLD_NS);
                continue;
            }
            let path = self.folder.join(format!("{worker}-{number}"));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
                Ok(_) => {
                    number += 1;
                    tally.gained(1);
                }
                Err(error) => {
                    tally.refused(Errno::from_raw(error.raw_os_error().unwrap_or(0)));
                    clock::sleep(HOLD_NS);
                }
            }
        }
        exit_now(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::DiskOrder;
    use super::*;
    use crate::bounds::Dose;

    #[test]
    fn the_dose_is_a_file_for_each_block_of_the_disk() {
        let dose = Dose { tasks: 100, bytes: 0, seconds: 1, unguarded: false };
        let order = |intensity, disk| AttackOrder {
            intensity,
            disk,
            ..AttackOrder::full("inode-eater", dose)
        };
        let disk = Some(DiskOrder { folder: "/x".into(), bytes: 64 << 20 });
        assert_eq!(InodeEater::new(&order(100, disk.clone())).unwrap().target(), 16 << 10);
        assert_eq!(InodeEater::new(&order(50, disk)).unwrap().target(), 8 << 10);
        assert!(InodeEater::new(&order(100, None)).is_err());
    }
}
