//! Lays each config over the base of its file, and makes complete configs of the two.

use std::collections::BTreeMap;

use super::diagnostic::Spot;
use super::written::{
    ConfigWritten, FileWritten, Layer, LimitsWritten, Located, MachineWritten, MemoryWritten,
    NodeWritten, PodWritten, SandboxWritten, TrialsWritten, Where,
};
use super::{
    Config, Control, Limits, MachineSpec, Namespaces, NodeSpec, Placement, PodSpec, Resource, Role,
    SandboxSpec, Scenario, Sysctls, Tolerances, Trials, VmSpec, Workload, WorkloadSpec, kind,
};

/// The runtime of sandboxes that name none.
pub(super) const DEFAULT_RUNTIME: &str = "native";

/// One config with all that it inherits, and the places of both.
#[derive(Debug, Clone)]
pub(super) struct Merged<'a> {
    pub written: &'a ConfigWritten,
    /// As written, and after it what the matrix adds.
    pub name: Option<String>,
    pub machine: MachineWritten,
    pub node: NodeWritten,
    placement: Option<Located<Placement>>,
    pub attacker: SandboxWritten,
    pub victim: SandboxWritten,
    pub pods: Option<Vec<PodWritten>>,
    pub sidecars: Option<Vec<SandboxWritten>>,
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
        machine: merge_machine(&layer.machine, &base.machine),
        node: merge_node(&layer.node, &base.node),
        placement: pick(&layer.placement, &base.placement),
        attacker: over(&layer.attacker, &base.attacker),
        victim: over(&layer.victim, &base.victim),
        pods: pick(&layer.pods, &base.pods),
        sidecars: pick(&layer.sidecars, &base.sidecars),
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

/// The keys of a guest are kept where only its place is said anew: `machine: vm` after `machine: host` is the guest that the
/// top of the file describes.
fn merge_machine(top: &MachineWritten, below: &MachineWritten) -> MachineWritten {
    MachineWritten {
        place: pick(&top.place, &below.place),
        kernel: pick(&top.kernel, &below.kernel),
        cgroup: pick(&top.cgroup, &below.cgroup),
        cpus: pick(&top.cpus, &below.cpus),
        memory: pick(&top.memory, &below.memory),
        swap: pick(&top.swap, &below.swap),
        disk: pick(&top.disk, &below.disk),
        append: pick(&top.append, &below.append),
    }
}

fn merge_node(top: &NodeWritten, below: &NodeWritten) -> NodeWritten {
    NodeWritten {
        guard: pick(&top.guard, &below.guard),
        cpus: pick(&top.cpus, &below.cpus),
        memory: pick(&top.memory, &below.memory),
        pids: pick(&top.pids, &below.pids),
        disk: pick(&top.disk, &below.disk),
        uplink: pick(&top.uplink, &below.uplink),
    }
}

fn merge_sandbox(top: &SandboxWritten, below: &SandboxWritten) -> SandboxWritten {
    SandboxWritten {
        name: pick(&top.name, &below.name),
        pod: pick(&top.pod, &below.pod),
        runtime: pick(&top.runtime, &below.runtime),
        workload: pick(&top.workload, &below.workload),
        bad_workload: top.bad_workload || below.bad_workload,
        kind: pick(&top.kind, &below.kind),
        intensity: pick(&top.intensity, &below.intensity),
        threads: pick(&top.threads, &below.threads),
        burst: pick(&top.burst, &below.burst),
        command: pick(&top.command, &below.command),
        resource: pick(&top.resource, &below.resource),
        source: pick(&top.source, &below.source),
        processes: pick(&top.processes, &below.processes),
        memory: merge_memory(&top.memory, &below.memory),
        limits: pick(&top.limits, &below.limits),
        namespaces: pick(&top.namespaces, &below.namespaces),
        seccomp: pick(&top.seccomp, &below.seccomp),
        capabilities: pick(&top.capabilities, &below.capabilities),
        no_new_privs: pick(&top.no_new_privs, &below.no_new_privs),
        service: pick(&top.service, &below.service),
        user: pick(&top.user, &below.user),
    }
}

fn merge_memory(top: &MemoryWritten, below: &MemoryWritten) -> MemoryWritten {
    MemoryWritten {
        size: pick(&top.size, &below.size),
        workers: pick(&top.workers, &below.workers),
        rate: pick(&top.rate, &below.rate),
        allocations: pick(&top.allocations, &below.allocations),
        oom: pick(&top.oom, &below.oom),
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
        nproc: pick(&top.nproc, &below.nproc),
        tmpfs: pick(&top.tmpfs, &below.tmpfs),
        io: pick(&top.io, &below.io),
        net_egress: pick(&top.net_egress, &below.net_egress),
        net_ingress: pick(&top.net_ingress, &below.net_ingress),
        unified,
    }
}

