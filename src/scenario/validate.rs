//! What is wrong with a scenario although every value in it is legal by itself.

use super::diagnostic::{Problems, Spot, quoted};
use super::layers::Merged;
use super::written::{FileWritten, LimitsWritten, Located};
use super::{
    ExpectedWord, MachineSpec, NodeSpec, Role, Target, Workload, WorkloadKind, capabilities, eater,
    kind, links, node_parts, pods, units, users,
};

/// What a guest needs besides its node, in bytes: its kernel, the binary, and what must stay free for a case to begin.
const VM_HEADROOM: u64 = 512 << 20;

/// Checks a whole file and each config with what it inherits.
pub(super) fn check(file: &FileWritten, merged: &[Merged<'_>], problems: &mut Problems) {
    for (index, config) in merged.iter().enumerate() {
        config_name(config, &merged[..index], problems);
        sandbox_names(config, problems);
        let node = config.node_spec();
        guest(config, node, problems);
        burner(config, node, problems);
        program(config, problems);
        kind::check(&config.attacker, problems);
        users::check(config, node, problems);
        pods::check(config, problems);
        capabilities::check(config, problems);
        let pods = config.pods.iter().flatten().filter_map(|pod| pod.limits.as_ref());
        let sidecars = config.sidecars.iter().flatten().filter_map(|it| it.limits.as_ref());
        for limits in pods.chain(sidecars) {
            capacity(limits, node, problems);
        }
        node_parts::check(config, node, problems);
        links::check(config, node, problems);
        strangers(config, problems);
        expectations(config, problems);
        if config.attacker.workload.as_ref().is_some_and(|it| it.value == Workload::FdExhaust) {
            room_for("processes", config.attacker.processes.as_ref(), node, problems);
        }
        eater::check(config, node, problems);
        if let Some(limits) = &config.attacker.limits {
            let workload = config.attacker.workload.as_ref().map(|found| found.value);
            capacity(limits, node, problems);
            attackers_tasks(limits, workload, kind::of(&config.attacker), problems);
        }
        if let Some(limits) = &config.victim.limits {
            capacity(limits, node, problems);
            victims_tasks(limits, node, problems);
        }
    }
    workloads(file, merged, problems);
}

fn config_name(config: &Merged<'_>, before: &[Merged<'_>], problems: &mut Problems) {
    let Some(name) = &config.written.name else { return };
    let same = |other: &&Merged<'_>| {
        // What the matrix makes of one config has one name in the file.
        !std::ptr::eq(other.written, config.written)
            && other.written.name.as_ref().is_some_and(|other| other.value == name.value)
    };
    if let Some(first) = before.iter().find(same) {
        let line = first.written.spot.position.line;
        problems
            .add(name.spot, format!("two configs are named {}", quoted(&name.value)))
            .help(format!("the first stands in line {line}; names are the columns of the report"));
    }
    if is_control_name(&name.value, "sham") {
        problems
            .add(name.spot, format!("the name {} is reserved", quoted(&name.value)))
            .help("the tool adds the sham by itself, to see the machine's own noise");
    }
    let limited =
        config.attacker.limits.as_ref().is_some_and(is_limited) || config.is_held_by_pod();
    if (limited || config.protects()) && is_control_name(&name.value, "open") {
        let whose = if limited { "" } else { " for its victim" };
        problems
            .add(name.spot, format!("{} has limits{whose}, so it is not open", quoted(&name.value)))
            .help("name the config after its limits; `open` is the attack without any");
    }
}

/// True for `open`, `open-2` and so on, as controls that the tool adds are named.
fn is_control_name(name: &str, control: &str) -> bool {
    name.strip_prefix(control).is_some_and(|rest| {
        rest.is_empty()
            || rest.strip_prefix('-').is_some_and(|number| number.parse::<u64>().is_ok())
    })
}

fn is_limited(limits: &LimitsWritten) -> bool {
    limits.has_memory
        || [&limits.pids, &limits.swap, &limits.cpu, &limits.weight, &limits.nofile]
            .into_iter()
            .chain([&limits.nproc, &limits.tmpfs, &limits.net_egress, &limits.net_ingress])
            .any(Option::is_some)
        || limits.idle.as_ref().is_some_and(|idle| idle.value)
        || limits.cpuset.is_some()
        || limits.io.is_some()
        || !limits.unified.is_empty()
}

