//! What the kernel counts of an attack, whoever carries it out.

use std::fs;
use std::path::PathBuf;

use contain_test::cgroup::{Group, Traffic};
use contain_test::node::Disk;
use contain_test::sandbox::Sandbox;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// CPU time of the sandbox, in microseconds (`cpuacct.usage`, `cpu.stat`).
    CpuTime,
    /// Tasks that were started on the machine (`processes` of /proc/stat).
    Forks,
    /// Files open on the machine (`fs.file-nr`): a level and no sum.
    OpenFiles,
    /// Pages that were charged to the sandbox (`total_pgpgin` of memory.stat), on version 2 its page faults (`pgfault`).
    ChargedPages,
    /// Bytes that the sandbox's processes have read (`rchar` of /proc/PID/io).
    BytesRead,
    /// Bytes that reached the device of the node's disk (/sys/block/loopN/stat).
    BytesWritten,
    /// Writes that the device of the node's disk has done (the same file).
    Writes,
    /// Datagrams that were sent from the sandbox's network namespace (`OutDatagrams` of /proc/PID/net/snmp).
    Datagrams,
}

impl Counter {
    /// What one of it is.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::CpuTime => "µs of CPU a second",
            Self::Forks => "forks a second",
            Self::OpenFiles => "files open at once",
            Self::ChargedPages => "pages a second",
            Self::BytesRead => "bytes a second",
            Self::BytesWritten => "bytes a second at the device",
            Self::Writes => "writes a second at the device",
            Self::Datagrams => "datagrams a second",
        }
    }

    /// True for what is a level, whose highest value counts.
    pub const fn is_level(self) -> bool {
        matches!(self, Self::OpenFiles)
    }

    /// Its value now, for this sandbox and the node's disk.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn read(self, sandbox: &Sandbox, disk: &Disk) -> Result<f64, String> {
        let group = &sandbox.group;
        let counters = group.counters();
        let at_the_device = |of: fn(Traffic) -> u64| disk.traffic().map(of);
        let found = match self {
            Self::CpuTime => counters.cpu_usage_us(),
            Self::Forks => number("/proc/stat", |line| line.strip_prefix("processes ")),
            Self::OpenFiles => number("/proc/sys/fs/file-nr", |line| line.split('\t').next()),
            Self::ChargedPages => counters
                .event("memory", "memory.stat", "total_pgpgin")
                .or_else(|| counters.event("memory", "memory.stat", "pgfault")),
            Self::BytesRead => Some(bytes_read(group)),
            Self::BytesWritten => at_the_device(|traffic| traffic.written_bytes),
            Self::Writes => at_the_device(|traffic| traffic.writes),
            Self::Datagrams => datagrams(&format!("/proc/{}/net/snmp", sandbox.pid)),
        };
        #[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 52 bits")]
        found.map(|value| value as f64).ok_or_else(|| format!("{self:?} cannot be read"))
    }
}

/// The first number that a line of a file gives.
fn number(path: &str, of: impl Fn(&str) -> Option<&str>) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| of(line)?.trim().parse().ok())
}

/// Of all processes that live now.
fn bytes_read(group: &Group) -> u64 {
    let list = |directory: PathBuf| fs::read_to_string(directory.join("cgroup.procs")).ok();
    let processes = group.directories().find_map(list).unwrap_or_default();
    let read = |pid: &str| number(&format!("/proc/{pid}/io"), |line| line.strip_prefix("rchar: "));
    processes.lines().filter_map(read).sum()
}

/// Those sent, from a file in which a line of names comes before each line of values (proc_pid_net(5)).
fn datagrams(path: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let at = names.split(' ').position(|name| name == "OutDatagrams")?;
    values.split(' ').nth(at)?.parse().ok()
}
