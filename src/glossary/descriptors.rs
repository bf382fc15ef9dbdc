//! The texts about open files and other descriptors.

use super::entries::{detail, entry};
use super::{Entry, Kind};

/// The workload.
pub(super) const EXHAUST: Entry = Entry {
    name: "fd-exhaust",
    kind: Kind::Workload,
    meaning: "opens files, sockets, pipes or eventfds until it is refused, holds them, and keeps trying",
    details: &[
        detail("own resource", "files"),
        detail(
            "operation",
            "one call that opened something; a refusal is one that failed: EMFILE by the limit of the process, ENFILE by the table of \
             the system, ENOMEM by memory",
        ),
        detail(
            "mechanism",
            "an open file is memory of the kernel, charged to the group that opened it. The OOM killer does not count that memory, so \
             where the node is full, it takes whoever has the most of other memory, the neighbour included",
        ),
        detail(
            "kernel knob",
            "memory.max (memory.limit_in_bytes), which bounds the sum; RLIMIT_NOFILE bounds each process only",
        ),
        detail("Kubernetes", "resources.limits.memory; none for the number of open files"),
        detail("Docker", "--memory; --ulimit nofile=SOFT:HARD for each process"),
        detail(
            "dose",
            "descriptors that all processes hold together: half of `fs.file-max`, 1,000,000 at most; intensity is a percentage of it",
        ),
        detail("ends", "on order, and by itself after 30 s"),
        detail(
            "why it means something",
            "`attack.stopped_by` of the record says which of the limits stopped it, by the errno or the kernel's count of kills",
        ),
    ],
};

/// The probe of files.
pub(super) const OPEN: Entry = Entry {
    name: "files/open",
    kind: Kind::Probe,
    meaning: "can a file still be opened, and how fast?",
    details: &[
        detail("resource", "files"),
        detail("operation", "one open of a file in the sandbox's own root, and its close"),
        detail(
            "fails",
            "with the error of open, such as ENFILE or ENOMEM; ETIME when not done 100 ms after it was due",
        ),
        detail(
            "why it means something",
            "nothing is started, read or logged without it, and it needs no disk: the file is in memory",
        ),
    ],
};

/// The probe of sockets.
pub(super) const SOCKET: Entry = Entry {
    name: "files/socket",
    kind: Kind::Probe,
    meaning: "can a socket still be made, and how fast?",
    details: &[
        detail("resource", "files"),
        detail("operation", "one socket of the family AF_UNIX, and its close"),
        detail(
            "fails",
            "with the error of socket, such as ENFILE or ENOMEM; ETIME when not done 100 ms after it was due",
        ),
        detail(
            "why it means something",
            "a server makes one for every client, and it takes several times the kernel's memory of an open file",
        ),
    ],
};

/// A key of scenarios.
pub(super) const PROCESSES: Entry = entry(
    Kind::Word,
    "processes",
    "how many processes of the workload `fd-exhaust` open at the same time, 1 by default",
);
