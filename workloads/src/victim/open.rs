//! `files/open`: one open(2) of a file in the sandbox's own root, and its close(2).

use std::fs::File;
use std::path::PathBuf;

use nix::errno::Errno;

use super::probe::Probe;

/// The probe's name.
pub const NAME: &str = "files/open";

/// See the module.
#[derive(Default)]
pub struct Open {
    path: PathBuf,
}

impl Probe for Open {
    /// The program itself is the one regular file that every sandbox has, whatever its root is.
    fn prepare(&mut self) {
        self.path = std::env::current_exe().unwrap_or_default();
    }

    fn operate(&mut self) -> Result<(), Errno> {
        File::open(&self.path)
            .map(drop)
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_once_the_probe_is_prepared() {
        let mut probe = Open::default();
        assert_eq!(probe.operate(), Err(Errno::ENOENT));
        probe.prepare();
        assert_eq!(probe.operate(), Ok(()));
    }
}
