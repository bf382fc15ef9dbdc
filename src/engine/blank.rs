//! The record of a case before anything was measured.

use std::collections::BTreeMap;

use super::pod_limits;
use crate::record::{Attack, Case, OomKills, Verdict, Watch};
use crate::scenario::{Config, Role, Workload, WorkloadSpec};

/// The record of a case before anything was measured.
#[must_use]
pub fn blank_case(config: &Config, machine: &str) -> Case {
    let attacker = config.sandbox(Role::Attacker);
    let victim = config.sandbox(Role::Victim);
    let workload = attacker.and_then(|sandbox| sandbox.workload.as_ref());
    Case {
        attacker: workload.map_or(Workload::Sleep, |workload| workload.name).name().to_owned(),
        kind: workload.and_then(|workload| workload.kind),
        intensity: workload.map_or(0, |workload| workload.intensity),
        threads: workload.map_or(1, |workload| workload.threads),
        burst: workload.and_then(|workload| workload.burst),
        command: workload.map(|workload| workload.command.clone()).unwrap_or_default(),
        service: victim.and_then(|sandbox| sandbox.service.clone()),
        options: workload.map(WorkloadSpec::options).unwrap_or_default(),
        memory: workload.and_then(|workload| workload.memory),
        resource: config.own_resource(),
        stands_for: config.stands_for.iter().skip(1).copied().collect(),
        config: config.name.clone(),
        machine: machine.to_owned(),
        runtime: attacker.map_or_else(|| "native".to_owned(), |sandbox| sandbox.runtime.clone()),
        control: config.control,
        ablation: config.ablation.clone(),
        placement: config.placement,
        shared_cpus: None,
        node: config.node,
        disk: None,
        limits: attacker.map(|sandbox| sandbox.limits.clone()).unwrap_or_default(),
        victim_limits: victim.map(|sandbox| sandbox.limits.clone()).unwrap_or_default(),
        pods: pod_limits::recorded(config),
        sidecars: Vec::new(),
        verdict: Verdict::Inconclusive,
        reason: String::new(),
        outcome: None,
        expectations: Vec::new(),
        ceiling: None,
        ceilings: Vec::new(),
        cells: Vec::new(),
        channels: None,
        blocks: Vec::new(),
        measured_for: None,
        trials: config.trials,
        placebo: None,
        attack: Attack::default(),
        log_bytes: None,
        attack_cpu: None,
        oom_kills: OomKills::default(),
        watch: Watch::default(),
        pressure: BTreeMap::new(),
        facts: BTreeMap::new(),
        steps: Vec::new(),
        tear_down: Vec::new(),
        out_of_band_cpu_seconds: None,
        harness_cpu_seconds: 0.0,
        recovery_ms: None,
        residue: Vec::new(),
    }
}
