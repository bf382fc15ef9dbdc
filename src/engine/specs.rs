//! From a config to what its sandboxes are to be: the same for a run and for a dry run.

use std::path::Path;

use contain_test_workloads::protocol;
use contain_test_workloads::{
    AttackOrder, Check, DiskOrder, Dose, MemoryOrder, PROBES, ServiceOrder, VictimOrder,
};

use super::EngineError;
use super::disk::plan_of;
use super::scene::named_controllers;
use crate::cgroup::Group;
use crate::node::{CONTROLLERS, Cpus};
use crate::sandbox::runtime::{Native, Runtime};
use crate::sandbox::{DISK_INSIDE, INSIDE_ID, IdRange, Plan, PodPlan, Spec};
use crate::scenario::{
    Capabilities, Config, Limits, MemorySpec, NamespaceKind, Namespaces, OomChoice, PodSpec,
    RandomSource, Resource, Role, SERVICE_OPERATION, SandboxSpec, Seccomp, ServiceCheck, Workload,
};

/// The dead-man timer of one stretch of attack, in seconds: far above any stretch, far below anybody's patience.
const DEAD_MAN_SECONDS: u64 = 30;

/// The order in which the scene starts its sandboxes, all of one role in the order of the file.
pub const ORDER: [Role; 3] = [Role::Sidecar, Role::Victim, Role::Attacker];

/// The places of a config's sandboxes in the order in which they are started.
pub fn in_order(config: &Config) -> impl Iterator<Item = usize> + '_ {
    ORDER.into_iter().flat_map(|role| {
        let all = config.sandboxes.iter().enumerate();
        all.filter(move |(_, sandbox)| sandbox.role == role).map(|(index, _)| index)
    })
}

/// What a run has chosen for all of its sandboxes.
#[derive(Debug, Clone, Copy)]
pub struct Premises<'a> {
    /// The run's ID.
    pub run_id: &'a str,
    /// The binary for the sandboxes.
    pub program: &'a Path,
    /// The mount point of each sandbox's root.
    pub root: &'a Path,
    /// Paths to hide besides the usual ones.
    pub masked: &'a [String],
    /// Folders of the machine that programs of others need, such as `/usr`.
    pub system: &'a [String],
    /// The device of the node's disk, once it is there.
    pub disk_device: Option<&'a str>,
    /// Whether the machine has swap.
    pub has_swap: bool,
}

/// What the sandbox of this role is to be.
pub fn spec_of(
    config: &Config,
    role: Role,
    cpus: &Cpus,
    premises: Premises<'_>,
) -> Result<Spec, EngineError> {
    let index =
        config.sandboxes.iter().position(|sandbox| sandbox.role == role).ok_or_else(|| {
            EngineError::Failed(format!("config {} has no {role:?}", config.name))
        })?;
    sandbox_of(config, index, cpus, premises)
}

/// What a sandbox is to be, by its place in the config.
///
/// # Errors
/// As [`spec_of`].
pub fn sandbox_of(
    config: &Config,
    index: usize,
    cpus: &Cpus,
    premises: Premises<'_>,
) -> Result<Spec, EngineError> {
    let wanted = config.sandboxes.get(index).ok_or_else(|| {
        EngineError::Failed(format!("config {} has no sandbox {index}", config.name))
    })?;
    let own_cpus = match wanted.role {
        Role::Attacker => &cpus.attacker,
        Role::Victim => &cpus.victim,
        Role::Sidecar => &cpus.node,
    };
    let ids = ids_of(config, index, premises.run_id)?;
    let disk = plan_of(config, premises.run_id, directory_of(premises))?
        .map(|plan| plan.directory_of(&wanted.name));
    Ok(Spec {
        name: wanted.name.clone(),
        pod: wanted.pod.clone(),
        hostname: wanted.pod.as_ref().unwrap_or(&wanted.name).clone(),
        limits: wanted.limits.clone(),
        namespaces: wanted.namespaces.clone(),
        masked_paths: wanted.masked_paths,
        seccomp: wanted.seccomp,
        capabilities: wanted.capabilities.clone(),
        no_new_privs: wanted.no_new_privs,
        cpus: wanted.limits.cpuset.clone().unwrap_or_else(|| own_cpus.clone()),
        ids,
        program: premises.program.to_owned(),
        root: premises.root.to_owned(),
        arguments: match wanted.role {
            Role::Sidecar => Vec::new(),
            _ => arguments(wanted, config, disk.as_deref())?,
        },
        command: wanted.command.clone(),
        disk,
        disk_device: premises.disk_device.map(str::to_owned),
        masked: premises.masked.to_vec(),
        system: match &wanted.workload {
            Some(workload) if workload.name == Workload::Command => premises.system.to_vec(),
            None if wanted.service.is_some() || wanted.role == Role::Sidecar => {
                premises.system.to_vec()
            }
            _ => Vec::new(),
        },
        has_swap: premises.has_swap,
    })
}

