//! The look around, and what it looks for.

use super::entries::{detail, entry};
use super::{Entry, Kind};

/// The workload.
pub(super) const LOOK: Entry = Entry {
    name: "look",
    kind: Kind::Workload,
    meaning: "looks around, once, for what its neighbour and the host have planted, and drains nothing",
    details: &[
        detail("own resource", "view: all that can be seen"),
        detail(
            "mechanism",
            "a namespace decides what a process can name; what it can name it may be able to see, signal, read, connect to or join",
        ),
        detail(
            "operation",
            "one attempt, and a harmless one: signal 0, an open without a write, a read of memory that was laid out to be read, setns in a \
             process that ends at once",
        ),
        detail(
            "kernel knob",
            "none: namespaces, users and capabilities, masked and read-only paths",
        ),
        detail(
            "Kubernetes",
            "`hostPID`, `hostIPC`, `hostNetwork`, `hostUsers`, `shareProcessNamespace`, `hostPath` volumes",
        ),
        detail(
            "Docker",
            "--pid, --ipc, --network, --uts, --userns, --cgroupns, with `host` each; -v",
        ),
        detail("dose", "a few hundred system calls"),
        detail("ends", "by itself, within seconds"),
        detail(
            "why it means something",
            "what is looked for was planted before, is open to everybody and holds a secret: hidden is what could have been found",
        ),
    ],
};

/// Something that a look around looks for.
macro_rules! sight {
    ($name:literal, $meaning:literal, $visible:literal, $reachable:literal, $hidden_by:literal) => {
        Entry {
            name: $name,
            kind: Kind::Sight,
            meaning: $meaning,
            details: &[
                detail("visible", $visible),
                detail("reachable", $reachable),
                detail("hidden by", $hidden_by),
            ],
        }
    };
}

pub(super) const VIEW: Entry = entry(
    Kind::Sight,
    "view",
    "all that a look around looks for; its verdict is the worst of them, and that of the case",
);

pub(super) const PROCESSES: Entry = sight!(
    "processes",
    "a process of the neighbour or of the host",
    "its name is below /proc, or a signal to it is refused (EPERM) instead of lost (ESRCH)",
    "signal 0 is delivered, or its memory is read through /proc/PID/mem or process_vm_readv(2)",
    "a new PID namespace with a /proc of its own; a user of one's own keeps what is visible from being reachable"
);

pub(super) const IPC: Entry = sight!(
    "ipc",
    "System V shared memory, semaphores and a queue, a POSIX queue, and POSIX shared memory",
    "an object is found by its key or name",
    "its secret is read, its value or state is told, or the queue is opened",
    "a new IPC namespace; for POSIX shared memory, which is a file, a new mount namespace"
);

pub(super) const HOSTNAME: Entry = sight!(
    "hostname",
    "the host name of the neighbour or of the host",
    "it is the own one",
    "not tried",
    "a new UTS namespace"
);

pub(super) const MOUNTS: Entry = sight!(
    "mounts",
    "mounts of the neighbour or of the host, by their IDs, which no other mount has",
    "one is in /proc/self/mountinfo",
    "not tried: see files",
    "a new mount namespace with a root of its own"
);

pub(super) const DEVICES: Entry = sight!(
    "devices",
    "/dev/kmsg, /dev/mem, /dev/port, /dev/kvm and block devices, those that the host's root can open",
    "its name is there",
    "it is opened for reading",
    "a /dev of one's own; permissions, and the device controller of cgroups"
);

pub(super) const KERNEL: Entry = sight!(
    "kernel",
    "files below /proc and /sys that steer the kernel as a whole, those that the host's root can open for writing",
    "not tried: most of them are for everybody to read",
    "it is opened for writing; nothing is written",
    "read-only mounts, a user that is not root, and no capability"
);

pub(super) const NAMESPACES: Entry = sight!(
    "namespaces",
    "the namespaces of a process of the neighbour or of the host",
    "its links below /proc/PID/ns can be read, which takes the right to trace it",
    "setns(2) into one of them",
    "a user of one's own, no capability, a seccomp profile, and whatever hides the process"
);

pub(super) const CGROUPS: Entry = sight!(
    "cgroups",
    "the control groups of the neighbour or of the node",
    "the directory is there, or its name is in /proc/self/cgroup",
    "cgroup.procs is opened for writing, so that processes could be moved",
    "new mount and cgroup namespaces"
);

/// Of the three verdicts.
pub(super) const HIDDEN: Entry =
    entry(Kind::Verdict, "hidden", "nothing of it was found, though it was there to be found");
/// See [`HIDDEN`].
pub(super) const VISIBLE: Entry =
    entry(Kind::Verdict, "visible", "something of it was seen, and not reached");
/// See [`HIDDEN`].
pub(super) const REACHABLE: Entry = entry(
    Kind::Verdict,
    "reachable",
    "something of it was reached: read, opened, signalled, joined",
);
