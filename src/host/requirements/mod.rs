//! The named requirements: what a machine must have for anything to run, and what it may have.

use super::Facts;
use crate::record::Requirement;
use crate::scenario::NamespaceKind;

mod groups;
mod privileges;
mod resources;

use groups::{alone, clone3, controller, killing, mounted, pids_peak, writable};
use privileges::{capability, namespace, root, seccomp, subordinate_ids, sys_resource};
use resources::{
    memory_headroom, node_disk, proc_readable, psi, quarters, runtime_directory, two_cpus,
};

/// Controllers that every node is made of: its capacity is a cpuset, memory and tasks, and cpu is what neighbours share.
const CONTROLLERS: [&str; 4] = ["pids", "memory", "cpu", "cpuset"];

/// Capabilities without which a sandbox cannot be set up or taken down, and what each is needed for.
const CAPABILITIES: [(&str, &str); 7] = [
    ("sys_admin", "namespaces and mounts"),
    ("setuid", "the sandbox's user IDs"),
    ("setgid", "the sandbox's group IDs"),
    ("setpcap", "taking capabilities away"),
    ("kill", "ending processes of other users"),
    ("chown", "the sandbox's files"),
    ("dac_override", "cgroup folders that not even root may write by their mode"),
];

/// Checks every requirement, in a fixed order, without writing anything.
#[must_use]
pub fn requirements(facts: &Facts) -> Vec<Requirement> {
    let mut list = vec![proc_readable(facts), root(facts), mounted(facts), writable(facts)];
    list.extend(alone(facts));
    list.extend(CONTROLLERS.map(|name| controller(facts, name)));
    list.push(clone3(facts));
    list.extend(killing(facts));
    list.extend(NamespaceKind::ALL.map(|kind| namespace(facts, kind)));
    list.extend(subordinate_ids(facts).into_iter().flatten());
    list.extend(CAPABILITIES.map(|(name, purpose)| capability(facts, name, purpose)));
    list.push(sys_resource(facts));
    list.push(seccomp(facts));
    list.push(psi(facts));
    list.push(two_cpus(facts));
    list.push(runtime_directory(facts));
    list.extend(quarters(facts));
    list.push(memory_headroom(facts));
    list.push(pids_peak(facts));
    list.extend(node_disk(facts));
    list
}

/// A requirement with its remedy dropped when it is met.
fn requirement(
    name: &str,
    required: bool,
    met: bool,
    found: String,
    remedy: String,
) -> Requirement {
    let remedy = if met { String::new() } else { remedy };
    Requirement { name: name.to_owned(), required, met, found, remedy }
}
