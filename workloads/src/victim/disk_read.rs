//! `disk/read`: 4 KiB of a file on the node's disk, which the page cache holds: what a program reads that it has read before.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::probe::Probe;

/// The probe's name.
pub const NAME: &str = "disk/read";

/// What one operation reads.
const BYTES: usize = 4096;

/// See the module.
pub struct DiskRead {
    path: PathBuf,
    file: Option<File>,
}

impl DiskRead {
    /// In the sandbox's directory on the node's disk.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("read"), file: None }
    }

    fn written(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&self.path)?;
        file.write_all(&[b'x'; BYTES])?;
        // Later writeback would disturb a quiet block.
        file.sync_all()?;
        Ok(file)
    }
}

impl Probe for DiskRead {
    /// The file is written once, on the quiet node.
    fn prepare(&mut self) {
        self.file = self.written().ok();
    }

    fn operate(&mut self) -> Result<(), Errno> {
        let file = self.file.as_ref().ok_or(Errno::EBADF)?;
        let mut buffer = [0; BYTES];
        file.read_exact_at(&mut buffer, 0)
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_once_the_probe_is_prepared() {
        let folder = std::env::temp_dir().join(format!("read-probe-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut probe = DiskRead::new(&folder);
        assert_eq!(probe.operate(), Err(Errno::EBADF));
        probe.prepare();
        assert_eq!(probe.operate(), Ok(()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
