//! Limits that are no files of a cgroup: resource limits of processes, and the size of a file system. They are made inside, by the
//! first process, and read outside, where the kernel shows them.

use std::fs;
use std::io;

use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;

use crate::scenario::{Limits, Resource};

/// The largest page size that Linux has as its basic one, in bytes: sizes of file systems are whole pages.
const LARGEST_PAGE: u64 = 65_536;

/// One such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The most tasks of a user: `RLIMIT_NPROC`, soft and hard (getrlimit(2)).
    Nproc(u64),
    /// Bytes that fit into the sandbox's /tmp (tmpfs(5), `size`).
    Tmpfs(u64),
}

/// What the kernel shows of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The limit, in the bound's unit; the lower of two that differ.
    pub limit: u64,
    /// How much of it is used, where the same place tells.
    pub used: Option<u64>,
}

impl Bound {
    /// Those of a sandbox with these limits.
    #[must_use]
    pub fn of(limits: &Limits) -> Vec<Self> {
        let nproc = limits.nproc.map(Self::Nproc);
        nproc.into_iter().chain(limits.tmpfs_bytes.map(Self::Tmpfs)).collect()
    }

    /// The limit, in tasks or bytes.
    #[must_use]
    pub const fn value(self) -> u64 {
        match self {
            Self::Nproc(value) | Self::Tmpfs(value) => value,
        }
    }

    /// The key of the scenario format.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Nproc(_) => "nproc",
            Self::Tmpfs(_) => "tmpfs",
        }
    }

    /// What the kernel calls it.
    #[must_use]
    pub const fn knob(self) -> &'static str {
        match self {
            Self::Nproc(_) => "RLIMIT_NPROC",
            Self::Tmpfs(_) => "size of /tmp",
        }
    }

    /// The resource that it limits. What is in a tmpfs is memory.
    #[must_use]
    pub const fn resource(self) -> Resource {
        match self {
            Self::Nproc(_) => Resource::Pids,
            Self::Tmpfs(_) => Resource::Memory,
        }
    }

    /// Reads it at a sandbox's first process.
    ///
    /// # Errors
    /// What cannot be read, or reads otherwise than the kernel is known to write it.
    pub fn shown(self, pid: Pid) -> io::Result<Shown> {
        match self {
            Self::Nproc(_) => {
                let text = fs::read_to_string(format!("/proc/{pid}/limits"))?;
                let unknown = || io::Error::other("no line `Max processes`");
                Ok(Shown { limit: lower(&text, "Max processes").ok_or_else(unknown)?, used: None })
            }
            Self::Tmpfs(_) => {
                let status = statvfs(format!("/proc/{pid}/root/tmp").as_str())?;
                let bytes = |blocks: u64| blocks.saturating_mul(status.fragment_size());
                let used = status.blocks().saturating_sub(status.blocks_free());
                Ok(Shown { limit: bytes(status.blocks()), used: Some(bytes(used)) })
            }
        }
    }

    /// Whether a limit that the kernel shows is the one that was asked for. Sizes are rounded up to whole pages.
    #[must_use]
    pub const fn is(self, shown: u64) -> bool {
        match self {
            Self::Nproc(value) => shown == value,
            Self::Tmpfs(value) => shown >= value && shown - value < LARGEST_PAGE,
        }
    }

    /// Whether so much use is within the limit.
    #[must_use]
    pub const fn holds(self, used: u64) -> bool {
        match self {
            Self::Nproc(value) => used <= value,
            Self::Tmpfs(value) => used < value.saturating_add(LARGEST_PAGE),
        }
    }
}

/// The lower of the soft and the hard limit of a line of `/proc/PID/limits` (proc_pid_limits(5)); none is `u64::MAX`.
fn lower(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = |word: &str| match word {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    };
    let mut words = rest.split_whitespace();
    let (soft, hard) = (number(words.next()?)?, number(words.next()?)?);
    Some(soft.min(hard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_the_kernel_prints_them() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             64                   96365                processes \n\
                    Max open files            unlimited            unlimited            files     \n";
        assert_eq!(lower(text, "Max processes"), Some(64));
        assert_eq!(lower(text, "Max open files"), Some(u64::MAX));
        assert_eq!(lower(text, "Max pending signals"), None);
        assert_eq!(lower("Max processes 1\n", "Max processes"), None);
    }

    #[test]
    fn tasks_are_exact_and_sizes_are_whole_pages() {
        assert!(Bound::Nproc(64).is(64) && !Bound::Nproc(64).is(65) && !Bound::Nproc(64).is(63));
        let size = Bound::Tmpfs(100_000);
        assert!(size.is(100_000) && size.is(102_400) && !size.is(98_304) && !size.is(200_000));
        assert!(size.holds(102_400) && !size.holds(200_000));
        assert!(Bound::Nproc(64).holds(64) && !Bound::Nproc(64).holds(65));
    }

    #[test]
    fn only_what_is_given_is_a_bound() {
        assert!(Bound::of(&Limits::default()).is_empty());
        let limits = Limits { nproc: Some(9), tmpfs_bytes: Some(1 << 20), ..Limits::default() };
        assert_eq!(Bound::of(&limits), [Bound::Nproc(9), Bound::Tmpfs(1 << 20)]);
    }

    #[test]
    fn this_process_shows_its_own() {
        let shown = Bound::Nproc(1).shown(Pid::this()).expect("/proc");
        assert!(shown.limit > 0 && shown.used.is_none());
    }
}