/// The run's directory.
fn directory_of(premises: Premises<'_>) -> &Path {
    premises.root.parent().unwrap_or(premises.root)
}

/// What a pod's pause process is to be: a sandbox with every namespace new, without limits of its own.
///
/// # Errors
/// More sandboxes than a run has ranges of IDs.
pub fn pause_of(
    config: &Config,
    pod: &PodSpec,
    cpus: &Cpus,
    premises: Premises<'_>,
) -> Result<Spec, EngineError> {
    let member = config.sandboxes.iter().position(|it| it.pod.as_ref() == Some(&pod.name));
    let ids = ids_of(config, member.unwrap_or_default(), premises.run_id)?;
    Ok(Spec {
        name: pod.pause_name(),
        pod: Some(pod.name.clone()),
        hostname: pod.name.clone(),
        limits: Limits::default(),
        namespaces: Namespaces::default(),
        masked_paths: true,
        seccomp: Seccomp::Default,
        capabilities: Capabilities::None,
        no_new_privs: true,
        cpus: cpus.node.clone(),
        ids: ids.of_pause(),
        program: premises.program.to_owned(),
        root: premises.root.to_owned(),
        arguments: vec!["__pause".to_owned()],
        command: Vec::new(),
        disk: None,
        disk_device: premises.disk_device.map(str::to_owned),
        masked: premises.masked.to_vec(),
        system: Vec::new(),
        has_swap: premises.has_swap,
    })
}

/// The pods of a config, planned in their order below the node's group.
///
/// # Errors
/// As [`pause_of`], and what the runtime cannot give.
pub fn pod_plans(
    config: &Config,
    cpus: &Cpus,
    node: &Group,
    premises: Premises<'_>,
) -> Result<Vec<PodPlan>, EngineError> {
    let controllers = [&CONTROLLERS[..], &named_controllers(config)].concat();
    let plan = |pod: &PodSpec| {
        let pause = pause_of(config, pod, cpus, premises)?;
        Ok(PodPlan::new(pod.clone(), pause, node, &controllers, &Native)?)
    };
    config.pods.iter().map(plan).collect()
}

/// The sidecars of a config, planned in the order of the file below the node's group.
///
/// # Errors
/// As [`sandbox_of`], and what the runtime cannot give.
pub fn sidecar_plans(
    config: &Config,
    cpus: &Cpus,
    node: &Group,
    premises: Premises<'_>,
) -> Result<Vec<(Plan, Group)>, EngineError> {
    let sidecars = config.sandboxes.iter().enumerate().filter(|(_, it)| it.role == Role::Sidecar);
    let plan = |index: usize| {
        let spec = sandbox_of(config, index, cpus, premises)?;
        let group = spec.group(node);
        Ok((Native.prepare(spec, &group)?, group))
    };
    sidecars.map(|(index, _)| plan(index)).collect()
}

/// The IDs of a config's sandbox, by its place in the config. Who shares a user shares all of its IDs; sandboxes of one pod, which
/// share a user namespace, share the range of the first of them.
///
/// # Errors
/// More sandboxes than a run has ranges of IDs.
pub fn ids_of(config: &Config, index: usize, run_id: &str) -> Result<IdRange, EngineError> {
    let index = if config.shares_user() { 0 } else { index };
    let pod_of = |index: usize| config.sandboxes.get(index).and_then(|it| it.pod.as_deref());
    let first = (0..index).find(|&other| pod_of(index).is_some() && pod_of(other) == pod_of(index));
    let range = first.unwrap_or(index);
    let inside = INSIDE_ID + u32::try_from(index - range).unwrap_or_default();
    IdRange::of_run(run_id).get(range).map(|ids| ids.of_user(inside)).ok_or_else(|| {
        EngineError::Failed("a config has more sandboxes than a run has ranges of IDs".to_owned())
    })
}

