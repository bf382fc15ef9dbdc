//! Kinds of workloads: the ways in which one of them drains its resource.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Workload;
use super::diagnostic::Problems;
use super::written::SandboxWritten;

/// A kind of a workload that has several; which ones it has, [`Workload::kinds`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadKind {
    /// [`Workload::Forkbomb`]: processes that start processes.
    Process,
    /// [`Workload::Forkbomb`]: one process that starts threads.
    Thread,
    /// [`Workload::Forkbomb`]: processes that start a child, wait for its end and start the next; nothing is held.
    Churn,
    /// [`Workload::FdExhaust`]: files.
    File,
    /// [`Workload::FdExhaust`]: sockets of the family `AF_UNIX`.
    Socket,
    /// [`Workload::FdExhaust`]: pipes, which have two descriptors each.
    Pipe,
    /// [`Workload::FdExhaust`]: counters of events, eventfd(2).
    Eventfd,
    /// [`Workload::MemoryEater`]: private memory.
    Anonymous,
    /// [`Workload::MemoryEater`]: files without a name in the sandbox's /tmp.
    Tmpfs,
    /// [`Workload::MemoryEater`]: what the kernel keeps of files without a name on the node's disk that are read again and again.
    PageCache,
    /// [`Workload::IoDrain`]: blocks written past the page cache, one after the other.
    DirectWrite,
    /// [`Workload::IoDrain`]: blocks read past the page cache.
    DirectRead,
    /// [`Workload::IoDrain`]: blocks written into the page cache, and flushed.
    BufferedWrite,
    /// [`Workload::IoDrain`]: small blocks written past the page cache at random places.
    RandomWrite,
    /// [`Workload::IoDrain`]: small writes, each flushed by fsync(2).
    Fsync,
    /// [`Workload::IoDrain`]: small writes, each flushed by sync(2).
    Sync,
    /// [`Workload::IoDrain`]: files made, renamed and removed.
    Metadata,
    /// [`Workload::IoDrain`]: space taken until there is none, and held.
    Fill,
    /// [`Workload::NetFlood`]: small datagrams.
    Udp,
    /// [`Workload::NetFlood`]: two streams, one in each direction.
    Tcp,
    /// [`Workload::NetFlood`]: connections, each closed as soon as it is made.
    Connect,
}

impl WorkloadKind {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Process,
        Self::Thread,
        Self::Churn,
        Self::File,
        Self::Socket,
        Self::Pipe,
        Self::Eventfd,
        Self::Anonymous,
        Self::Tmpfs,
        Self::PageCache,
        Self::DirectWrite,
        Self::DirectRead,
        Self::BufferedWrite,
        Self::RandomWrite,
        Self::Fsync,
        Self::Sync,
        Self::Metadata,
        Self::Fill,
        Self::Udp,
        Self::Tcp,
        Self::Connect,
    ];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Thread => "thread",
            Self::Churn => "churn",
            Self::File => "file",
            Self::Socket => "socket",
            Self::Pipe => "pipe",
            Self::Eventfd => "eventfd",
            Self::Anonymous => "anonymous",
            Self::Tmpfs => "tmpfs",
            Self::PageCache => "page-cache",
            Self::DirectWrite => "direct-write",
            Self::DirectRead => "direct-read",
            Self::BufferedWrite => "buffered-write",
            Self::RandomWrite => "random-write",
            Self::Fsync => "fsync",
            Self::Sync => "sync",
            Self::Metadata => "metadata",
            Self::Fill => "fill",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Connect => "connect",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Workload {
    /// The kinds that it has, its usual one first; empty where there is only one way.
    #[must_use]
    pub const fn kinds(self) -> &'static [WorkloadKind] {
        match self {
            Self::Forkbomb => &[WorkloadKind::Process, WorkloadKind::Thread, WorkloadKind::Churn],
            Self::FdExhaust => &[
                WorkloadKind::File,
                WorkloadKind::Socket,
                WorkloadKind::Pipe,
                WorkloadKind::Eventfd,
            ],
            Self::MemoryEater => {
                &[WorkloadKind::Anonymous, WorkloadKind::Tmpfs, WorkloadKind::PageCache]
            }
            Self::IoDrain => &[
                WorkloadKind::DirectWrite,
                WorkloadKind::DirectRead,
                WorkloadKind::BufferedWrite,
                WorkloadKind::RandomWrite,
                WorkloadKind::Fsync,
                WorkloadKind::Sync,
                WorkloadKind::Metadata,
                WorkloadKind::Fill,
            ],
            Self::NetFlood => &[WorkloadKind::Udp, WorkloadKind::Tcp, WorkloadKind::Connect],
            _ => &[],
        }
    }
}

/// The kind of an attacker's workload; `None` for its usual one, whether or not the file says so.
pub(super) fn of(attacker: &SandboxWritten) -> Option<WorkloadKind> {
    let (workload, kind) = (attacker.workload.as_ref()?.value, attacker.kind.as_ref()?.value);
    (workload.kinds().first() != Some(&kind)).then_some(kind)
}

/// A kind belongs to its workload.
pub(super) fn check(attacker: &SandboxWritten, problems: &mut Problems) {
    let (Some(workload), Some(kind)) = (&attacker.workload, &attacker.kind) else { return };
    let (workload, kinds) = (workload.value.name(), workload.value.kinds());
    if kinds.contains(&kind.value) {
        return;
    }
    let message = format!("the workload `{workload}` has no kind `{}`", kind.value);
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    problems.add(kind.spot, message).help(match names.as_slice() {
        [] => "a config that changes the workload inherits `kind` from the top of the file; only \
               some workloads have kinds"
            .to_owned(),
        names => format!("known here: {}", names.join(", ")),
    });
}
