//! `disk/fsync`: a new file on the node's disk with 4 KiB in it, written through to the device, and removed again.
//!
//! The file is new each time, so that the operation needs a block and an inode that are free: a full disk shows as ENOSPC. Writing over a file that
//! has its blocks already would go on whatever the neighbour filled.

use std::fs::{OpenOptions, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::probe::Probe;

/// The probe's name.
pub const NAME: &str = "disk/fsync";

/// What one operation writes: a block of the file system.
const BYTES: usize = 4096;

/// See the module.
pub struct Fsync {
    path: PathBuf,
}

impl Fsync {
    /// In the sandbox's directory on the node's disk.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("fsync") }
    }

    fn write_through(&self) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        file.write_all(&[b'x'; BYTES])?;
        file.sync_all()
    }
}

impl Probe for Fsync {
    fn operate(&mut self) -> Result<(), Errno> {
        let written = self.write_through();
        // Whatever was made of it must be gone before the next operation, which needs a new one.
        let removed = match remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        written.and(removed).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_an_operation() {
        let folder = std::env::temp_dir().join(format!("fsync-probe-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut probe = Fsync::new(&folder);
        assert_eq!((probe.operate(), probe.operate()), (Ok(()), Ok(())));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
        assert_eq!(probe.operate(), Err(Errno::ENOENT));
    }
}
