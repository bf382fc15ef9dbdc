//! Everything that is read of the machine, before anything is judged.

use std::path::Path;

use super::{
    Capabilities, CgroupMounts, Cpus, HostError, Kernel, Memory, Namespaces, OwnNamespace, Roots,
    Subordinate, Subtree, cpus, mount_table, psi, quarters, runtime_directory, status, subtree_of,
};

use crate::sys::{loop_device, programs};

/// The facts that requirements are checked against.
#[derive(Debug)]
pub struct Facts {
    /// The kernel; `unknown` when it cannot be read.
    pub kernel: Kernel,
    /// Effective user ID; the overflow ID 65534 when it cannot be read.
    pub uid: u32,
    /// False in a user namespace of its own, where user 0 is not root of the machine.
    pub first_user_namespace: bool,
    /// Capabilities; none when they cannot be read.
    pub capabilities: Capabilities,
    /// CPUs; none when they cannot be read.
    pub cpus: Cpus,
    /// Memory; 0 when it cannot be read.
    pub memory: Memory,
    /// The cgroup hierarchies; none when they cannot be read.
    pub cgroups: CgroupMounts,
    /// The eight kinds of namespace.
    pub namespaces: Namespaces,
    /// Whether pressure stall information is on.
    pub psi: bool,
    /// Whether the CPUs say that they are emulated.
    pub emulated: bool,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
    /// Whether `/` is an overlay, as it is in most containers: remedies then speak of the container's options.
    pub in_container: bool,
    /// Whether loop devices can be had.
    pub loop_devices: bool,
    /// Where mkfs.ext4 is, which makes the file system of a node's disk.
    pub mkfs_ext4: Option<std::path::PathBuf>,
    /// Where a ledger may live.
    pub runtime_directory: Result<std::path::PathBuf, HostError>,
    /// The user namespace that was made for this harness; none in that of its caller.
    pub own_namespace: Option<OwnNamespace>,
    /// The part of the cgroup tree that a run without root uses; none with root, and where there is none to use.
    pub subtree: Option<Subtree>,
    /// The subordinate IDs of the user; read without root alone, and outside of a namespace of its own.
    pub subordinate: Option<Subordinate>,
    /// The programs newuidmap(1) and newgidmap(1), which map subordinate IDs, where both are there.
    pub id_mappers: Option<[std::path::PathBuf; 2]>,
    /// Where a run without root can have what every user must reach.
    pub quarters: Option<std::path::PathBuf>,
    /// What could not be read.
    pub unreadable: Vec<HostError>,
}

impl Facts {
    /// Reads everything; what cannot be read is listed in [`Self::unreadable`].
    #[must_use]
    pub fn read(roots: &Roots) -> Self {
        let mut unreadable = Vec::new();
        let unknown = Kernel { release: "unknown".into(), arch: std::env::consts::ARCH.into() };
        let kernel =
            Kernel::read(roots).unwrap_or_else(|error| keep(&mut unreadable, error, unknown));
        let uid = status::effective_uid(roots)
            .unwrap_or_else(|error| keep(&mut unreadable, error, 65_534));
        let capabilities = or_default(&mut unreadable, Capabilities::read(roots));
        let cpus = or_default(&mut unreadable, Cpus::read(roots));
        let memory = or_default(&mut unreadable, Memory::read(roots));
        let cgroups = or_default(&mut unreadable, CgroupMounts::read(roots));
        let in_container = roots.read_proc("self/mountinfo").is_ok_and(|table| {
            mount_table::parse(&table)
                .iter()
                .any(|entry| entry.path.as_os_str() == "/" && entry.fs_type == "overlay")
        });
        let own_namespace = OwnNamespace::here(roots);
        let subtree = subtree_of(roots, &cgroups, uid);
        let cgroups = match &subtree {
            Some(subtree) => cgroups.within(subtree),
            None => cgroups,
        };
        let mappers = ["newuidmap", "newgidmap"].map(programs::find);
        Self {
            subordinate: (uid != 0).then(|| Subordinate::read(roots, uid)),
            id_mappers: match mappers {
                [Some(users), Some(groups)] => Some([users, groups]),
                _ => None,
            },
            quarters: match &own_namespace {
                Some(own) => Some(own.quarters.clone()),
                None => quarters(),
            },
            own_namespace,
            subtree,
            kernel,
            uid,
            first_user_namespace: status::in_first_user_namespace(roots),
            capabilities,
            cpus,
            memory,
            cgroups,
            namespaces: Namespaces::read(roots),
            psi: psi::enabled(roots),
            emulated: cpus::emulated(roots),
            seccomp: status::can_filter_system_calls(roots),
            in_container,
            loop_devices: Path::new(loop_device::CONTROL).exists(),
            mkfs_ext4: programs::find("mkfs.ext4"),
            runtime_directory: runtime_directory(),
            unreadable,
        }
    }
}

impl Facts {
    /// The user that the harness belongs to, as the machine knows it.
    #[must_use]
    pub fn user(&self) -> u32 {
        self.own_namespace.as_ref().map_or(self.uid, |own| own.uid)
    }

    /// Whether a run would go without root: what it may have instead is in [`Self::subtree`].
    #[must_use]
    pub const fn without_root(&self) -> bool {
        self.subtree.is_some()
    }
}

fn keep<T>(unreadable: &mut Vec<HostError>, error: HostError, instead: T) -> T {
    unreadable.push(error);
    instead
}

fn or_default<T: Default>(unreadable: &mut Vec<HostError>, read: Result<T, HostError>) -> T {
    read.unwrap_or_else(|error| keep(unreadable, error, T::default()))
}
