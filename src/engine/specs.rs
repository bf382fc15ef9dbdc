//! From a config to what its sandboxes are to be: the same for a run and for a dry run.

use std::path::Path;

use contain_test_workloads::protocol;
use contain_test_workloads::{AttackOrder, Dose};

use super::EngineError;
use crate::node::Cpus;
use crate::sandbox::{IdRange, Spec};
use crate::scenario::{Config, Role, SandboxSpec};

/// The dead-man timer of one stretch of attack, in seconds: far above any stretch, far below anybody's patience.
const DEAD_MAN_SECONDS: u64 = 30;

/// The order in which the scene starts its sandboxes.
pub const ORDER: [Role; 2] = [Role::Victim, Role::Attacker];

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
    let (index, wanted) =
        config.sandboxes.iter().enumerate().find(|(_, sandbox)| sandbox.role == role).ok_or_else(
            || EngineError::Failed(format!("config {} has no {role:?}", config.name)),
        )?;
    let own_cpus = if role == Role::Attacker { &cpus.attacker } else { &cpus.victim };
    let ids = IdRange::of_run(premises.run_id).get(index).copied().ok_or_else(|| {
        EngineError::Failed("a config has more sandboxes than a run has ranges of IDs".to_owned())
    })?;
    Ok(Spec {
        name: wanted.name.clone(),
        role,
        limits: wanted.limits.clone(),
        namespaces: wanted.namespaces.clone(),
        cpus: wanted.limits.cpuset.clone().unwrap_or_else(|| own_cpus.clone()),
        ids,
        program: premises.program.to_owned(),
        root: premises.root.to_owned(),
        arguments: arguments(wanted, config)?,
        masked: premises.masked.to_vec(),
        has_swap: premises.has_swap,
    })
}

/// The hidden role of a sandbox. The dose cap of an attacker is the node's capacity: more would be of no use in it, and
/// without it the machine is still safe.
fn arguments(sandbox: &SandboxSpec, config: &Config) -> Result<Vec<String>, EngineError> {
    let Some(workload) = &sandbox.workload else { return Ok(vec!["__victim".to_owned()]) };
    let order = AttackOrder {
        workload: workload.name.name().to_owned(),
        intensity: workload.intensity,
        threads: workload.threads,
        burst: workload
            .burst
            .map(|burst| protocol::Burst { busy_us: burst.busy_us, period_us: burst.period_us }),
        dose: Dose { tasks: config.node.pids, seconds: DEAD_MAN_SECONDS },
    };
    let order = serde_json::to_string(&order)
        .map_err(|error| EngineError::Failed(format!("cannot write the attack order: {error}")))?;
    Ok(vec!["__attacker".to_owned(), order])
}
