//! What the sandboxes of a scenario would have, concluded from the steps that a run would make them with. It only reads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::dry_run::{DryLimit, sandbox_limits};
use super::outlook::Outlook;
use super::run_directory::PREFIX;
use super::specs::{Premises, in_order, sandbox_of};
use super::{EngineError, dry_guest};
use crate::cgroup::{Group, Hierarchies};
use crate::host::capabilities;
use crate::node::{Cpus, node_group, place};
use crate::sandbox::runtime::{Native, Runtime};
use crate::sandbox::{Plan, Step};
use crate::scenario::{
    Config, Control, NamespaceKind, Role, Scenario, Sharing, VmSpec, with_controls,
};

/// One sandbox of a case as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedSandbox {
    /// The scenario.
    pub scenario: String,
    /// The config.
    pub config: String,
    /// Which control that is.
    pub control: Option<Control>,
    /// The guest that it would be in; null for this machine.
    pub guest: Option<VmSpec>,
    /// Its name.
    pub sandbox: String,
    /// Attacker, victim or sidecar.
    pub role: Role,
    /// For each kind, whether the namespace is its own (`new`), its pod's (`pod`) or the host's (`host`).
    pub namespaces: BTreeMap<NamespaceKind, Sharing>,
    /// The directories of its cgroup.
    pub cgroups: Vec<PathBuf>,
    /// What its limits become.
    pub limits: Vec<DryLimit>,
    /// Its CPUs, in the kernel's list format.
    pub cpus: String,
    /// How many IDs its user namespace maps, from 0 on; which host IDs they are, the run's ID decides. Null in the host's.
    pub mapped_ids: Option<u32>,
    /// The user and group of what runs inside, as it sees them itself; null in the host's user namespace, where the run's ID decides it.
    pub user: Option<u32>,
    /// Its capabilities, by name.
    pub capabilities: PlannedCapabilities,
    /// `default` for the profile of sandboxes, `caller` where no filter is added to those that the harness itself is under.
    pub seccomp: &'static str,
    /// Whether an exec can give it no more privileges than it has.
    pub no_new_privs: bool,
    /// Paths that are hidden, where they exist.
    pub masked_paths: Vec<String>,
    /// Paths that it cannot write to, where they exist.
    pub read_only_paths: Vec<String>,
    /// Resource limits that are set, soft and hard alike; the others are the harness's.
    pub rlimits: BTreeMap<String, u64>,
}

/// Capabilities of what runs inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlannedCapabilities {
    /// What it may do.
    pub effective: Vec<String>,
    /// What it may make effective.
    pub permitted: Vec<String>,
    /// What executing a file could give it at most.
    pub bounding: Vec<String>,
    /// What stays over an exec.
    pub ambient: Vec<String>,
}

/// Plans the sandboxes of all cases, controls included, in the order of a run. Changes nothing.
///
/// # Errors
/// The machine's cgroups or CPUs cannot be read.
pub fn planned_sandboxes(scenarios: &[Scenario]) -> Result<Vec<PlannedSandbox>, EngineError> {
    let outlook = Outlook::read()?;
    let mut found = Vec::new();
    for scenario in scenarios {
        for config in &with_controls(scenario) {
            let case = Case { scenario, config };
            match config.vm() {
                None => {
                    let (hierarchies, usable) = (&outlook.hierarchies, &outlook.usable);
                    case.sandboxes(hierarchies, usable, outlook.premises(), &mut found)?;
                }
                Some(vm) => {
                    let usable: Vec<u32> = (0..vm.cpus).collect();
                    let has_swap = vm.swap_bytes > 0;
                    let premises =
                        Premises { masked: &[], system: &[], has_swap, ..outlook.premises() };
                    case.sandboxes(&dry_guest::hierarchies(vm), &usable, premises, &mut found)?;
                }
            }
        }
    }
    Ok(found)
}

struct Case<'a> {
    scenario: &'a Scenario,
    config: &'a Config,
}