fn sandbox_names(config: &Merged<'_>, problems: &mut Problems) {
    let (attacker, attacker_spot) = config.sandbox_name(Role::Attacker);
    let (victim, victim_spot) = config.sandbox_name(Role::Victim);
    // The later of the two made the clash; at least one was written, since the defaults differ.
    let spots = [attacker_spot, victim_spot].into_iter().flatten();
    if attacker == victim
        && let Some(spot) = spots.max_by_key(|spot| spot.position)
    {
        problems
            .add(spot, format!("attacker and victim are both named {}", quoted(victim)))
            .help("the names of the sandboxes of one config must differ");
    }
}

/// A node that does not fit into its guest could never be made.
fn guest(config: &Merged<'_>, node: NodeSpec, problems: &mut Problems) {
    let Some(MachineSpec::Vm(vm)) = config.machine_spec() else { return };
    let needed = node.memory_bytes.saturating_add(VM_HEADROOM);
    if vm.memory_bytes >= needed {
        return;
    }
    let written = config.machine.memory.as_ref().or(config.node.memory.as_ref());
    let Some(spot) = written.map(|found| found.spot) else { return };
    let (has, needed) = (units::format_bytes(vm.memory_bytes), units::format_bytes(needed));
    problems
        .add(spot, format!("the guest has {has} of memory, but its node needs {needed} with what the guest needs itself"))
        .help("give the guest more (`machine: {vm: {memory: …}}`), or the node less (`node: {memory: …}`)");
}

/// A limit above what the node has could never be reached, so the node would be what holds the attacker.
fn capacity(limits: &LimitsWritten, node: NodeSpec, problems: &mut Problems) {
    if !node.guard {
        return;
    }
    if let Some(pids) = limits.pids.as_ref().filter(|pids| pids.value > node.pids) {
        problems
            .add(pids.spot, format!("`pids` is {}, but the node has {}", pids.value, node.pids))
            .help("a limit above the node's capacity is never reached; lower it, or raise `node.pids`");
    }
    if let Some(memory) = limits.memory.as_ref().filter(|it| it.value > node.memory_bytes) {
        let (limit, has) =
            (units::format_bytes(memory.value), units::format_bytes(node.memory_bytes));
        problems.add(memory.spot, format!("`memory` is {limit}, but the node has {has}")).help(
            "a limit above the node's capacity is never reached; lower it, or raise `node.memory`",
        );
    }
    if let Some(cpu) =
        limits.cpu.as_ref().filter(|cpu| cpu.value > u64::from(node.cpus).saturating_mul(1000))
    {
        let limit = units::format_cpu(cpu.value);
        problems.add(cpu.spot, format!("`cpu` is {limit}, but the node has {}", node.cpus)).help(
            "a limit above the node's capacity is never reached; lower it, or raise `node.cpus`",
        );
    }
}

/// Threads and bursts are a burner's.
fn burner(config: &Merged<'_>, node: NodeSpec, problems: &mut Problems) {
    let attacker = &config.attacker;
    let Some(workload) = attacker.workload.as_ref().map(|found| found.value) else { return };
    let threads = attacker.threads.as_ref();
    if workload == Workload::CpuBurn {
        room_for("threads", threads, node, problems);
        return;
    }
    let keys = [
        ("threads", threads.map(|found| found.spot)),
        ("burst", attacker.burst.as_ref().map(|found| found.spot)),
    ];
    for (key, spot) in keys {
        if let Some(spot) = spot {
            problems
                .add(spot, format!("the workload `{}` has no `{key}`", workload.name()))
                .help("`threads` and `burst` belong to `cpu-burn`; a config that changes the workload inherits them from the top of the file");
        }
    }
}

/// A program and what it drains belong together, and to the workload that runs one.
fn program(config: &Merged<'_>, problems: &mut Problems) {
    let attacker = &config.attacker;
    let Some(workload) = attacker.workload.as_ref() else { return };
    let spots = [
        ("command", attacker.command.as_ref().map(|found| found.spot)),
        ("resource", attacker.resource.as_ref().map(|found| found.spot)),
    ];
    if workload.value == Workload::Command {
        for (key, _) in spots.iter().filter(|(_, spot)| spot.is_none()) {
            problems.add(workload.spot, format!("the workload `command` needs a `{key}`")).help(
                "write `{workload: command, command: [PROGRAM, ARGUMENT…], resource: cpu}`, with the resource that the \
                 program drains",
            );
        }
        if let Some(intensity) = &attacker.intensity {
            problems
                .add(intensity.spot, "the workload `command` has no `intensity`")
                .help("tell the program itself how hard to try");
        }
        return;
    }
    for (key, spot) in spots {
        if let Some(spot) = spot {
            problems
                .add(spot, format!("the workload `{}` has no `{key}`", workload.value.name()))
                .help("`command` and `resource` belong to `workload: command`");
        }
    }
}

