//! The texts about the node's disk.

use super::entries::detail;
use super::{Entry, Kind};

/// The drain.
pub(super) const DRAIN: Entry = Entry {
    name: "io-drain",
    kind: Kind::Workload,
    meaning: "reads, writes, flushes or fills the node's disk",
    details: &[
        detail("own resource", "disk"),
        detail(
            "operation",
            "by `kind`: direct-write and direct-read, 64 KiB past the page cache (O_DIRECT); random-write, 4 KiB past it; buffered-write, 256 KiB into it \
             and syncfs(2); fsync and sync, 4 KiB and the call; metadata, an empty file made, renamed and removed; fill, fallocate(2) of 1 MiB and at last of \
             single blocks, which is kept",
        ),
        detail(
            "mechanism",
            "the device serves one after the other, and a file system has one journal for everybody: who flushes waits for what others wrote",
        ),
        detail(
            "kernel knob",
            "io.max (v2), blkio.throttle.* (v1: only of direct and synchronous I/O); space and inodes have none but the size of the disk",
        ),
        detail("Kubernetes", "none for rates; resources.limits.ephemeral-storage evicts later"),
        detail("Docker", "--device-write-bps and its sisters"),
        detail(
            "dose",
            "8 workers past the page cache, 4 that flush, else one; a quarter of the disk and at most 64 MiB in files, for fill the disk; intensity is \
             the busy share of each period of 100 ms, for fill the share of the disk",
        ),
        detail(
            "ends",
            "on order, and by itself after 30 s; its files are removed and the disk is flushed",
        ),
        detail(
            "why it means something",
            "builds, databases and logs of one tenant are what its neighbours wait for when they write",
        ),
    ],
};

/// The eater of inodes.
pub(super) const INODES: Entry = Entry {
    name: "inode-eater",
    kind: Kind::Workload,
    meaning: "makes empty files on the node's disk until there is no inode left, and holds them",
    details: &[
        detail("own resource", "disk"),
        detail("operation", "one open(2) that made an empty file, which is kept"),
        detail(
            "mechanism",
            "a file system has a fixed number of inodes: without one nobody makes a file, though space is free",
        ),
        detail("kernel knob", "none; quotas of the file system (prjquota)"),
        detail("Kubernetes", "none; the kubelet evicts when nodefs.inodesFree is low"),
        detail("Docker", "none"),
        detail("dose", "a file for each 4 KiB of the disk; intensity is the share of it"),
        detail(
            "ends",
            "on order, and by itself after 30 s; its files are removed and the disk is flushed",
        ),
        detail(
            "why it means something",
            "caches and queues of small files use up inodes long before the space, and the error is the same as for a full disk",
        ),
    ],
};

/// The probe of flushes.
pub(super) const FSYNC: Entry = Entry {
    name: "disk/fsync",
    kind: Kind::Probe,
    meaning: "can data still be made safe, and how fast?",
    details: &[
        detail("resource", "disk"),
        detail(
            "operation",
            "a new file on the node's disk, 4 KiB written to it, fsync(2), and its removal: it needs a free block and a free inode",
        ),
        detail(
            "fails",
            "with the error of the call that failed, ENOSPC on a full disk, and ETIME when not done 100 ms after it was due",
        ),
        detail("why it means something", "every commit of a database and every saved file ends so"),
    ],
};

/// The probe of cached reads.
pub(super) const READ: Entry = Entry {
    name: "disk/read",
    kind: Kind::Probe,
    meaning: "is what was read before still there at once?",
    details: &[
        detail("resource", "disk"),
        detail(
            "operation",
            "pread(2) of 4 KiB that the page cache holds, from a file on the node's disk",
        ),
        detail("fails", "with the error of pread, and ETIME when not done 100 ms after it was due"),
        detail(
            "why it means something",
            "most reads are of this kind; where they become slow, it is the page cache that is drained and not the device",
        ),
    ],
};

/// The limit.
pub(super) const IO: Entry = Entry {
    name: "io",
    kind: Kind::Limit,
    meaning: "rates at the node's disk: rbps and wbps in bytes, riops and wiops in operations a second; weight is a share",
    details: &[
        detail("resource", "disk"),
        detail(
            "cgroup v1",
            "blkio.throttle.read_bps_device, .write_bps_device, .read_iops_device, .write_iops_device; blkio.bfq.weight",
        ),
        detail("cgroup v2", "io.max; io.weight"),
        detail("Kubernetes", "none in a Pod"),
        detail(
            "Docker",
            "--device-read-bps, --device-write-bps, --device-read-iops, --device-write-iops, --blkio-weight",
        ),
        detail(
            "mechanism",
            "what a task sends to the device beyond the rate waits; cgroup v1 does so only with direct and synchronous I/O, because what the kernel writes \
             back later from the page cache is charged to nobody; version 2 charges it to who wrote it",
        ),
        detail(
            "bounded",
            "rates from 1Mi and from 16 operations on: what is under way could not be killed within a second otherwise",
        ),
        detail(
            "why it means something",
            "a limit of writes on cgroup v1 that was tested with direct I/O alone seems to hold, and does not",
        ),
    ],
};
