//! This project's own sandboxes: all eight namespaces, limits on both sides, an own root, a user without privileges.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use contain_test::announce::Unheard;
use contain_test::cgroup::Group;
use contain_test::engine::{RunDirectory, thermal_paths};
use contain_test::node::Node;
use contain_test::sandbox::runtime::{Milestone, Native, Runtime};
use contain_test::sandbox::{IdRange, Plan, Spec, StageTimes, Step, monotonic_ns};
use contain_test::scenario::{Limits, Namespaces};
use contain_test_workloads::{AttackOrder, Dose};

use crate::contender::{Contender, Sample};

pub const FULL: &str = "contain-test";
pub const IN_PLACE: &str = "contain-test, no final exec";
pub const BY_STEP: &str = "contain-test, by step";

/// The part of [`FULL`] before the clone, by which a start with cgroups already made is shorter.
pub const CGROUPS: [&str; 2] = ["make cgroups", "set limits"];

pub fn all(directory: &RunDirectory, node: &Node) -> Result<Vec<Box<dyn Contender>>, String> {
    let dose = Dose { tasks: 1, bytes: 0, seconds: 10, unguarded: false };
    let order = AttackOrder { intensity: 0, ..AttackOrder::full("sleep", dose) };
    let order = serde_json::to_string(&order).map_err(|error| error.to_string())?;
    let arguments = vec!["__attacker".to_owned(), order];
    let spec = Spec {
        name: "startup".to_owned(),
        pod: None,
        hostname: "startup".to_owned(),
        limits: Limits {
            pids: Some(64),
            memory_bytes: Some(64 << 20),
            cpu_millis: Some(1000),
            ..Limits::default()
        },
        masked_paths: true,
        seccomp: contain_test::scenario::Seccomp::Default,
        capabilities: contain_test::scenario::Capabilities::Default,
        no_new_privs: true,
        namespaces: Namespaces::default(),
        cpus: node.cpus.node.clone(),
        ids: IdRange::of_run("0")[0],
        program: directory.program.clone(),
        root: directory.root.clone(),
        arguments: arguments.clone(),
        command: Vec::new(),
        masked: thermal_paths(),
        system: Vec::new(),
        disk: None,
        disk_device: None,
        has_swap: false,
    };
    let group = node.sandbox_group("startup");
    let plan = Native.prepare(spec, &group).map_err(|error| error.to_string())?;
    let mut in_place = plan.clone();
    in_place.inside.pop();
    in_place.inside.push(Step::RunInPlace { arguments });
    let mut by_step = plan.clone();
    by_step.inside.insert(0, Step::ReportTimes);
    let ours = |name, plan, by_step| {
        let group = group.clone();
        Box::new(Ours { name, plan, group, by_step }) as Box<dyn Contender>
    };
    Ok(vec![ours(FULL, plan, false), ours(IN_PLACE, in_place, false), ours(BY_STEP, by_step, true)])
}

struct Ours {
    name: &'static str,
    plan: Plan,
    group: Group,
    by_step: bool,
}

impl Contender for Ours {
    fn name(&self) -> &str {
        self.name
    }

    fn is_ours(&self) -> bool {
        true
    }

    fn start(&mut self) -> Result<Sample, String> {
        let begun = monotonic_ns();
        let mut reached: Vec<(Milestone, u64)> = Vec::with_capacity(8);
        let mut sandbox = Native
            .launch_watched(&self.plan, &self.group, None, &mut Unheard, &mut |milestone| {
                reached.push((milestone, monotonic_ns()));
            })
            .map_err(|error| error.to_string())?;
        let ready = between(begun, monotonic_ns());
        joined(&sandbox.group)?;
        let errors = sandbox.take_errors();
        let ending = Instant::now();
        sandbox.end(&mut Unheard).map_err(|error| error.to_string())?;
        let end = ending.elapsed();
        let at = |wanted| {
            reached.iter().find(|(it, _)| *it == wanted).map_or(begun, |(_, instant)| *instant)
        };
        let mut parts = vec![
            (CGROUPS[0], between(begun, at(Milestone::CgroupsMade))),
            (CGROUPS[1], between(at(Milestone::CgroupsMade), at(Milestone::LimitsSet))),
        ];
        if self.by_step {
            let times: StageTimes = serde_json::from_slice(&errors)
                .map_err(|error| format!("no times from the stage: {error}"))?;
            parts.extend([
                ("clone3", between(at(Milestone::LimitsSet), at(Milestone::Cloned))),
                ("map IDs", between(at(Milestone::Cloned), at(Milestone::IdsMapped))),
                ("execute the stage", between(at(Milestone::IdsMapped), times.entered)),
                ("read the plan", between(times.entered, times.planned)),
            ]);
            parts.extend(inside(&times));
            parts.push(("execute the role", between(times.done, at(Milestone::Ready))));
        }
        Ok(Sample { ready, end, parts })
    }
}

/// A start that missed a cgroup would be fast for the wrong reason.
fn joined(group: &Group) -> Result<(), String> {
    for directory in group.directories() {
        let processes = fs::read_to_string(directory.join("cgroup.procs"));
        if !processes.is_ok_and(|list| !list.trim().is_empty()) {
            return Err(format!("nothing runs in {}", directory.display()));
        }
    }
    Ok(())
}

fn between(from: u64, to: u64) -> Duration {
    Duration::from_nanos(to.saturating_sub(from))
}

/// The steps inside by what they are for, in the order of the plan.
fn inside(times: &StageTimes) -> Vec<(&'static str, Duration)> {
    let mut groups: BTreeMap<usize, u64> = BTreeMap::new();
    for (step, taken) in &times.steps {
        *groups.entry(group_of(step)).or_default() += taken;
    }
    let total = |(index, sum): (usize, u64)| (GROUPS[index], Duration::from_nanos(sum));
    groups.into_iter().map(total).collect()
}

const GROUPS: [&str; 8] = [
    "root",
    "/dev and /tmp",
    "/proc",
    "/sys",
    "pivot",
    "masks and read-only paths",
    "host name, loopback, limits",
    "capabilities and user",
];

fn group_of(step: &Step) -> usize {
    match step {
        Step::Mount { kind, .. } if kind == "proc" => 2,
        Step::Mount { kind, .. } if kind == "sysfs" => 3,
        Step::Mount { at, .. } | Step::Link { at, .. } if is_dev_or_tmp(at) => 1,
        Step::Bind { to: path, .. } | Step::CreateDirectory { path } if is_dev_or_tmp(path) => 1,
        Step::PivotRoot { .. } => 4,
        Step::Mask { .. } | Step::ProtectPath { .. } | Step::ProtectRoot => 5,
        Step::SetHostname { .. } | Step::LoopbackUp | Step::SetRlimit { .. } => 6,
        Step::BoundCapabilities { .. } | Step::BecomeUser { .. } | Step::NoNewPrivileges => 7,
        _ => 0,
    }
}

fn is_dev_or_tmp(path: &str) -> bool {
    path.ends_with("/tmp") || path.contains("/dev")
}
