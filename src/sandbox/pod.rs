//! A pod: a cgroup around those of its sandboxes, with the limits of their sum, and a pause process that holds what they share.
//!
//! The pause process is a sandbox of its own with every namespace new. Sandboxes of the pod enter some of its namespaces
//! (`src/sys/spawn.rs`), so what is in these is there as long as the pause process is: an address, ports, System V objects.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use crate::announce::{Announce, By, Unheard};
use crate::cgroup::{CgroupError, Group, GroupStep, Setting, settings};
use crate::scenario::{NamespaceKind, PodSpec};

use super::runtime::Runtime;
use super::{Plan, Sandbox, SandboxError, Spec};

const KILL_LIMIT: Duration = Duration::from_secs(5);

/// What a pod will be.
#[derive(Debug, Clone)]
pub struct PodPlan {
    /// What it was made from.
    pub spec: PodSpec,
    /// Its cgroup.
    pub group: Group,
    /// Its limits as kernel files and values.
    pub settings: Vec<Setting>,
    /// Controllers that its sandboxes may use.
    controllers: Vec<String>,
    /// Its pause process.
    pub pause: Plan,
}

impl PodPlan {
    /// Plans a pod below the node's group, with this pause process. Pure.
    ///
    /// # Errors
    /// What the runtime cannot give the pause process.
    pub fn new(
        spec: PodSpec,
        pause: Spec,
        node: &Group,
        controllers: &[&str],
        runtime: &dyn Runtime,
    ) -> Result<Self, SandboxError> {
        let group = node.child(&spec.group_name());
        let mut settings = settings(&spec.limits, &|controller| group.version_of(controller));
        if let Some(device) = &pause.disk_device {
            settings = settings.into_iter().map(|setting| setting.at_device(device)).collect();
        }
        let own = pause.group(node);
        let pause = runtime.prepare(pause, &own)?;
        let controllers = controllers.iter().map(|&name| name.to_owned()).collect();
        Ok(Self { spec, group, settings, controllers, pause })
    }

    /// Who makes its changes, in the steps of a run.
    fn who(&self) -> String {
        format!("pod {}", self.spec.name)
    }

    fn controllers(&self) -> Vec<&str> {
        self.controllers.iter().map(String::as_str).collect()
    }

    /// The steps that [`Pod::create`] does, printable.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        let mut steps: Vec<GroupStep> = self.group.create_steps();
        steps.extend(self.settings.iter().map(|setting| self.group.set_step(setting)));
        steps.extend(self.group.delegate_step(&self.controllers()));
        let who = self.who();
        steps.iter().map(|step| format!("{who}: {step}")).chain(self.pause.printable()).collect()
    }

    /// The steps that [`Pod::end`] does, printable.
    #[must_use]
    pub fn removal_steps(&self) -> Vec<String> {
        let own = self.group.child(&self.pause.spec.name);
        let mut steps: Vec<String> = self.pause.removal(&own).collect();
        let who = self.who();
        let lifted = self.settings.iter().filter_map(Setting::lifted);
        steps.extend(lifted.map(|setting| format!("{who}: {}", self.group.set_step(&setting))));
        steps.extend(self.group.removal_steps().iter().map(|step| format!("{who}: {step}")));
        steps
    }
}

/// A pod that exists. Dropping it ends its pause process and removes its cgroup, which must hold no other sandbox by then.
#[derive(Debug)]
pub struct Pod {
    /// What it was made from.
    pub spec: PodSpec,
    /// Its cgroup.
    pub group: Group,
    /// Its limits that are in force.
    pub settings: Vec<Setting>,
    /// Limits that this machine could not set and may go without, each with the reason.
    pub skipped: Vec<String>,
    /// The process that holds its namespaces.
    pub pause: Sandbox,
    held: Vec<(NamespaceKind, File)>,
    ended: bool,
}

impl Pod {
    /// Makes the cgroup with its limits, and starts the pause process.
    ///
    /// # Errors
    /// The step that failed; what had been made by then is gone again.
    pub fn create(
        plan: &PodPlan,
        runtime: &dyn Runtime,
        to: &mut dyn Announce,
    ) -> Result<Self, SandboxError> {
        let made = Self::make(plan, runtime, to);
        if made.is_err() {
            let _ = plan.group.kill(KILL_LIMIT, &mut Unheard);
            let _ = plan.group.remove(&mut Unheard);
        }
        made
    }

    fn make(
        plan: &PodPlan,
        runtime: &dyn Runtime,
        to: &mut dyn Announce,
    ) -> Result<Self, SandboxError> {
        let who = plan.who();
        let at = |source: CgroupError| match source.is_lack() {
            true => SandboxError::Unsupported { sandbox: who.clone(), reason: source.to_string() },
            false => SandboxError::Cgroup { sandbox: who.clone(), source },
        };
        let (mut settings, mut skipped) = (Vec::new(), Vec::new());
        {
            let to = &mut By::new(&who, to);
            plan.group.create(to).map_err(at)?;
            for setting in &plan.settings {
                if plan.group.set(setting, plan.pause.spec.has_swap, to).map_err(at)? {
                    settings.push(setting.clone());
                } else {
                    skipped
                        .push(format!("{}: not on this machine, which has no swap", setting.file));
                }
            }
            plan.group.delegate(&plan.controllers(), to).map_err(at)?;
        }
        let own = plan.group.child(&plan.pause.spec.name);
        let pause = runtime.launch(&plan.pause, &own, None, to)?;
        let folder = Path::new("/proc").join(pause.pid.to_string()).join("ns");
        let open = |kind: NamespaceKind| -> io::Result<(NamespaceKind, File)> {
            Ok((kind, File::open(folder.join(kind.name()))?))
        };
        let held = NamespaceKind::ALL.into_iter().map(open).collect::<Result<_, _>>();
        let held = held.map_err(|source| SandboxError::Step {
            sandbox: who.clone(),
            step: format!("open the namespaces in {}", folder.display()),
            source,
        })?;
        let (spec, group) = (plan.spec.clone(), plan.group.clone());
        Ok(Self { spec, group, settings, skipped, pause, held, ended: false })
    }

    /// Its namespaces of these kinds in the order in which they are to be entered, the user namespace last.
    #[must_use]
    pub fn namespaces(&self, kinds: &[NamespaceKind]) -> Vec<BorrowedFd<'_>> {
        let mut held: Vec<_> = self.held.iter().filter(|(kind, _)| kinds.contains(kind)).collect();
        held.sort_by_key(|(kind, _)| *kind == NamespaceKind::User);
        held.into_iter().map(|(_, file)| file.as_fd()).collect()
    }

    /// Ends the pause process and removes the cgroup. Safe to call again.
    ///
    /// # Errors
    /// What would not die or go.
    pub fn end(&mut self, to: &mut dyn Announce) -> Result<(), SandboxError> {
        if self.ended {
            return Ok(());
        }
        let ended = self.pause.end(to);
        let who = format!("pod {}", self.spec.name);
        let at = |source| SandboxError::Cgroup { sandbox: who.clone(), source };
        let to = &mut By::new(&who, to);
        // Whatever failed, what comes after is tried all the same, and the first failure is told.
        let mut first = Ok(());
        for setting in self.settings.iter().filter_map(Setting::lifted) {
            first = first.and(self.group.write(&setting, to).map_err(at));
        }
        let killed = self.group.kill(KILL_LIMIT, to).map_err(at);
        let removed = self.group.remove(to).map_err(at);
        ended.and(first).and(killed).and(removed)?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.end(&mut Unheard);
    }
}
