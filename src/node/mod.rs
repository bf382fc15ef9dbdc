//! The node: a miniature of a machine for one case. A guard cgroup with a capacity, in which attacker and victim are
//! children, as pods are children of a Kubernetes node's `kubepods`. In a throwaway guest it may be without a guard: the
//! group is there, and nothing is limited.

mod disk;
mod placement;
pub mod uplink;

pub use disk::{
    Disk, DiskError, DiskPlan, can_format, image_of, mount_of, template_of, write_template,
};
pub use placement::{Cpus, place};
pub use uplink::{Uplink, UplinkError};

use std::path::Path;
use std::time::Duration;

use crate::announce::{Announce, By, Unheard};
use crate::cgroup::{CgroupError, Group, GroupStep, Hierarchies, Setting, node_settings};
use crate::scenario::NodeSpec;

/// Who makes the node's changes, in the steps of a run.
const NAME: &str = "node";

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
    /// Its uplink, where it has one.
    pub uplink: Option<Uplink>,
    gone: bool,
}

impl Node {
    /// The steps that [`Node::create`] does, printable.
    #[must_use]
    pub fn steps(group: &Group, spec: &NodeSpec, cpus: &Cpus, extra: &[&str]) -> Vec<String> {
        let controllers = [&CONTROLLERS, extra].concat();
        let mut steps: Vec<GroupStep> =
            top_of(group).delegate_step(&controllers).into_iter().collect();
        steps.extend(group.create_steps());
        steps.push(group.set_step(&Setting::cpuset(&cpus.node)));
        let settings = node_settings(spec, &|controller| group.version_of(controller));
        steps.extend(settings.iter().map(|setting| group.set_step(setting)));
        steps.extend(group.delegate_step(&controllers));
        named(&steps)
    }

    /// The steps that [`Node::remove`] does, printable.
    #[must_use]
    pub fn removal_steps(group: &Group) -> Vec<String> {
        named(&group.removal_steps())
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
        to: &mut dyn Announce,
    ) -> Result<Self, CgroupError> {
        let to = &mut By::new(NAME, to);
        let settings = node_settings(&spec, &|controller| group.version_of(controller));
        // Owned from here on: whatever fails below, dropping it removes the directories.
        let node = Self { spec, group, cpus, settings, uplink: None, gone: false };
        let controllers = [&CONTROLLERS, extra].concat();
        top_of(&node.group).delegate(&controllers, to)?;
        node.group.create(to)?;
        if node.spec.guard {
            node.group.pin(&node.cpus.node, to)?;
        }
        for setting in &node.settings {
            node.group.set(setting, has_swap, to)?;
        }
        node.group.delegate(&controllers, to)?;
        Ok(node)
    }

    /// Makes its uplink, where its capacity names one. `program` is this binary, which the servers at the far end run.
    ///
    /// # Errors
    /// The change that failed.
    pub fn connect(
        &mut self,
        run_id: &str,
        program: &Path,
        to: &mut dyn Announce,
    ) -> Result<(), UplinkError> {
        if let Some(bits) = self.spec.uplink_bits_per_second {
            self.uplink = Some(Uplink::create(run_id, bits, program, &self.cpus, to)?);
        }
        Ok(())
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
    pub fn remove(&mut self, to: &mut dyn Announce) -> Result<(), CgroupError> {
        if self.gone {
            return Ok(());
        }
        let to = &mut By::new(NAME, to);
        let killed = self.group.kill(KILL_LIMIT, to);
        // An empty group goes whether or not it could be killed, and the error is told all the same.
        self.group.remove(to)?;
        killed?;
        self.gone = true;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.remove(&mut Unheard);
    }
}

/// The top of every hierarchy, of which the node's group is a child.
fn top_of(group: &Group) -> Group {
    Group::top(group.hierarchies().clone(), "")
}

fn named(steps: &[GroupStep]) -> Vec<String> {
    steps.iter().map(|step| format!("{NAME}: {step}")).collect()
}

/// The group of the node of this run.
#[must_use]
pub fn node_group(hierarchies: Hierarchies, run_name: &str) -> Group {
    Group::top(hierarchies, run_name)
}
