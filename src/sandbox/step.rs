//! The steps that a sandbox is made of: data, printable, the same list for a dry run and for the real thing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scenario::NamespaceKind;

/// One step. Those up to [`Step::MapIds`] are done by the harness, the others inside, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Clone the first process into the cgroup.
    Clone {
        /// Namespaces made for it.
        namespaces: Vec<NamespaceKind>,
    },
    /// Enter namespaces that the pod's pause process holds.
    Join {
        /// The pod.
        pod: String,
        /// Their kinds.
        namespaces: Vec<NamespaceKind>,
    },
    /// Write one of the user namespace's maps.
    MapIds {
        /// `uid_map` or `gid_map`.
        map: String,
        /// The host ID that is 0 inside.
        base: u32,
        /// How many.
        count: u32,
    },
    /// Let go of the harness's own choice of CPUs, which since Linux 6.2 would still narrow the cgroup's.
    ReleaseAffinity,
    /// Make all mounts private, so that nothing done inside shows outside.
    MakeMountsPrivate,
    /// Mount a new file system.
    Mount {
        /// Its type.
        kind: String,
        /// Where.
        at: String,
        /// Its options.
        options: String,
        /// Whether it can be written to.
        read_only: bool,
    },
    /// Make a file or directory of the host appear inside.
    Bind {
        /// What.
        from: String,
        /// Where; made if it does not exist.
        to: String,
        /// Without the right to write.
        read_only: bool,
    },
    /// Make a mount of the pod's pause process appear inside: what is in it is the same for all that do.
    ShareMount {
        /// The pod.
        pod: String,
        /// Where the pause process has it.
        path: String,
        /// Where.
        at: String,
        /// The pause process's PID as the harness sees it, once it is there.
        #[serde(default)]
        holder: Option<i32>,
    },
    /// Make a directory.
    CreateDirectory {
        /// Which.
        path: String,
    },
    /// Make a symbolic link.
    Link {
        /// Where it points.
        target: String,
        /// Where it is.
        at: String,
    },
    /// Hide a path, where it exists.
    Mask {
        /// Which.
        path: String,
    },
    /// Take the right to write to a path away, where it exists.
    ProtectPath {
        /// Which.
        path: String,
    },
    /// Make the new root the root, and let go of the old one.
    PivotRoot {
        /// The new root.
        to: String,
    },
    /// Take the right to write to the root away.
    ProtectRoot,
    /// Set the host name.
    SetHostname {
        /// The name.
        name: String,
    },
    /// Bring the loopback interface up.
    LoopbackUp,
    /// Set a resource limit, soft and hard.
    SetRlimit {
        /// The kernel's name, such as `NOFILE`.
        resource: String,
        /// The value.
        value: u64,
    },
    /// Keep only these capabilities in the bounding set.
    BoundCapabilities {
        /// Their numbers.
        keep: Vec<u8>,
    },
    /// Become this user and group, without supplementary groups, and give up all capabilities but some.
    BecomeUser {
        /// The ID, as seen inside.
        id: u32,
        /// Numbers of the capabilities that stay in effect, over an exec too.
        #[serde(default)]
        keep: Vec<u8>,
    },
    /// Let exec grant no privilege any more.
    NoNewPrivileges,
    /// Refuse the system calls that engines refuse by default, for good.
    FilterSystemCalls,
    /// Execute the role.
    Execute {
        /// The program, as seen inside.
        program: String,
        /// The role and its arguments.
        arguments: Vec<String>,
    },
    /// Say that it is ready, and become a program of others, whose standard streams are `/dev/null`.
    ExecuteCommand {
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// For tests only, in the place of another step: fails as that step would if the kernel refused it (`EIO`).
    Fail {
        /// The other step, printable.
        instead: String,
    },
    /// For measurement only, and the first inside step: take the time of every step, and write the times to standard
    /// error just before the role runs.
    ReportTimes,
    /// For measurement only, in the place of [`Step::Execute`]: run the role in this process. A process that changed its
    /// user without an exec is not dumpable: its files below `/proc` belong to root, which hides them from itself. And
    /// the change has cleared the signal that it gets when its parent ends, until the role asks for it again.
    RunInPlace {
        /// The role and its arguments.
        arguments: Vec<String>,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clone { namespaces } => {
                let names: Vec<_> = namespaces.iter().map(|kind| kind.name()).collect();
                write!(f, "clone into the cgroup, new namespaces: {}", names.join(" "))
            }
            Self::Join { pod, namespaces } => {
                let names: Vec<_> = namespaces.iter().map(|kind| kind.name()).collect();
                write!(f, "join namespaces of the pod {pod}: {}", names.join(" "))
            }
            Self::MapIds { map, base, count } => {
                write!(
                    f,
                    "write {map}: IDs 0-{} are {base}-{} outside",
                    count - 1,
                    base + (count - 1)
                )
            }
            Self::ReleaseAffinity => f.write_str("release the CPU affinity"),
            Self::MakeMountsPrivate => f.write_str("make mounts private"),
            Self::Mount { kind, at, options, read_only } => {
                write!(f, "mount {kind} at {at}")?;
                let all: Vec<&str> = [options.as_str(), if *read_only { "ro" } else { "" }]
                    .into_iter()
                    .filter(|option| !option.is_empty())
                    .collect();
                if all.is_empty() { Ok(()) } else { write!(f, " ({})", all.join(",")) }
            }
            Self::Bind { from, to, read_only } => {
                let read_only = if *read_only { ", read-only" } else { "" };
                write!(f, "bind {from} at {to}{read_only}")
            }
            Self::ShareMount { pod, path, at, .. } => {
                write!(f, "mount {path} of the pod {pod} at {at}")
            }
            Self::CreateDirectory { path } => write!(f, "create directory {path}"),
            Self::Link { target, at } => write!(f, "link {at} to {target}"),
            Self::Mask { path } => write!(f, "mask {path}"),
            Self::ProtectPath { path } => write!(f, "make {path} read-only"),
            Self::PivotRoot { to } => write!(f, "pivot root to {to}"),
            Self::ProtectRoot => f.write_str("make the root read-only"),
            Self::SetHostname { name } => write!(f, "set host name {name}"),
            Self::LoopbackUp => f.write_str("bring loopback up"),
            Self::SetRlimit { resource, value } => write!(f, "set RLIMIT_{resource} = {value}"),
            Self::BoundCapabilities { keep } => {
                write!(f, "bound capabilities to {} of them", keep.len())
            }
            Self::BecomeUser { id, keep } if keep.is_empty() => {
                write!(f, "become user {id}, drop all capabilities")
            }
            Self::BecomeUser { id, keep } => {
                write!(f, "become user {id}, keep {} capabilities", keep.len())
            }
            Self::NoNewPrivileges => f.write_str("set no_new_privs"),
            Self::FilterSystemCalls => f.write_str("load the default seccomp profile"),
            Self::Execute { program, arguments } => {
                write!(f, "execute {program} {}", arguments.join(" "))
            }
            Self::ExecuteCommand { command } => write!(f, "execute {}", command.join(" ")),
            Self::Fail { instead } => f.write_str(instead),
            Self::ReportTimes => f.write_str("report the time of each step"),
            Self::RunInPlace { arguments } => write!(f, "run in place {}", arguments.join(" ")),
        }
    }
}
