//! Where the kernel's two information trees are, so that a fixture can stand in for a machine.

use std::fs;
use std::path::{Path, PathBuf};

use super::HostError;

/// The places of `/proc`, `/sys` and `/etc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// Where procfs is mounted; normally `/proc`.
    pub proc: PathBuf,
    /// Where sysfs is mounted; normally `/sys`.
    pub sys: PathBuf,
    /// Where the machine's own settings are; normally `/etc`.
    pub etc: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            sys: PathBuf::from("/sys"),
            etc: PathBuf::from("/etc"),
        }
    }
}

impl Roots {
    /// Translates an absolute path of the machine described, such as a mount point, into one that can be opened here.
    ///
    /// Only paths below `/proc` and `/sys` move with the roots; others stay as they are.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        for (prefix, root) in [("/proc", &self.proc), ("/sys", &self.sys)] {
            if let Ok(rest) = path.strip_prefix(prefix) {
                // Joining an empty path would add a trailing slash.
                return if rest.as_os_str().is_empty() { root.clone() } else { root.join(rest) };
            }
        }
        path.to_path_buf()
    }

    /// Reads a file below `/proc`, named relative to it.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] with the path.
    pub fn read_proc(&self, relative: &str) -> Result<String, HostError> {
        read(&self.proc.join(relative))
    }

    /// Reads a file below `/etc`, named relative to it.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] with the path.
    pub fn read_etc(&self, relative: &str) -> Result<String, HostError> {
        read(&self.etc.join(relative))
    }

    /// Reads a file below `/sys`, named relative to it.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] with the path.
    pub fn read_sys(&self, relative: &str) -> Result<String, HostError> {
        read(&self.sys.join(relative))
    }
}

/// Reads a kernel file whole; bytes that are no UTF-8 (mount points may hold any) are replaced.
pub(super) fn read(path: &Path) -> Result<String, HostError> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(source) => Err(HostError::Unreadable { path: path.to_path_buf(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_two_trees_move() {
        let roots =
            Roots { proc: "/fixture/p".into(), sys: "/fixture/s".into(), etc: "/fixture/e".into() };
        assert_eq!(roots.resolve(Path::new("/sys")), Path::new("/fixture/s"));
        assert_eq!(roots.resolve(Path::new("/sys/fs/cgroup")), Path::new("/fixture/s/fs/cgroup"));
        assert_eq!(roots.resolve(Path::new("/system")), Path::new("/system"));
        assert_eq!(roots.resolve(Path::new("/cgroup/pids")), Path::new("/cgroup/pids"));
    }
}
