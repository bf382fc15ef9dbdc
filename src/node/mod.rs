//! The node: a miniature of a machine for one case. A guard cgroup with a capacity, in which attacker and victim are
//! children, as pods are children of a Kubernetes node's `kubepods`. In a throwaway guest it may be without a guard: the
//! group is there, and nothing is limited.

mod placement;

pub use placement::{Cpus, place};

use std::time::Duration;

use crate::cgroup::{CgroupError, Group, Hierarchies, Setting, node_settings};
use crate::scenario::NodeSpec;

const KILL_LIMIT: Duration = Duration::from_secs(10);

/// The controllers that a node needs.
pub const CONTROLLERS: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];

/// A node that exists. Dropping it kills what is in it and removes it.
#[derive(Debug)]
pub struct Node {
    /// Its capacity.
    pub spec: NodeSpec,
    /// Its cgroup.
    pub group: Group,
    /// Who runs where.
    pub cpus: Cpus,
    /// Its capacity as kernel files and values.
    pub settings: Vec<Setting>,
    gone: bool,
}

impl Node {
    /// The steps that [`Node::create`] does, printable.
    #[must_use]
    pub fn steps(group: &Group, spec: &NodeSpec, cpus: &Cpus) -> Vec<String> {
        let mut steps = vec![format!("node: create cgroup /{}", group.relative().display())];
        if spec.guard {
            steps.push(format!("node: pin to CPUs {}", cpus.node));
        }
        let settings = node_settings(spec, &|controller| group.version_of(controller));
        steps.extend(
            settings
                .iter()
                .map(|setting| format!("node: set {} = {}", setting.file, setting.value)),
        );
        steps
    }

    /// Makes the guard cgroup and writes its capacity. Sandboxes may use `extra` controllers besides those of the node.
    ///
    /// # Errors
    /// The directory or file that failed; what had been made by then is gone again.
    pub fn create(
        group: Group,
        spec: NodeSpec,
        cpus: Cpus,
        has_swap: bool,
        extra: &[&str],
    ) -> Result<Self, CgroupError> {
        let settings = node_settings(&spec, &|controller| group.version_of(controller));
        // Owned from here on: whatever fails below, dropping it removes the directories.
        let node = Self { spec, group, cpus, settings, gone: false };
        let controllers = [&CONTROLLERS, extra].concat();
        let top = Group::top(node.group.hierarchies().clone(), "");
        top.delegate(&controllers)?;
        node.group.create()?;
        if node.spec.guard {
            node.group.pin(&node.cpus.node)?;
        }
        for setting in &node.settings {
            node.group.set(setting, has_swap)?;
        }
        node.group.delegate(&controllers)?;
        Ok(node)
    }

    /// The cgroup for a sandbox of this name.
    #[must_use]
    pub fn sandbox_group(&self, name: &str) -> Group {
        self.group.child(name)
    }

    /// Removes the guard cgroup, which must be empty of sandboxes by now. Safe to call again.
    ///
    /// # Errors
    /// What would not die or go.
    pub fn remove(&mut self) -> Result<(), CgroupError> {
        if self.gone {
            return Ok(());
        }
        self.group.kill(KILL_LIMIT)?;
        self.group.remove()?;
        self.gone = true;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// The group of the node of this run.
#[must_use]
pub fn node_group(hierarchies: Hierarchies, run_name: &str) -> Group {
    Group::top(hierarchies, run_name)
}
