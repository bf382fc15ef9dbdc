//! What a dry run knows of a guest that does not exist: how its init will mount control groups, and what was asked for.

use crate::cgroup::{Hierarchies, Hierarchy, Version};
use crate::scenario::{CgroupMode, VmSpec};

/// Where a guest's hierarchies will be.
const TOP: &str = "/sys/fs/cgroup";

/// Controllers that every kernel built for containers has, by their names on the unified hierarchy and on version 1.
const UNIFIED: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];
const VERSION_1: [&str; 6] = ["cpu", "cpuacct", "cpuset", "freezer", "memory", "pids"];

/// The hierarchies of a guest.
#[must_use]
pub fn hierarchies(vm: &VmSpec) -> Hierarchies {
    let unified = |root: String, controllers: &[&str]| Hierarchy {
        version: Version::V2,
        controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
        root: root.into(),
        group: String::new(),
    };
    let mut list: Vec<Hierarchy> = Vec::new();
    if vm.cgroup == CgroupMode::V2 {
        list.push(unified(TOP.to_owned(), &UNIFIED));
    } else {
        list.extend(VERSION_1.map(|controller| Hierarchy {
            version: Version::V1,
            controllers: vec![controller.to_owned()],
            root: format!("{TOP}/{controller}").into(),
            group: String::new(),
        }));
    }
    if vm.cgroup == CgroupMode::Hybrid {
        list.push(unified(format!("{TOP}/unified"), &[]));
    }
    Hierarchies(list)
}

/// The step that comes before all others.
#[must_use]
pub fn boot_step(vm: &VmSpec) -> String {
    let disk = |name: &str, bytes: u64| match bytes {
        0 => String::new(),
        bytes => format!(", {} MiB of {name}", bytes >> 20),
    };
    format!(
        "machine: boot a throwaway guest: cgroup {}, {} CPUs, {} MiB{}{}, kernel {}",
        vm.cgroup.name(),
        vm.cpus,
        vm.memory_bytes >> 20,
        disk("swap", vm.swap_bytes),
        disk("disk", vm.disk_bytes),
        vm.kernel.as_deref().unwrap_or("of --kernel or the host's newest")
    )
}
