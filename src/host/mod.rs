//! What this machine is and what it can do: facts and named requirements, stored in every record.
//!
//! This room only reads. It takes the places of `/proc` and `/sys` as [`Roots`], so that fixtures stand in for machines
//! nobody has at hand. What cannot be read becomes an unmet requirement, never a guess.

pub mod capabilities;
pub mod cpus;
mod engines;
mod error;
mod facts;
pub mod inspect;
mod kernel;
mod memory;
pub mod mount_table;
mod mounts;
mod namespaces;
mod noise;
mod own_namespace;
mod psi;
mod remedies;
mod requirements;
mod roots;
mod runtime_directory;
mod status;
mod subordinate;
mod subtree;
mod tasks;

use crate::record::{CgroupMode, Machine, MachineKind, Requirement, Rootless};

pub use capabilities::Capabilities;
pub use cpus::Cpus;
pub use engines::{Engine, engines};
pub use error::HostError;
pub use facts::Facts;
pub use inspect::{InspectError, inspect};
pub use kernel::{Kernel, version};
pub use memory::Memory;
pub use mounts::{CgroupMounts, CgroupVersion, ControllerHome, Mount, V1Mount};
pub use namespaces::{NamespaceSupport, Namespaces};
pub use noise::{CpuNoise, noise};
pub use own_namespace::{OwnNamespace, VARIABLE as OWN_NAMESPACE, quarters};
pub use requirements::requirements;
pub use roots::Roots;
pub use runtime_directory::runtime_directory;
pub use subordinate::{Range, Subordinate};
pub use subtree::Subtree;
pub use tasks::Tasks;

/// Looks at the machine and checks every requirement. Changes nothing and needs no privileges.
#[must_use]
pub fn machine(roots: &Roots) -> Machine {
    let facts = Facts::read(roots);
    Machine {
        id: "host".to_owned(),
        kind: MachineKind::Host,
        kernel: facts.kernel.release.clone(),
        arch: facts.kernel.arch.clone(),
        cgroup: facts.cgroups.mode(),
        controllers: facts.cgroups.controllers(),
        cgroup_options: facts.cgroups.telling_options(),
        cpus: u32::try_from(facts.cpus.online.len()).unwrap_or(u32::MAX),
        memory_bytes: facts.memory.total_bytes,
        swap_bytes: facts.memory.swap_bytes,
        uid: facts.user(),
        capabilities: facts.capabilities.effective.clone(),
        emulated: facts.emulated,
        psi: facts.psi,
        requirements: requirements(&facts),
        guest: None,
        rootless: facts
            .subtree
            .as_ref()
            .map(|subtree| Rootless { uid: facts.user(), cgroup: subtree.group.clone() }),
    }
}

/// The cgroup hierarchies as a run may use them: without root on a machine with the unified one alone, the subtree of it that this
/// process is in.
///
/// # Errors
/// [`HostError::Unreadable`].
pub fn usable_cgroups(roots: &Roots) -> Result<CgroupMounts, HostError> {
    let mounts = CgroupMounts::read(roots)?;
    let uid = status::effective_uid(roots)?;
    Ok(match subtree_of(roots, &mounts, uid) {
        Some(subtree) => mounts.within(&subtree),
        None => mounts,
    })
}

/// The subtree that a run without root uses; `None` for root, and where cgroups of version 1 have controllers, which cannot be delegated
/// to a user safely (cgroups(7)).
fn subtree_of(roots: &Roots, mounts: &CgroupMounts, uid: u32) -> Option<Subtree> {
    let own = OwnNamespace::here(roots);
    if own.is_none() && uid == 0 || mounts.mode() != Some(CgroupMode::V2) {
        return None;
    }
    let uid = own.map_or(uid, |own| own.uid);
    Subtree::read(roots, mounts.unified.as_ref()?, uid)
}

impl Machine {
    /// The requirements without which nothing can run and that this machine does not meet.
    #[must_use]
    pub fn missing(&self) -> Vec<&Requirement> {
        self.requirements.iter().filter(|it| it.required && !it.met).collect()
    }

    /// The requirement of that name.
    #[must_use]
    pub fn requirement(&self, name: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|it| it.name == name)
    }
}

/// Why nothing can run on this machine, in one line: what is missing, and the remedies, each once. `None` when nothing
/// is missing.
#[must_use]
pub fn skip_reason(machine: &Machine) -> Option<String> {
    let missing = machine.missing();
    if missing.is_empty() {
        return None;
    }
    let found: Vec<String> =
        missing.iter().map(|it| format!("{} ({})", it.name, it.found)).collect();
    let mut remedies: Vec<&str> = Vec::new();
    for requirement in &missing {
        if !remedies.contains(&requirement.remedy.as_str()) {
            remedies.push(&requirement.remedy);
        }
    }
    let root = match &machine.rootless {
        Some(_) => "; or run as root: `sudo contain-test …`",
        None => "",
    };
    Some(format!("missing: {}; remedy: {}{root}", found.join(", "), remedies.join("; ")))
}
