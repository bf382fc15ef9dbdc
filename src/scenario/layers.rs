//! Lays each config over the base of its file, and makes complete configs of the two.

use super::diagnostic::Spot;
use super::written::{
    ConfigWritten, FileWritten, Layer, LimitsWritten, Located, NodeWritten, SandboxWritten,
    TrialsWritten,
};
use super::{
    Config, Control, Limits, NodeSpec, Placement, Resource, Role, SandboxSpec, Scenario, Sysctls,
    Tolerances, Trials, WorkloadSpec,
};

/// The runtime of sandboxes that name none.
pub(super) const DEFAULT_RUNTIME: &str = "native";

/// One config with all that it inherits, and the places of both.
#[derive(Debug, Clone)]
pub(super) struct Merged<'a> {
    pub written: &'a ConfigWritten,
    /// As written, and after it what the matrix adds.
    pub name: Option<String>,
    pub node: NodeWritten,
    placement: Option<Located<Placement>>,
    pub attacker: SandboxWritten,
    pub victim: SandboxWritten,
    tolerances: Tolerances,
    trials: TrialsWritten,
    sysctls: Sysctls,
    /// The victim's limits of the base.
    base_victim: Option<LimitsWritten>,
}

/// A key of the config replaces that key of the base; `sandboxes` in a config replaces both sandboxes.
pub(super) fn merge<'a>(base: &Layer, written: &'a ConfigWritten) -> Merged<'a> {
    let layer = &written.layer;
    let over = |top: &SandboxWritten, below: &SandboxWritten| {
        if layer.listed { top.clone() } else { merge_sandbox(top, below) }
    };
    Merged {
        written,
        name: written.name.as_ref().map(|name| name.value.clone()),
        node: merge_node(&layer.node, &base.node),
        placement: pick(&layer.placement, &base.placement),
        attacker: over(&layer.attacker, &base.attacker),
        victim: over(&layer.victim, &base.victim),
        tolerances: layer.tolerances.over(&base.tolerances),
        trials: TrialsWritten {
            pairs: pick(&layer.trials.pairs, &base.trials.pairs),
            budget_ms: pick(&layer.trials.budget_ms, &base.trials.budget_ms),
            block_ms: pick(&layer.trials.block_ms, &base.trials.block_ms),
        },
        sysctls: layer.sysctls.over(&base.sysctls),
        base_victim: base.victim.limits.clone(),
    }
}

fn pick<T: Clone>(top: &Option<T>, below: &Option<T>) -> Option<T> {
    top.as_ref().or(below.as_ref()).cloned()
}

fn merge_node(top: &NodeWritten, below: &NodeWritten) -> NodeWritten {
    NodeWritten {
        cpus: pick(&top.cpus, &below.cpus),
        memory: pick(&top.memory, &below.memory),
        pids: pick(&top.pids, &below.pids),
    }
}

fn merge_sandbox(top: &SandboxWritten, below: &SandboxWritten) -> SandboxWritten {
    SandboxWritten {
        name: pick(&top.name, &below.name),
        pod: pick(&top.pod, &below.pod),
        runtime: pick(&top.runtime, &below.runtime),
        workload: pick(&top.workload, &below.workload),
        bad_workload: top.bad_workload || below.bad_workload,
        intensity: pick(&top.intensity, &below.intensity),
        threads: pick(&top.threads, &below.threads),
        burst: pick(&top.burst, &below.burst),
        limits: pick(&top.limits, &below.limits),
        namespaces: pick(&top.namespaces, &below.namespaces),
    }
}

/// Each limit given above replaces that limit below.
fn merge_limits(top: &LimitsWritten, below: &LimitsWritten) -> LimitsWritten {
    let mut unified = below.unified.clone();
    unified.extend(top.unified.clone());
    LimitsWritten {
        spot: below.spot,
        pids: pick(&top.pids, &below.pids),
        has_memory: top.has_memory || below.has_memory,
        memory: pick(&top.memory, &below.memory),
        swap: pick(&top.swap, &below.swap),
        cpu: pick(&top.cpu, &below.cpu),
        weight: pick(&top.weight, &below.weight),
        idle: pick(&top.idle, &below.idle),
        cpuset: pick(&top.cpuset, &below.cpuset),
        nofile: pick(&top.nofile, &below.nofile),
        unified,
    }
}

