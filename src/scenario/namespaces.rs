//! The kinds of namespace, and which of them a sandbox has for itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The eight kinds of namespace, by the kernel's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// Mount points.
    Mnt,
    /// Process IDs.
    Pid,
    /// Network devices, addresses, routes, ports.
    Net,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Host and domain name.
    Uts,
    /// User and group IDs, capabilities.
    User,
    /// The root of `/proc/PID/cgroup`.
    Cgroup,
    /// Offsets of the monotonic and boot clocks.
    Time,
}

impl NamespaceKind {
    /// All eight.
    pub const ALL: [Self; 8] = [
        Self::Mnt,
        Self::Pid,
        Self::Net,
        Self::Ipc,
        Self::Uts,
        Self::User,
        Self::Cgroup,
        Self::Time,
    ];

    /// The kernel's name, as in `/proc/PID/ns/NAME`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mnt => "mnt",
            Self::Pid => "pid",
            Self::Net => "net",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::User => "user",
            Self::Cgroup => "cgroup",
            Self::Time => "time",
        }
    }
}

/// Whether a namespace is new for the sandbox, the host's, or that of its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// A namespace of the sandbox's own.
    New,
    /// The host's namespace.
    Host,
    /// The namespace of the sandbox's pod.
    Pod,
}

impl Sharing {
    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Host => "host",
            Self::Pod => "pod",
        }
    }
}

/// The namespaces of a sandbox: each kind new (the default), shared with the host, or with the other sandboxes of its pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces(pub BTreeMap<NamespaceKind, Sharing>);

impl Default for Namespaces {
    fn default() -> Self {
        Self(NamespaceKind::ALL.into_iter().map(|kind| (kind, Sharing::New)).collect())
    }
}

impl Namespaces {
    /// The same, with those of `other` in place of its own.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.0.extend(&other.0);
        self
    }

    /// How the sandbox gets this kind.
    #[must_use]
    pub fn sharing(&self, kind: NamespaceKind) -> Sharing {
        self.0.get(&kind).copied().unwrap_or(Sharing::New)
    }

    /// True when the kind is the sandbox's own.
    #[must_use]
    pub fn is_new(&self, kind: NamespaceKind) -> bool {
        self.sharing(kind) == Sharing::New
    }

    /// True when the kind is the pod's.
    #[must_use]
    pub fn is_pods(&self, kind: NamespaceKind) -> bool {
        self.sharing(kind) == Sharing::Pod
    }

    /// True when the kind is not the host's: what is in it is hidden from there, and its owner may mount what shows it.
    #[must_use]
    pub fn is_apart(&self, kind: NamespaceKind) -> bool {
        self.sharing(kind) != Sharing::Host
    }
}
