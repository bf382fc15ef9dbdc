//! For a case that leaks: which limit, at which value, would contain it. Either another case of the same record shows it, or it
//! follows from the node's capacity by a rule, and then it says that nobody has tried it here.

use super::words::worst_cell;
use crate::record::{Case, CeilingLevel, Report, Verdict};
use crate::scenario::{Control, Limits, Resource};

/// What would contain a leak.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// Limits to set on the attacker; empty where no limit that the tool knows would do.
    pub limits: Limits,
    /// Limits to set on the victim, which protect it.
    pub victim_limits: Limits,
    /// Why these.
    pub why: String,
    /// How sure that is.
    pub basis: Basis,
}

/// Where an advice comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// A case of this record: the same attack was contained in it.
    Shown {
        /// The scenario's name.
        scenario: String,
        /// The config's name.
        config: String,
    },
    /// A rule, by the node's capacity and what was measured; not tried in this record.
    Rule,
}

/// What would contain this case; `None` when it does not leak, or is a sham, which nothing contains.
#[must_use]
pub fn advice(report: &Report, case: &Case) -> Option<Advice> {
    if !case.verdict.leaks() || case.control == Some(Control::Sham) {
        return None;
    }
    if case.verdict == Verdict::Breached {
        return Some(breached(case));
    }
    let resource = culprit(case);
    Some(shown(report, case).unwrap_or_else(|| rule(case, resource)))
}

/// The resource whose limit would help: that through which the effect came, else the attacker's own.
fn culprit(case: &Case) -> Resource {
    worst_cell(case, case.resource).and_then(|cell| cell.via).unwrap_or(case.resource)
}

/// A limit that was passed is no matter of its value.
fn breached(case: &Case) -> Advice {
    let passed = case.ceilings.iter().chain(&case.ceiling).find(|ceiling| !ceiling.kept);
    let why = passed.map_or_else(
        || "a process left its cgroup: no value of a limit helps where the limit does not reach".to_owned(),
        |ceiling| match ceiling.is_with_swap() {
            true => format!(
                "{} counts no swap: limit that too, by `memory` of `limits`, which leaves none, or by `memory.swap.max`",
                ceiling.knob
            ),
            false => format!(
                "{} did not hold: see that it still reads what was written, that nobody else may write it, and that every process \
                 is in the group; another value does not help",
                ceiling.knob
            ),
        },
    );
    Advice { limits: Limits::default(), victim_limits: Limits::default(), why, basis: Basis::Rule }
}

/// The same attack, contained in this record: in the same scenario first, then on the same placement, with the loosest limit.
fn shown(report: &Report, case: &Case) -> Option<Advice> {
    let same = |other: &Case| {
        (&other.attacker, other.kind, other.intensity, other.threads, other.burst, &other.command)
            == (&case.attacker, case.kind, case.intensity, case.threads, case.burst, &case.command)
            && other.options == case.options
            && other.memory == case.memory
            && other.resource == case.resource
            && other.verdict == Verdict::Contained
            && other.control.is_none()
            // With the same limits, or fewer, it was something else that helped.
            && (other.limits != case.limits
                || (!other.victim_limits.is_empty() && other.victim_limits != case.victim_limits))
            && (other.placement, other.node) == (case.placement, case.node)
    };
    let scenarios = report.scenarios.iter();
    let candidates =
        scenarios.flat_map(|scenario| scenario.cases.iter().map(move |other| (scenario, other)));
    let own = |scenario: &crate::record::ScenarioRecord| {
        scenario.cases.iter().any(|it| std::ptr::eq(it, case))
    };
    let (scenario, other) =
        candidates.filter(|(_, other)| same(other)).max_by_key(|(scenario, other)| {
            let limit = other.ceiling.as_ref().map_or(0, |ceiling| ceiling.limit);
            (own(scenario), other.machine == case.machine, limit)
        })?;
    Some(Advice {
        limits: other.limits.clone(),
        victim_limits: other.victim_limits.clone(),
        why: "the same attack was contained with it".to_owned(),
        basis: Basis::Shown { scenario: scenario.name.clone(), config: other.config.clone() },
    })
}

