//! What a sandbox is to be, once the scenario and the machine are known.

use std::path::PathBuf;

use crate::cgroup::Group;
use crate::scenario::{Capabilities, Limits, Namespaces, Seccomp, pod_group_name};

/// The uid and gid that workloads and probes have inside a sandbox with a user namespace; of a pod, whose sandboxes share one, those
/// of the first, and each other has one more.
pub const INSIDE_ID: u32 = 1000;

/// The uid and gid of a pod's pause process inside, as Kubernetes' has it: nobody else's.
pub const PAUSE_ID: u32 = ID_COUNT - 1;

/// Where a sandbox with a root of its own has its directory on the node's disk.
pub const DISK_INSIDE: &str = "/disk";

/// How many IDs a sandbox's user namespace maps.
pub const ID_COUNT: u32 = 65_536;

/// The first host ID that sandboxes use. systemd's UID table leaves 0x70000000 to 0x7FFFFFFF unused: 4096 ranges.
const FIRST_ID: u32 = 0x7000_0000;
/// The last: 4096 ranges of 65,536.
const LAST_ID: u32 = 0x7FFF_FFFF;
/// Ranges that one run may use.
const RANGES_OF_A_RUN: u32 = 8;
const RUNS: u32 = 4096 / RANGES_OF_A_RUN;

/// The host IDs of one sandbox: attacker and victim never share one, unless they are in one pod. Then they share the range, and
/// neither is the other's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The host ID that is 0 inside.
    pub base: u32,
    /// The ID that its processes have inside.
    pub inside: u32,
}

impl IdRange {
    /// The ranges of a run, one for each sandbox of a config. Runs side by side get different ones by their IDs, so that
    /// neither takes the other's processes for its own.
    #[must_use]
    pub fn of_run(run_id: &str) -> [Self; RANGES_OF_A_RUN as usize] {
        let number = u32::from_str_radix(run_id, 16).unwrap_or(0) % RUNS;
        let range = |index: u32| {
            let base = FIRST_ID + (number * RANGES_OF_A_RUN + index) * ID_COUNT;
            Self { base, inside: INSIDE_ID }
        };
        std::array::from_fn(|index| range(u32::try_from(index).unwrap_or(0)))
    }

    /// True when all of these IDs are such as sandboxes have.
    #[must_use]
    pub const fn all_contain(first: u32, count: u32) -> bool {
        first >= FIRST_ID && first <= LAST_ID && count > 0 && count - 1 <= LAST_ID - first
    }

    /// The host ID that the sandbox's workload or probes have.
    #[must_use]
    pub const fn workload(self) -> u32 {
        self.base + self.inside
    }

    /// The same range, with another user inside.
    #[must_use]
    pub const fn of_user(self, inside: u32) -> Self {
        Self { inside, ..self }
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
    /// Its name, and the name of its cgroup below the node or its pod.
    pub name: String,
    /// The pod that it belongs to.
    pub pod: Option<String>,
    /// The host name in a UTS namespace of its own.
    pub hostname: String,
    /// Its limits.
    pub limits: Limits,
    /// Its namespaces.
    pub namespaces: Namespaces,
    /// Whether the usual paths below /proc and /sys are hidden or made read-only.
    pub masked_paths: bool,
    /// The filter of its system calls.
    pub seccomp: Seccomp,
    /// Its capabilities.
    pub capabilities: Capabilities,
    /// Whether an exec can give it no more privileges than it has.
    pub no_new_privs: bool,
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
    /// A program of others and its arguments, in the place of a role.
    pub command: Vec<String>,
    /// Paths below /proc and /sys that this machine has and that are hidden besides the usual ones.
    pub masked: Vec<String>,
    /// Folders of the host that appear inside, read-only, for programs that are not ours; they need a mount namespace of the
    /// sandbox's own, for without it everything of the host is there.
    pub system: Vec<String>,
    /// Its directory on the node's disk, as the host sees it; none in a node without a disk.
    pub disk: Option<PathBuf>,
    /// The disk's device, `MAJOR:MINOR`, once it is there.
    pub disk_device: Option<String>,
    /// True when the machine has swap.
    pub has_swap: bool,
}

impl Spec {
    /// Its cgroup below that of the node: a child, or a child of its pod's.
    #[must_use]
    pub fn group(&self, node: &Group) -> Group {
        let parent = self.pod.as_deref().map(|pod| node.child(&pod_group_name(pod)));
        parent.as_ref().unwrap_or(node).child(&self.name)
    }
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
