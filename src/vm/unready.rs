//! The record of a guest that has not been up: what was asked for, and why it is not there.

use super::guest_run::describe;
use super::machines::GuestPlan;
use super::prepare::Prepared;
use crate::record::{Accelerator, Machine, MachineKind, Requirement};

/// A machine as it was asked for. What its harness will find takes its place.
#[must_use]
pub fn machine(plan: &GuestPlan, prepared: Option<&Prepared>, why: &str) -> Machine {
    let missing = Requirement {
        name: "guest.up".to_owned(),
        required: true,
        met: false,
        found: why.to_owned(),
        remedy: "`contain-test run -v --vm …` tells how far it came".to_owned(),
    };
    Machine {
        id: plan.id.clone(),
        kind: MachineKind::Vm,
        kernel: prepared.map_or("unknown", |prepared| &prepared.kernel.release).to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cgroup: Some(plan.spec.cgroup),
        controllers: Vec::new(),
        cgroup_options: Vec::new(),
        cpus: plan.spec.cpus,
        memory_bytes: plan.spec.memory_bytes,
        swap_bytes: plan.spec.swap_bytes,
        uid: 0,
        capabilities: Vec::new(),
        emulated: prepared.is_some_and(|prepared| prepared.accelerator == Accelerator::Tcg),
        psi: false,
        requirements: vec![missing],
        guest: prepared.map(|prepared| describe(prepared, "")),
        rootless: None,
    }
}