fn rule(case: &Case, resource: Resource) -> Advice {
    let (limits, why) = match resource {
        Resource::Cpu => cpu(case),
        Resource::Memory => memory(case),
        Resource::Pids => pids(case),
        Resource::Files => files(case),
        Resource::Disk => none(
            "a rate at the disk, such as `io: {wbps: 10Mi}`, below half of what it can do; cgroup v1 holds by it only what a task itself \
             sends to the device. For space and inodes, a file system of its own",
        ),
        Resource::Network => none(
            "a rate on the attacker's link, such as `net: 1M`, below half of what the uplink carries; no cgroup limits it",
        ),
        Resource::View
        | Resource::Processes
        | Resource::Ipc
        | Resource::Hostname
        | Resource::Mounts
        | Resource::Devices
        | Resource::Kernel
        | Resource::Namespaces
        | Resource::Cgroups => none(
            "no limit hides anything: namespaces, mounts and a user of the sandbox's own do; `contain-test ablate` says which of them hides what",
        ),
        Resource::Random => {
            none("no limit exists; since Linux 5.18 random numbers cannot be drained")
        }
    };
    Advice { limits, victim_limits: Limits::default(), why, basis: Basis::Rule }
}

/// What a quota allows is what a neighbour on the same CPU may lose; a weight gives way instead of capping.
fn cpu(case: &Case) -> (Limits, String) {
    let only = "a weight of 1 lets the attacker have what nobody else wants".to_owned();
    let quota = case.limits.cpu_millis.map(|millis| {
        format!(
            "{only}; the quota of {millis}m is what the neighbour may lose, and to protect by it, it must be below a tenth of a CPU"
        )
    });
    (Limits { weight: Some(1), ..Limits::default() }, quota.unwrap_or(only))
}

fn memory(case: &Case) -> (Limits, String) {
    let half = case.node.memory_bytes / 2;
    let why = "half of the node's memory leaves the other half to the neighbour".to_owned();
    (Limits { memory_bytes: Some(half), ..Limits::default() }, why)
}

/// Half of the node's tasks, and less than a limit that was too high to be reached.
fn pids(case: &Case) -> (Limits, String) {
    let half = case.node.pids / 2;
    if let Some(nproc) = case.limits.nproc.filter(|&nproc| nproc <= half) {
        let why = format!(
            "`nproc` of {nproc} counts the tasks of a user, which the neighbour may share; `pids` counts those of the sandbox, and half of \
             {nproc} leaves the other half to the neighbour"
        );
        return (Limits { pids: Some((nproc / 2).max(2)), ..Limits::default() }, why);
    }
    let too_high = case.ceiling.as_ref().filter(|ceiling| {
        ceiling.level == CeilingLevel::Node && ceiling.resource == Resource::Pids
    });
    let (value, why) = match (too_high, case.limits.pids) {
        (Some(ceiling), _) => (
            half,
            format!(
                "{} of {} was never reached, because the node was full before; half of the node's {} tasks leaves the other half to the \
                 neighbour",
                ceiling.knob, ceiling.limit, case.node.pids
            ),
        ),
        (None, Some(limit)) if limit <= half => {
            (limit / 2, format!("{limit} tasks are enough to disturb the neighbour"))
        }
        _ => (
            half,
            format!(
                "half of the node's {} tasks leaves the other half to the neighbour",
                case.node.pids
            ),
        ),
    };
    (Limits { pids: Some(value.max(2)), ..Limits::default() }, why)
}

/// Open files are memory of the kernel, charged to the group that opens them.
fn files(case: &Case) -> (Limits, String) {
    let (limits, _) = memory(case);
    let why = "open files are memory of the kernel and charged to the attacker's group; `nofile` bounds each process only".to_owned();
    (limits, why)
}

fn none(why: &str) -> (Limits, String) {
    (Limits::default(), why.to_owned())
}
