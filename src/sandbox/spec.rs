//! What a sandbox is to be, once the scenario and the machine are known.

use std::path::PathBuf;

use super::IdRange;
use crate::cgroup::Group;
use crate::scenario::{Capabilities, Limits, Namespaces, Seccomp, pod_group_name};

/// Where a sandbox with a root of its own has its directory on the node's disk.
pub const DISK_INSIDE: &str = "/disk";

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