impl Merged<'_> {
    /// Lays the value of an axis over the config: unlike those of a config, its limits leave the others as they are.
    pub fn overlay(&mut self, top: &Layer) {
        self.machine = merge_machine(&top.machine, &self.machine);
        self.node = merge_node(&top.node, &self.node);
        self.placement = pick(&top.placement, &self.placement);
        self.attacker.kind = pick(&top.attacker.kind, &self.attacker.kind);
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
        if self.node.guard.as_ref().is_some_and(|guard| !guard.value) {
            return NodeSpec::NONE;
        }
        NodeSpec {
            guard: true,
            cpus: value(&self.node.cpus)
                .and_then(|cpus| u32::try_from(cpus).ok())
                .unwrap_or(default.cpus),
            memory_bytes: value(&self.node.memory).unwrap_or(default.memory_bytes),
            pids: value(&self.node.pids).unwrap_or(default.pids),
            disk_bytes: value(&self.node.disk),
            uplink_bits_per_second: value(&self.node.uplink),
        }
    }

    /// The machine, with the defaults of what nobody wrote of a guest.
    pub fn machine_spec(&self) -> Option<MachineSpec> {
        let written = &self.machine;
        if written.place.as_ref()?.value == Where::Host {
            return Some(MachineSpec::Host);
        }
        let default = VmSpec::default();
        let size = |it: &Option<Located<u64>>, default| it.as_ref().map_or(default, |it| it.value);
        let text = |it: &Option<Located<String>>| it.as_ref().map(|it| it.value.clone());
        let cpus = size(&written.cpus, u64::from(default.cpus));
        Some(MachineSpec::Vm(VmSpec {
            kernel: text(&written.kernel),
            cgroup: written.cgroup.as_ref().map_or(default.cgroup, |it| it.value),
            cpus: u32::try_from(cpus).unwrap_or(default.cpus),
            memory_bytes: size(&written.memory, default.memory_bytes),
            swap_bytes: size(&written.swap, default.swap_bytes),
            disk_bytes: size(&written.disk, default.disk_bytes),
            append: text(&written.append),
        }))
    }

    /// The name that a sandbox has or gets, and where it was written.
    pub fn sandbox_name(&self, role: Role) -> (&str, Option<Spot>) {
        let (sandbox, default) = match role {
            Role::Attacker => (&self.attacker, "attacker"),
            // A sidecar has a name of its own, always.
            Role::Victim | Role::Sidecar => (&self.victim, "victim"),
        };
        match &sandbox.name {
            Some(name) => (&name.value, Some(name.spot)),
            None => (default, None),
        }
    }

    /// Attacker, victim and sidecars.
    pub fn written_sandboxes(&self) -> impl Iterator<Item = &SandboxWritten> {
        [&self.attacker, &self.victim].into_iter().chain(self.sidecars.iter().flatten())
    }

    /// The pods that sandboxes name, in that order, with what is written of them.
    pub fn pod_specs(&self) -> Vec<PodSpec> {
        let mut pods: Vec<PodSpec> = Vec::new();
        for name in self.written_sandboxes().filter_map(|it| it.pod.as_ref()) {
            if pods.iter().any(|pod| pod.name == name.value) {
                continue;
            }
            let same = |pod: &&PodWritten| {
                pod.name.as_ref().is_some_and(|written| written.value == name.value)
            };
            let mut spec = PodSpec::named(&name.value);
            if let Some(written) = self.pods.iter().flatten().find(same) {
                let flag = |it: &Option<Located<bool>>| it.as_ref().is_some_and(|it| it.value);
                spec.limits = written.limits.as_ref().map(limits).unwrap_or_default();
                spec.shared_pid = flag(&written.shared_pid);
                spec.shared_uts = flag(&written.shared_uts);
                let policy = written.restart_policy.as_ref();
                spec.restart_policy = policy.map(|it| it.value).unwrap_or_default();
                let base = written.restart_backoff.as_ref().map(|it| it.value);
                spec.restart_backoff_ms = base.unwrap_or(spec.restart_backoff_ms);
            }
            pods.push(spec);
        }
        pods
    }

    /// The namespaces of a sandbox: what is written, else what its pod gives or, without one, new ones.
    pub fn namespaces(&self, sandbox: &SandboxWritten) -> Option<Namespaces> {
        let written = sandbox.namespaces.as_ref().map(|found| found.value.clone());
        let written = written.unwrap_or_else(|| Namespaces(BTreeMap::new()));
        let Some(name) = &sandbox.pod else { return Some(Namespaces::default().with(&written)) };
        let pods = self.pod_specs();
        let pod = pods.iter().find(|pod| pod.name == name.value)?;
        Some(pod.namespaces(&written))
    }

    fn sandbox(&self, role: Role) -> Option<SandboxSpec> {
        let (written, workload) = match role {
            Role::Attacker => {
                let it = &self.attacker;
                let spec = WorkloadSpec {
                    name: it.workload.as_ref()?.value,
                    kind: kind::of(it),
                    intensity: it.intensity.as_ref().map_or(100, |found| found.value),
                    threads: it.threads.as_ref().map_or(1, |found| found.value),
                    burst: it.burst.as_ref().map(|found| found.value),
                    processes: it.processes.as_ref().map_or(1, |found| found.value),
                    command: it.command.as_ref().map_or_else(Vec::new, |found| found.value.clone()),
                    resource: it.resource.as_ref().map(|found| found.value),
                    memory: it
                        .workload
                        .as_ref()
                        .filter(|found| found.value == Workload::MemoryEater)
                        .map(|_| it.memory.spec()),
                    source: it.source.as_ref().map_or_else(Default::default, |found| found.value),
                };
                (it, Some(spec))
            }
            Role::Victim | Role::Sidecar => (&self.victim, None),
        };
        let service = written.service.as_ref().map(|found| found.value.clone());
        let name = self.sandbox_name(role).0.to_owned();
        Some(SandboxSpec { workload, service, ..self.any_sandbox(name, role, written)? })
    }

    fn sidecar(&self, written: &SandboxWritten) -> Option<SandboxSpec> {
        written.pod.as_ref()?;
        let name = written.name.as_ref()?.value.clone();
        let command = written.command.as_ref()?.value.clone();
        Some(SandboxSpec { command, ..self.any_sandbox(name, Role::Sidecar, written)? })
    }

    /// What every sandbox has, whatever its role.
    fn any_sandbox(
        &self,
        name: String,
        role: Role,
        written: &SandboxWritten,
    ) -> Option<SandboxSpec> {
        let owned = |text: &Option<Located<String>>| text.as_ref().map(|found| found.value.clone());
        Some(SandboxSpec {
            name,
            role,
            pod: owned(&written.pod),
            runtime: owned(&written.runtime).unwrap_or_else(|| DEFAULT_RUNTIME.to_owned()),
            workload: None,
            command: Vec::new(),
            limits: written.limits.as_ref().map(limits).unwrap_or_default(),
            namespaces: self.namespaces(written)?,
            masked_paths: true,
            seccomp: written.seccomp.as_ref().map(|found| found.value).unwrap_or_default(),
            capabilities: written
                .capabilities
                .as_ref()
                .map(|it| it.value.clone())
                .unwrap_or_default(),
            no_new_privs: written.no_new_privs.as_ref().is_none_or(|found| found.value),
            service: None,
            user: written.user.as_ref().map(|found| found.value).unwrap_or_default(),
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

    /// Whether the pod of the attacker has limits.
    pub fn is_held_by_pod(&self) -> bool {
        let name = self.attacker.pod.as_ref().map(|pod| pod.value.as_str());
        let has = |pod: &PodSpec| Some(pod.name.as_str()) == name && !pod.limits.is_empty();
        self.pod_specs().iter().any(has)
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
        let sidecars = self.sidecars.iter().flatten().map(|it| self.sidecar(it));
        let sidecars: Vec<SandboxSpec> = sidecars.collect::<Option<_>>()?;
        let base_victim = self.base_victim.as_ref().map(limits).unwrap_or_default();
        // A victim with limits of its own is a protection put to the test: the question is whether they help.
        let protects = self.protects();
        // Who only looks around is stopped by no limit: such a case has nothing to be compared with.
        let looks = attacker.workload.as_ref().is_some_and(|it| it.name == Workload::Look);
        let pods = self.pod_specs();
        let held = self.is_held_by_pod();
        let is_open = attacker.limits.is_empty() && !held && !protects && !looks;
        let mut config = Config {
            name: self.name.clone()?,
            position: Some(self.written.spot.position),
            control: is_open.then_some(Control::Open),
            when: self.written.when.iter().cloned().collect(),
            machine: self.machine_spec(),
            node: self.node_spec(),
            placement: Placement::Apart,
            sandboxes: [vec![attacker, victim], sidecars].concat(),
            pods,
            tolerances: self.tolerances.clone(),
            trials: self.trials(),
            sysctls: self.sysctls.clone(),
            stands_for: Vec::new(),
            unprotected: protects.then_some(base_victim),
            channels: false,
            ablation: None,
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
        nproc: value(&written.nproc),
        tmpfs_bytes: value(&written.tmpfs),
        io: written.io.as_ref().map(|found| found.value),
        net_egress_bits_per_second: value(&written.net_egress),
        net_ingress_bits_per_second: value(&written.net_ingress),
        unified: written
            .unified
            .iter()
            .map(|(knob, found)| (knob.clone(), found.value.clone()))
            .collect(),
    }
}

/// The whole scenario; `None` when something required is missing, which was reported before.
pub(super) fn scenario(
    file: &FileWritten,
    (name, text): (&str, &str),
    merged: &[Merged<'_>],
) -> Option<Scenario> {
    Some(Scenario {
        name: file.name.as_ref()?.value.clone(),
        summary: file.summary.clone(),
        file: name.to_owned(),
        text: text.to_owned(),
        configs: merged.iter().map(Merged::config).collect::<Option<_>>()?,
    })
}