impl Merged<'_> {
    /// Lays the value of an axis over the config: unlike those of a config, its limits leave the others as they are.
    pub fn overlay(&mut self, top: &Layer) {
        self.node = merge_node(&top.node, &self.node);
        self.placement = pick(&top.placement, &self.placement);
        self.attacker.intensity = pick(&top.attacker.intensity, &self.attacker.intensity);
        self.attacker.threads = pick(&top.attacker.threads, &self.attacker.threads);
        self.attacker.limits = match (&top.attacker.limits, &self.attacker.limits) {
            (Some(top), Some(below)) => Some(merge_limits(top, below)),
            (top, below) => pick(top, below),
        };
    }

    /// The node with the defaults of what nobody wrote.
    pub fn node_spec(&self) -> NodeSpec {
        let default = NodeSpec::default();
        let value = |written: &Option<Located<u64>>| written.as_ref().map(|found| found.value);
        NodeSpec {
            cpus: value(&self.node.cpus)
                .and_then(|cpus| u32::try_from(cpus).ok())
                .unwrap_or(default.cpus),
            memory_bytes: value(&self.node.memory).unwrap_or(default.memory_bytes),
            pids: value(&self.node.pids).unwrap_or(default.pids),
        }
    }

    /// The name that a sandbox has or gets, and where it was written.
    pub fn sandbox_name(&self, role: Role) -> (&str, Option<Spot>) {
        let (sandbox, default) = match role {
            Role::Attacker => (&self.attacker, "attacker"),
            Role::Victim => (&self.victim, "victim"),
        };
        match &sandbox.name {
            Some(name) => (&name.value, Some(name.spot)),
            None => (default, None),
        }
    }

    fn sandbox(&self, role: Role) -> Option<SandboxSpec> {
        let (written, workload) = match role {
            Role::Attacker => {
                let name = self.attacker.workload.as_ref()?.value;
                let intensity = self.attacker.intensity.as_ref().map_or(100, |found| found.value);
                let threads = self.attacker.threads.as_ref().map_or(1, |found| found.value);
                let burst = self.attacker.burst.as_ref().map(|found| found.value);
                (&self.attacker, Some(WorkloadSpec { name, intensity, threads, burst }))
            }
            Role::Victim => (&self.victim, None),
        };
        let owned = |text: &Option<Located<String>>| text.as_ref().map(|found| found.value.clone());
        Some(SandboxSpec {
            name: self.sandbox_name(role).0.to_owned(),
            role,
            pod: owned(&written.pod),
            runtime: owned(&written.runtime).unwrap_or_else(|| DEFAULT_RUNTIME.to_owned()),
            workload,
            limits: written.limits.as_ref().map(limits).unwrap_or_default(),
            namespaces: written
                .namespaces
                .as_ref()
                .map(|found| found.value.clone())
                .unwrap_or_default(),
        })
    }

    fn trials(&self) -> Trials {
        let value = |number: &Option<Located<u64>>| number.as_ref().map(|found| found.value);
        let default = Trials::default();
        Trials {
            pairs: value(&self.trials.pairs).and_then(|pairs| u32::try_from(pairs).ok()),
            budget_ms: value(&self.trials.budget_ms).unwrap_or(default.budget_ms),
            block_ms: value(&self.trials.block_ms).unwrap_or(default.block_ms),
        }
    }

    /// Whether the victim has limits that the top of the file does not give it.
    pub fn protects(&self) -> bool {
        let of = |written: &Option<LimitsWritten>| written.as_ref().map(limits).unwrap_or_default();
        let victim = of(&self.victim.limits);
        !victim.is_empty() && victim != of(&self.base_victim)
    }

    /// The complete config; `None` when something required is missing, which was reported before.
    fn config(&self) -> Option<Config> {
        let attacker = self.sandbox(Role::Attacker)?;
        let victim = self.sandbox(Role::Victim)?;
        let base_victim = self.base_victim.as_ref().map(limits).unwrap_or_default();
        // A victim with limits of its own is a protection put to the test: the question is whether they help.
        let protects = self.protects();
        let is_open = attacker.limits.is_empty() && !protects;
        let mut config = Config {
            name: self.name.clone()?,
            position: Some(self.written.spot.position),
            control: is_open.then_some(Control::Open),
            when: self.written.when.iter().cloned().collect(),
            node: self.node_spec(),
            placement: Placement::Apart,
            sandboxes: vec![attacker, victim],
            tolerances: self.tolerances.clone(),
            trials: self.trials(),
            sysctls: self.sysctls.clone(),
            stands_for: Vec::new(),
            unprotected: protects.then_some(base_victim),
            expect: self.written.expect.clone(),
            asserts: self.written.asserts.clone(),
        };
        config.placement = match &self.placement {
            Some(placement) => placement.value,
            // On CPUs of their own, neither could feel the other.
            None if config.own_resource() == Resource::Cpu => Placement::Together,
            None => Placement::Apart,
        };
        Some(config)
    }
}

fn limits(written: &LimitsWritten) -> Limits {
    let value = |number: &Option<Located<u64>>| number.as_ref().map(|found| found.value);
    Limits {
        pids: value(&written.pids),
        memory_bytes: value(&written.memory),
        swap_bytes: value(&written.swap),
        cpu_millis: value(&written.cpu),
        weight: value(&written.weight),
        idle: written.idle.as_ref().is_some_and(|found| found.value),
        cpuset: written.cpuset.as_ref().map(|found| found.value.clone()),
        nofile: value(&written.nofile),
        unified: written
            .unified
            .iter()
            .map(|(knob, found)| (knob.clone(), found.value.clone()))
            .collect(),
    }
}

/// The whole scenario; `None` when something required is missing, which was reported before.
pub(super) fn scenario(file: &FileWritten, name: &str, merged: &[Merged<'_>]) -> Option<Scenario> {
    Some(Scenario {
        name: file.name.as_ref()?.value.clone(),
        summary: file.summary.clone(),
        file: name.to_owned(),
        configs: merged.iter().map(Merged::config).collect::<Option<_>>()?,
    })
}
