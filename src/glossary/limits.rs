//! Limits for each user, for a file system, and those that only cgroup v2 has.

use super::entries::detail;
use super::{Entry, Kind};

/// `RLIMIT_NPROC`.
pub(super) const NPROC: Entry = Entry {
    name: "nproc",
    kind: Kind::Limit,
    meaning: "the most tasks of the sandbox's user: RLIMIT_NPROC, soft and hard; no matter of cgroups",
    details: &[
        detail("resource", "pids"),
        detail("cgroup v1", "none"),
        detail("cgroup v2", "none"),
        detail("Kubernetes", "none"),
        detail("Docker", "--ulimit nproc=SOFT:HARD"),
        detail(
            "mechanism",
            "fork fails with EAGAIN when the user has as many tasks as the limit of whoever forks; the kernel counts for each user, since \
             Linux 5.14 for each user namespace too, and never for root",
        ),
        detail("bounded", "1 to 4194304, and no more than the node has"),
        detail(
            "why it means something",
            "containers without user namespaces often have the same user on the host, and then one uses up what is everybody's",
        ),
    ],
};

/// The size of /tmp.
pub(super) const TMPFS: Entry = Entry {
    name: "tmpfs",
    kind: Kind::Limit,
    meaning: "the size of the sandbox's /tmp, which is a tmpfs of 64Mi without it",
    details: &[
        detail("resource", "memory"),
        detail("cgroup v1", "none: `size` of the mount"),
        detail("cgroup v2", "none: `size` of the mount"),
        detail("Kubernetes", "volumes: emptyDir: {medium: Memory, sizeLimit: 16Mi}"),
        detail("Docker", "--tmpfs /tmp:size=16m"),
        detail(
            "mechanism",
            "a write beyond the size fails with ENOSPC; what is in it is memory of the group that wrote it",
        ),
        detail("bounded", "64Ki up to the node's memory; /dev/shm keeps a size of its own"),
        detail(
            "why it means something",
            "files in a tmpfs are memory that ends with the mount and not with the process that wrote them",
        ),
    ],
};

/// `memory.high`.
pub(super) const MEMORY_HIGH: Entry = Entry {
    name: "memory.high",
    kind: Kind::Limit,
    meaning: "memory above which the kernel reclaims and slows the group down; no hard limit, nothing is refused",
    details: &[
        detail("resource", "memory"),
        detail("cgroup v1", "none: such a case is skipped"),
        detail("cgroup v2", "memory.high"),
        detail(
            "Kubernetes",
            "none in a Pod; made of requests and limits where the kubelet's MemoryQoS is on",
        ),
        detail("Docker", "none"),
        detail("bounded", "below `memory`, else it never acts"),
        detail(
            "why it means something",
            "memory.events counts `high`: how often the group was made to give back",
        ),
    ],
};

/// `memory.low`.
pub(super) const MEMORY_LOW: Entry = Entry {
    name: "memory.low",
    kind: Kind::Limit,
    meaning: "memory below which the kernel takes from this group last: a protection, given to the victim as a rule",
    details: &[
        detail("resource", "memory"),
        detail("cgroup v1", "none: such a case is skipped"),
        detail("cgroup v2", "memory.low"),
        detail("Kubernetes", "none"),
        detail("Docker", "--memory-reservation"),
        detail(
            "bounded",
            "by what the group uses: memory that it does not have is not kept for it",
        ),
        detail(
            "why it means something",
            "memory.events counts `low`: how often the protection was broken all the same",
        ),
    ],
};

/// `memory.min`.
pub(super) const MEMORY_MIN: Entry = Entry {
    name: "memory.min",
    kind: Kind::Limit,
    meaning: "memory below which the kernel never takes from this group: a protection, given to the victim as a rule",
    details: &[
        detail("resource", "memory"),
        detail("cgroup v1", "none: such a case is skipped"),
        detail("cgroup v2", "memory.min"),
        detail(
            "Kubernetes",
            "none in a Pod; made of requests.memory where the kubelet's MemoryQoS is on",
        ),
        detail("Docker", "none"),
        detail(
            "bounded",
            "by what the group uses: memory that it does not have is not kept for it",
        ),
        detail(
            "why it means something",
            "the kernel would rather kill for want of memory than take it; it counts nothing",
        ),
    ],
};

/// Whose user a sandbox has.
pub(super) const USER: Entry = Entry {
    name: "user",
    kind: Kind::Word,
    meaning: "whether a sandbox's processes have a user of their own on the host (`own`), or that of the other sandbox (`shared`)",
    details: &[detail(
        "matters to",
        "what the kernel counts for each user: tasks (`nproc`), pending signals, keys, watches of files, pages in pipes",
    )],
};
