//! What `inspect` found: processes as the kernel shows them. Nothing here is measured, and nothing is judged.
//!
//! What could not be read is null, and [`Inspected::unknown`] says why. Text that processes choose themselves (names, arguments, paths) is as
//! the kernel gives it; views escape it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Tool;
use crate::scenario::NamespaceKind;

/// The value of `schema` in every inspection.
pub const INSPECTION_SCHEMA: &str = "contain-test/inspection";

/// The version of the inspection's format; it grows when a field changes its meaning or goes away.
pub const INSPECTION_VERSION: u32 = 1;

/// Several processes, and what they share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Always [`INSPECTION_SCHEMA`].
    pub schema: String,
    /// Always [`INSPECTION_VERSION`] for inspections of this version.
    pub schema_version: u32,
    /// The program that looked.
    pub tool: Tool,
    /// The processes, in the order in which they were asked for.
    pub processes: Vec<Inspected>,
    /// What they share.
    pub shared: Shared,
}

/// Which of the processes share what: groups of process IDs, those alone in theirs included. A process of which it is not known is in no
/// group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// For each kind of namespace, the processes in one and the same.
    pub namespaces: BTreeMap<NamespaceKind, Vec<Vec<u32>>>,
    /// The processes in the same group of every hierarchy.
    pub cgroups: Vec<Vec<u32>>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspected {
    /// Its ID, as the caller's PID namespace counts.
    pub pid: u32,
    /// Its name, which it can choose itself (`comm`, at most 15 bytes; longer for threads of the kernel).
    pub name: String,
    /// Its arguments, of at most 4096 bytes; empty for zombies and threads of the kernel.
    pub command: Vec<String>,
    /// The kernel's word for its state, such as `sleeping` or `zombie`.
    pub state: String,
    /// Its parent; 0 when that is outside the caller's PID namespace, or when it has none.
    pub parent: u32,
    /// True for a thread of the kernel.
    pub kernel_thread: bool,
    /// Its IDs in its own PID namespace and those around it, the caller's first; empty on kernels before 4.1.
    pub pids_inside: Vec<u32>,
    /// Its user IDs, as the caller's user namespace counts.
    pub uids: Option<Ids>,
    /// Its group IDs.
    pub gids: Option<Ids>,
    /// The number of each of its namespaces (`/proc/PID/ns`).
    pub namespaces: BTreeMap<NamespaceKind, Option<u64>>,
    /// Whether a namespace is also that of the process that looks: on a host, whether it is the host's.
    pub shared_with_caller: BTreeMap<NamespaceKind, Option<bool>>,
    /// Its cgroups, one for each hierarchy.
    pub cgroups: Option<Vec<Membership>>,
    /// The limits that these groups and those above them set, as far as they are none of the kernel's defaults; empty when nothing limits it.
    pub limits: Option<Vec<GroupLimit>>,
    /// How its user namespace maps user IDs.
    pub uid_map: Option<Vec<IdMapping>>,
    /// The same for group IDs.
    pub gid_map: Option<Vec<IdMapping>>,
    /// Its capabilities.
    pub capabilities: CapabilitySets,
    /// Whether system calls are filtered.
    pub seccomp: Option<Seccomp>,
    /// How many filters there are, from Linux 5.9 on.
    pub seccomp_filters: Option<u64>,
    /// Whether an exec can give it no more privileges than it has.
    pub no_new_privs: Option<bool>,
    /// Paths that are hidden from it by a mount that is empty, as it sees them.
    pub masked_paths: Option<Vec<String>>,
    /// Mount points that it cannot write to, as it sees them; those that are masked are left out.
    pub read_only_paths: Option<Vec<String>>,
    /// Its resource limits by the kernel's names, such as `nofile`.
    pub rlimits: Option<BTreeMap<String, Rlimit>>,
    /// What seems to have started it.
    pub runtime: RuntimeGuess,
    /// Why a field is null, by its name: `rlimits`, `namespaces.mnt`.
    pub unknown: BTreeMap<String, String>,
}

/// The four IDs of a process, credentials(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ids {
    /// Who started it.
    pub real: u32,
    /// Whose rights it uses.
    pub effective: u32,
    /// What it can go back to.
    pub saved: u32,
    /// Whose rights it uses on files.
    pub filesystem: u32,
}

/// One line of `/proc/PID/uid_map`, user_namespaces(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IdMapping {
    /// The first ID inside.
    pub inside: u32,
    /// The ID that this is for the caller; where both are in one user namespace, for the namespace around it.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// A version of the cgroup interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InterfaceVersion {
    /// A hierarchy of its own.
    V1,
    /// The unified hierarchy.
    V2,
}

impl InterfaceVersion {
    /// The word used in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// The group of a process in one hierarchy, cgroups(7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// Which interface.
    pub version: InterfaceVersion,
    /// The controllers of a version 1 hierarchy; empty for the unified one.
    pub controllers: Vec<String>,
    /// The name of a version 1 hierarchy that has one, such as `systemd`.
    pub name: Option<String>,
    /// The group, as the caller's cgroup namespace names it: `/..` leads out of that.
    pub path: String,
}

/// A file of a cgroup that limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupLimit {
    /// The file's name, such as `memory.max`.
    pub file: String,
    /// What it says, without white space around it.
    pub value: String,
    /// Whose file it is.
    pub group: String,
    /// True for the process's own group, false for one above it.
    pub own: bool,
    /// Of which interface.
    pub version: InterfaceVersion,
}

/// The sets of capabilities(7), by name, lower case and without `cap_`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CapabilitySets {
    /// What it may do now.
    pub effective: Option<Vec<String>>,
    /// What it may make effective.
    pub permitted: Option<Vec<String>>,
    /// What it may pass to files that it executes.
    pub inheritable: Option<Vec<String>>,
    /// What executing a file can give at most.
    pub bounding: Option<Vec<String>>,
    /// What stays over an exec without privileges, from Linux 4.3 on.
    pub ambient: Option<Vec<String>>,
}

/// The mode of seccomp(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Seccomp {
    /// All system calls are allowed.
    Off,
    /// Only read, write and exit are.
    Strict,
    /// A program decides.
    Filter,
}

impl Seccomp {
    /// The word used in JSON and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Strict => "strict",
            Self::Filter => "filter",
        }
    }
}

/// A resource limit, getrlimit(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rlimit {
    /// What holds now.
    pub soft: Amount,
    /// What the soft limit may be raised to.
    pub hard: Amount,
}

/// A number in the unit of its limit, or `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// So much.
    Number(u64),
    /// No limit.
    Unlimited,
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// What a process seems to run under. It is a guess from traces, any of which a process could have made itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuntimeGuess {
    /// Its name, such as `docker`; `none` where all namespaces are the caller's; null where no trace is known.
    pub seems: Option<String>,
    /// The traces, the most telling first.
    pub because: Vec<String>,
}