/// The hidden role of a sandbox. The dose cap of an attacker is the node's capacity: more would be of no use in it, and
/// without it the machine is still safe.
fn arguments(
    sandbox: &SandboxSpec,
    config: &Config,
    disk: Option<&Path>,
) -> Result<Vec<String>, EngineError> {
    // Without a mount namespace of its own it sees what the host sees.
    let has_root = sandbox.namespaces.is_new(NamespaceKind::Mnt);
    let folder = disk.map(|host| if has_root { Path::new(DISK_INSIDE) } else { host });
    let written = |order: serde_json::Result<String>| {
        order.map_err(|error| EngineError::Failed(format!("cannot write an order: {error}")))
    };
    let Some(workload) = &sandbox.workload else {
        let service = sandbox.service.as_ref().map(|service| ServiceOrder {
            probe: service_probe(config.own_resource()),
            command: service.command.clone(),
            check: check(&service.check),
        });
        let disk = folder.map(Path::to_owned);
        let order = VictimOrder { probes: usual_probes(config).collect(), disk, service };
        return Ok(vec!["__victim".to_owned(), written(serde_json::to_string(&order))?]);
    };
    let order = AttackOrder {
        workload: workload.name.name().to_owned(),
        kind: workload.kind.map(|kind| kind.name().to_owned()),
        intensity: workload.intensity,
        threads: workload.threads,
        burst: workload
            .burst
            .map(|burst| protocol::Burst { busy_us: burst.busy_us, period_us: burst.period_us }),
        command: workload.command.clone(),
        source: match workload.source {
            RandomSource::Getrandom => protocol::RandomSource::Getrandom,
            RandomSource::Urandom => protocol::RandomSource::Urandom,
            RandomSource::Random => protocol::RandomSource::Random,
        },
        processes: workload.processes,
        memory: workload.memory.map(memory_order),
        disk: folder
            .zip(config.node.disk_bytes)
            .map(|(folder, bytes)| DiskOrder { folder: folder.to_owned(), bytes }),
        dose: Dose {
            // Without a guard the kernel's own tables are what the attack is to meet; the workload bounds the rest.
            tasks: config.node.capacity(config.node.pids).unwrap_or(u64::MAX),
            bytes: config.node.capacity(config.node.memory_bytes).unwrap_or(u64::MAX),
            seconds: DEAD_MAN_SECONDS,
            unguarded: !config.node.guard,
        },
    };
    Ok(vec!["__attacker".to_owned(), written(serde_json::to_string(&order))?])
}

/// The name of the probe that asks a victim's service.
fn service_probe(own: Resource) -> String {
    format!("{own}/{SERVICE_OPERATION}")
}

fn check(check: &ServiceCheck) -> Check {
    match check {
        ServiceCheck::Tcp { port } => Check::Tcp { port: *port },
        ServiceCheck::Http { port, path, status } => {
            Check::Http { port: *port, path: path.clone(), status: *status }
        }
    }
}

/// Probes of a config's victim that the node has something for.
fn usual_probes(config: &Config) -> impl Iterator<Item = String> {
    PROBES.into_iter().filter(|probe| config.node.runs(probe)).map(str::to_owned)
}

/// All probes of a config's victim: those that run in its node, and that of its service.
pub fn probes_of(config: &Config) -> Vec<String> {
    let service = config.sandbox(Role::Victim).and_then(|victim| victim.service.as_ref());
    let own = service.map(|_| service_probe(config.own_resource()));
    usual_probes(config).chain(own).collect()
}

fn memory_order(spec: MemorySpec) -> MemoryOrder {
    MemoryOrder {
        size_bytes: spec.size_bytes,
        workers: spec.workers,
        rate_bytes_per_second: spec.rate_bytes_per_second,
        allocations: spec.allocations,
        attacker_first: spec.oom == OomChoice::AttackerFirst,
    }
}