/// Workers that a node has no room for could never be there all at once.
fn room_for(key: &str, workers: Option<&Located<u64>>, node: NodeSpec, problems: &mut Problems) {
    let room = node.room_for_workers();
    if let Some(workers) = workers.filter(|workers| workers.value > room) {
        problems
            .add(workers.spot, format!("`{key}` is {}, but the node has {}", workers.value, node.pids))
            .help(format!("at most {room} fit beside the init of the sandbox and the victim; raise `node.pids`"));
    }
}

/// Options of one workload mean nothing to another.
fn strangers(config: &Merged<'_>, problems: &mut Problems) {
    let attacker = &config.attacker;
    let Some(workload) = attacker.workload.as_ref().map(|found| found.value) else { return };
    let options = [
        ("source", Workload::RandomDrain, attacker.source.as_ref().map(|found| found.spot)),
        ("processes", Workload::FdExhaust, attacker.processes.as_ref().map(|found| found.spot)),
    ];
    for (key, owner, spot) in options {
        if let Some(spot) = spot.filter(|_| owner != workload) {
            problems
                .add(spot, format!("the workload `{}` has no `{key}`", workload.name()))
                .help(format!("`{key}` belongs to `{}`; a config that changes the workload inherits it from the top of the file", owner.name()));
        }
    }
}

/// A look around and an attack have different verdicts: an expectation of the other's words alone could never be met.
fn expectations(config: &Merged<'_>, problems: &mut Problems) {
    let Some(workload) = config.attacker.workload.as_ref().map(|found| found.value) else { return };
    let looks = workload == Workload::Look;
    for expectation in &config.written.expect {
        if expectation.any_of.iter().any(|word| word.speaks_of(looks)) {
            continue;
        }
        let words: Vec<&str> = expectation.any_of.iter().map(|word| word.name()).collect();
        let width = match &expectation.target {
            Target::Own => words.first().map_or(1, |word| word.len()),
            Target::Named(resource, None) => resource.name().len(),
            Target::Named(resource, Some(probe)) => resource.name().len() + 1 + probe.len(),
        };
        let spot = Spot { position: expectation.position, width };
        let legal = ExpectedWord::ALL.into_iter().filter(|word| word.speaks_of(looks));
        let legal: Vec<&str> = legal.map(ExpectedWord::name).collect();
        problems
            .add(
                spot,
                format!(
                    "the workload `{}` never has the verdict {}",
                    workload.name(),
                    words.join(" or ")
                ),
            )
            .help(format!("known for it: {}", legal.join(", ")));
    }
}

fn attackers_tasks(
    limits: &LimitsWritten,
    workload: Option<Workload>,
    kind: Option<WorkloadKind>,
    problems: &mut Problems,
) {
    let (Some(pids), Some(workload)) = (&limits.pids, workload) else { return };
    let least = workload.min_pids(kind);
    if pids.value < least {
        problems
            .add(pids.spot, format!("the attacker cannot run with fewer than {least} pids"))
            .help(match kind {
                Some(WorkloadKind::Thread | WorkloadKind::Churn) => {
                    "the init of its sandbox, which is also the supervisor, one worker, and what it \
                     starts count"
                }
                _ => "the init of its sandbox, which is also the supervisor, and one worker count",
            });
    }
}

fn victims_tasks(limits: &LimitsWritten, node: NodeSpec, problems: &mut Problems) {
    let Some(pids) = &limits.pids else { return };
    let least = node.victim_min_pids();
    if pids.value < least {
        problems
            .add(pids.spot, format!("the victim cannot run with fewer than {least} pids"))
            .help(
                "the init of its sandbox, one process for each probe, and one child of the fork \
                 probe count",
            );
    }
}

/// Every config needs a workload. When none has one, the file forgot its attacker, which is one error.
fn workloads(file: &FileWritten, merged: &[Merged<'_>], problems: &mut Problems) {
    let lacks =
        |config: &&Merged<'_>| config.attacker.workload.is_none() && !config.attacker.bad_workload;
    let help = "add `attacker: {workload: forkbomb}`";
    // A broken list of sandboxes was reported where it stands.
    if file.base.listed && file.base.attacker.workload.is_none() && !problems.is_empty() {
        return;
    }
    let base = &file.base.attacker;
    let nowhere = base.workload.is_none() && !base.bad_workload;
    if nowhere && merged.iter().all(|config| lacks(&config)) {
        problems.add(file.spot, "no attacker has a workload").help(help);
        return;
    }
    for config in merged.iter().filter(lacks) {
        problems.add(config.written.spot, "the attacker of this config has no workload").help(help);
    }
}