impl Case<'_> {
    fn sandboxes(
        &self,
        hierarchies: &Hierarchies,
        usable: &[u32],
        premises: Premises<'_>,
        found: &mut Vec<PlannedSandbox>,
    ) -> Result<(), EngineError> {
        let config = self.config;
        let cpus = place(config.placement, config.node.width(), usable);
        let node = node_group(hierarchies.clone(), &format!("{PREFIX}{}", premises.run_id));
        for index in in_order(config) {
            found.push(self.sandbox(index, &cpus, &node, premises)?);
        }
        Ok(())
    }

    fn sandbox(
        &self,
        index: usize,
        cpus: &Cpus,
        node: &Group,
        premises: Premises<'_>,
    ) -> Result<PlannedSandbox, EngineError> {
        let role = self.config.sandboxes[index].role;
        let spec = sandbox_of(self.config, index, cpus, premises)?;
        let group = spec.group(node);
        let plan = Native.prepare(spec, &group)?;
        let spec = &plan.spec;
        let limits = sandbox_limits(&spec.name, &spec.limits, &plan.settings, &group);
        let own_users = spec.namespaces.is_apart(NamespaceKind::User);
        let sharing = |kind| (kind, spec.namespaces.sharing(kind));
        let posture = Posture::of(&plan);
        Ok(PlannedSandbox {
            scenario: self.scenario.name.clone(),
            config: self.config.name.clone(),
            control: self.config.control,
            guest: self.config.vm().cloned(),
            sandbox: spec.name.clone(),
            role,
            namespaces: NamespaceKind::ALL.into_iter().map(sharing).collect(),
            cgroups: group.directories().collect(),
            limits,
            cpus: spec.cpus.clone(),
            mapped_ids: own_users.then_some(spec.ids.count),
            user: posture.user.filter(|_| own_users),
            capabilities: posture.capabilities,
            seccomp: posture.seccomp.unwrap_or("caller"),
            no_new_privs: posture.no_new_privs,
            masked_paths: posture.masked,
            read_only_paths: posture.read_only,
            rlimits: posture.rlimits,
        })
    }
}

/// What the steps of a sandbox's first process amount to.
#[derive(Default)]
struct Posture {
    user: Option<u32>,
    capabilities: PlannedCapabilities,
    no_new_privs: bool,
    seccomp: Option<&'static str>,
    masked: Vec<String>,
    read_only: Vec<String>,
    rlimits: BTreeMap<String, u64>,
}

impl Posture {
    fn of(plan: &Plan) -> Self {
        let mut it = Self::default();
        let root = plan.spec.root.display().to_string();
        let inside = |path: &str| match path.strip_prefix(root.as_str()) {
            Some("") => "/".to_owned(),
            Some(rest) => rest.to_owned(),
            None => path.to_owned(),
        };
        for step in &plan.inside {
            match step {
                Step::Mask { path } => it.masked.push(path.clone()),
                Step::ProtectPath { path } => it.read_only.push(path.clone()),
                Step::ProtectRoot => it.read_only.push("/".to_owned()),
                Step::Mount { at, read_only: true, .. } => it.read_only.push(inside(at)),
                Step::Bind { to, read_only: true, .. } => it.read_only.push(inside(to)),
                Step::SetRlimit { resource, value } => {
                    it.rlimits.insert(resource.to_ascii_lowercase(), *value);
                }
                Step::BoundCapabilities { keep } => {
                    it.capabilities.bounding = named(keep);
                }
                // It gives up all others.
                Step::BecomeUser { id, keep } => {
                    it.user = Some(*id);
                    let kept = named(keep);
                    it.capabilities.effective.clone_from(&kept);
                    it.capabilities.permitted.clone_from(&kept);
                    it.capabilities.ambient = kept;
                }
                Step::FilterSystemCalls => it.seccomp = Some("default"),
                Step::NoNewPrivileges => it.no_new_privs = true,
                _ => {}
            }
        }
        it
    }
}

fn named(numbers: &[u8]) -> Vec<String> {
    capabilities::names(numbers.iter().fold(0_u64, |bits, &number| bits | 1_u64 << (number & 63)))
}
