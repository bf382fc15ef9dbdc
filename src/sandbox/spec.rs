//! What a sandbox is to be, once the scenario and the machine are known.

use std::path::PathBuf;

use crate::scenario::{Limits, Namespaces, Role};

/// The uid and gid that workloads and probes have inside a sandbox with a user namespace.
pub const INSIDE_ID: u32 = 1000;

/// How many IDs a sandbox's user namespace maps.
pub const ID_COUNT: u32 = 65_536;

/// The first host ID that sandboxes use. systemd's UID table leaves 0x70000000 to 0x7FFFFFFF unused: 4096 ranges.
const FIRST_ID: u32 = 0x7000_0000;
/// The last: 4096 ranges of 65,536.
const LAST_ID: u32 = 0x7FFF_FFFF;
/// Ranges that one run may use.
const RANGES_OF_A_RUN: u32 = 4;
const RUNS: u32 = 4096 / RANGES_OF_A_RUN;

/// The host IDs of one sandbox: attacker and victim never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The host ID that is 0 inside.
    pub base: u32,
}

impl IdRange {
    /// The ranges of a run, one for each sandbox of a config. Runs side by side get different ones by their IDs, so that
    /// neither takes the other's processes for its own.
    #[must_use]
    pub fn of_run(run_id: &str) -> [Self; RANGES_OF_A_RUN as usize] {
        let number = u32::from_str_radix(run_id, 16).unwrap_or(0) % RUNS;
        let range = |index: u32| {
            let base = FIRST_ID + (number * RANGES_OF_A_RUN + index) * ID_COUNT;
            Self { base }
        };
        [range(0), range(1), range(2), range(3)]
    }

    /// True when all of these IDs are such as sandboxes have.
    #[must_use]
    pub const fn all_contain(first: u32, count: u32) -> bool {
        first >= FIRST_ID && first <= LAST_ID && count > 0 && count - 1 <= LAST_ID - first
    }

    /// The host ID that the sandbox's workload or probes have.
    #[must_use]
    pub const fn workload(self) -> u32 {
        self.base + INSIDE_ID
    }

    /// True when a host ID belongs to the range.
    #[must_use]
    pub const fn contains(self, id: u32) -> bool {
        id >= self.base && id < self.base + ID_COUNT
    }
}

/// Everything that a runtime needs to know about a sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Its name, and the name of its cgroup below the node.
    pub name: String,
    /// Attacker or victim.
    pub role: Role,
    /// Its limits.
    pub limits: Limits,
    /// Its namespaces.
    pub namespaces: Namespaces,
    /// Its CPUs, in the kernel's list format.
    pub cpus: String,
    /// Its IDs on the host.
    pub ids: IdRange,
    /// The static binary on the host, readable and executable for everybody.
    pub program: PathBuf,
    /// An empty directory of the host that becomes the mount point of the sandbox's root.
    pub root: PathBuf,
    /// The hidden role and its arguments.
    pub arguments: Vec<String>,
    /// Paths below /proc and /sys that this machine has and that are hidden besides the usual ones.
    pub masked: Vec<String>,
    /// True when the machine has swap.
    pub has_swap: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sandboxes_share_an_id_and_none_leaves_the_unused_part() {
        for run in ["00000000", "ffffffff", "0badcafe"] {
            let ranges = IdRange::of_run(run);
            for (index, range) in ranges.iter().enumerate() {
                assert!(range.base >= 0x7000_0000 && range.base + (ID_COUNT - 1) <= 0x7FFF_FFFF);
                assert!(range.contains(range.workload()));
                for other in &ranges[index + 1..] {
                    assert!(!other.contains(range.base) && !other.contains(range.workload()));
                }
            }
        }
        assert_ne!(IdRange::of_run("00000001"), IdRange::of_run("00000002"));
    }
}
