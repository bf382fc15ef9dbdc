//! A dry run: the steps of every case, and the kernel files that its limits become on this machine. It only reads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::leaf::Leaf;
use super::outlook::Outlook;
use super::run::{GUARDIAN_END, GUARDIAN_START};
use super::run_directory::{self, PREFIX};
use super::scene::named_controllers;
use super::specs::{Premises, in_order, pod_plans, sandbox_of};
use super::{Allowed, EngineError, disk, dry_guest, needs, sysctl_values, watcher};
use crate::cgroup::{Group, Hierarchies, Setting, node_settings};
use crate::host;
use crate::node::{Cpus, DiskPlan, Node, Uplink, node_group, place};
use crate::record::Machine;
use crate::sandbox::Bound;
use crate::sandbox::runtime::{Native, Runtime};
use crate::scenario::{
    Burst, Config, Control, Limits, MemorySpec, NamespaceKind, NetLimits, Scenario, VmSpec,
    WorkloadKind, WorkloadSpec, with_controls,
};

/// Stands for the run's ID, which a run takes from the kernel.
pub const RUN_ID: &str = "RUN";

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// Stands for the run's ID in names and paths.
    pub run_id: String,
    /// Why nothing at all could run here, with the remedy; null when it could.
    pub unable: Option<String>,
    /// Every change made for the run as a whole, as in the record.
    pub steps: Vec<String>,
    /// The same for taking all of it back.
    pub tear_down: Vec<String>,
    /// The scenarios, in order.
    pub scenarios: Vec<DryScenario>,
}

/// What would be done for a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryScenario {
    /// The scenario's name.
    pub name: String,
    /// The file it comes from.
    pub file: String,
    /// Its cases, controls included, in the order of the run.
    pub cases: Vec<DryCase>,
}

/// What would be done for a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryCase {
    /// The config's name.
    pub config: String,
    /// The workload, when there is one.
    pub attacker: Option<&'static str>,
    /// Which kind of the workload, where it is not its usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<WorkloadKind>,
    /// How many threads the workload burns with.
    pub threads: u64,
    /// Its bursts; null for a steady load.
    pub burst: Option<Burst>,
    /// The options that only this workload has, as the scenario spells them.
    pub options: BTreeMap<String, String>,
    /// How it eats memory; absent for workloads that do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemorySpec>,
    /// Which control it is.
    pub control: Option<Control>,
    /// The guest that it would run in; null for this machine.
    pub guest: Option<VmSpec>,
    /// Why this case could not run here, with the remedy; null when it could.
    pub unable: Option<String>,
    /// Every change made for the case, as in the record.
    pub steps: Vec<String>,
    /// The same for taking all of it back.
    pub tear_down: Vec<String>,
    /// What the limits become.
    pub limits: Vec<DryLimit>,
}

/// One limit, as a kernel file and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryLimit {
    /// `node`, or the sandbox's name.
    pub of: String,
    /// The key of the scenario format.
    pub limit: &'static str,
    /// The kernel's file or resource limit.
    pub knob: String,
    /// Where the file will be; null for what is no file, and where it cannot be.
    pub path: Option<PathBuf>,
    /// The value that is written.
    pub value: String,
    /// What else must be known; empty when nothing.
    pub note: String,
}

/// Plans all cases of all scenarios and changes nothing.
///
/// # Errors
/// The machine's cgroups or CPUs cannot be read.
pub fn dry_run(scenarios: &[Scenario], allowed: Allowed) -> Result<DryRun, EngineError> {
    let outlook = Outlook::read()?;
    let Outlook { machine, hierarchies, usable, parent, .. } = &outlook;
    let quarters = outlook.quarters.as_deref();
    let leaf = |steps: fn(&Hierarchies, &str) -> Vec<String>| match &machine.rootless {
        Some(_) => steps(hierarchies, RUN_ID),
        None => Vec::new(),
    };
    let premises = outlook.premises();
    let here = scenarios.iter().flat_map(|it| &it.configs).any(|config| config.vm().is_none());
    // Guests are made without a guardian and without a directory: the kernel takes them down.
    let (steps, tear_down) = if here {
        (
            [
                vec![GUARDIAN_START.to_owned()],
                run_directory::steps(parent, quarters, RUN_ID),
                leaf(Leaf::steps),
            ]
            .concat(),
            [
                leaf(Leaf::removal_steps),
                run_directory::removal_steps(parent, quarters, RUN_ID),
                vec![GUARDIAN_END.to_owned()],
            ]
            .concat(),
        )
    } else {
        (Vec::new(), Vec::new())
    };
    let plan = |scenario: &Scenario| -> Result<DryScenario, EngineError> {
        let cases = with_controls(scenario)
            .iter()
            .map(|config| match config.vm() {
                None => case(config, (machine, allowed), hierarchies, usable, premises),
                Some(vm) => in_guest(config, vm, machine, premises),
            })
            .collect::<Result<_, _>>()?;
        Ok(DryScenario { name: scenario.name.clone(), file: scenario.file.clone(), cases })
    };
    Ok(DryRun {
        run_id: RUN_ID.to_owned(),
        unable: host::skip_reason(machine).filter(|_| here),
        steps,
        tear_down,
        scenarios: scenarios.iter().map(plan).collect::<Result<_, _>>()?,
    })
}

/// A case in a guest: what the guest lacks only itself can tell.
fn in_guest(
    config: &Config,
    vm: &VmSpec,
    machine: &Machine,
    premises: Premises<'_>,
) -> Result<DryCase, EngineError> {
    let usable: Vec<u32> = (0..vm.cpus).collect();
    let premises = Premises { masked: &[], system: &[], has_swap: vm.swap_bytes > 0, ..premises };
    let hierarchies = dry_guest::hierarchies(vm);
    let mut case = case(config, (machine, Allowed::ALL), &hierarchies, &usable, premises)?;
    case.steps.insert(0, dry_guest::boot_step(vm));
    case.unable = None;
    case.guest = Some(vm.clone());
    Ok(case)
}

fn case(
    config: &Config,
    (machine, allowed): (&Machine, Allowed),
    hierarchies: &Hierarchies,
    usable: &[u32],
    premises: Premises<'_>,
) -> Result<DryCase, EngineError> {
    let cpus = place(config.placement, config.node.width(), usable);
    let group = node_group(hierarchies.clone(), &format!("{PREFIX}{}", premises.run_id));
    let (mut steps, back) = sysctl_values::steps(&config.sysctls);
    steps.extend(Node::steps(&group, &config.node, &cpus, &named_controllers(config)));
    let directory = premises.root.parent().unwrap_or(premises.root);
    let disk = disk::plan_of(config, premises.run_id, directory)?;
    steps.extend(disk.iter().flat_map(DiskPlan::steps));
    let mut limits = node_limits(config, &group, &cpus);
    let uplink_bits = config.node.uplink_bits_per_second;
    let mut attacker: Option<&WorkloadSpec> = None;
    let mut removals = Vec::new();
    steps
        .extend(uplink_bits.map(|bits| Uplink::steps(premises.run_id, bits)).into_iter().flatten());
    let mut links = 0..;
    let mut attach = |name: &str, net: NetLimits, steps: &mut Vec<String>| {
        if uplink_bits.is_some() {
            let number = links.next().unwrap_or(u8::MAX);
            steps.extend(Uplink::attachment_steps(premises.run_id, number, name, net));
        }
    };
    for pod in pod_plans(config, &cpus, &group, premises)? {
        steps.extend(pod.steps());
        attach(&pod.pause.spec.name, pod.spec.limits.net(), &mut steps);
        removals.push(pod.removal_steps());
        limits.extend(sandbox_limits(
            &format!("pod {}", pod.spec.name),
            &pod.spec.limits,
            &pod.settings,
            &pod.group,
        ));
    }
    for index in in_order(config) {
        let spec = sandbox_of(config, index, &cpus, premises)?;
        let own = spec.group(&group);
        let plan = Native.prepare(spec, &own)?;
        steps.extend(plan.printable());
        if plan.spec.namespaces.is_new(NamespaceKind::Net) {
            attach(&plan.spec.name, plan.spec.limits.net(), &mut steps);
        }
        removals.push(plan.removal(&own).collect::<Vec<_>>());
        limits.extend(sandbox_limits(&plan.spec.name, &plan.spec.limits, &plan.settings, &own));
        let workload = config.sandboxes[index].workload.as_ref();
        attacker = attacker.or(workload);
    }
    steps.push(watcher::START.to_owned());
    if config.looks() {
        steps.push(watcher::PLANT.to_owned());
    }
    // What was made last goes first.
    let mut tear_down = vec![watcher::END.to_owned()];
    tear_down.extend(removals.into_iter().rev().flatten());
    tear_down.extend(uplink_bits.map(|_| Uplink::removal_steps()).into_iter().flatten());
    tear_down.extend(Node::removal_steps(&group));
    tear_down.extend(disk.iter().flat_map(DiskPlan::removal_steps));
    tear_down.extend(back);
    Ok(DryCase {
        config: config.name.clone(),
        attacker: attacker.map(|workload| workload.name.name()),
        kind: attacker.and_then(|workload| workload.kind),
        threads: attacker.map_or(1, |workload| workload.threads),
        burst: attacker.and_then(|workload| workload.burst),
        options: attacker.map(WorkloadSpec::options).unwrap_or_default(),
        memory: attacker.and_then(|workload| workload.memory),
        control: config.control,
        guest: None,
        unable: needs::check(config, machine, hierarchies, usable, allowed)
            .err()
            .map(|error| error.to_string()),
        steps,
        tear_down,
        limits,
    })
}

fn node_limits(config: &Config, group: &Group, cpus: &Cpus) -> Vec<DryLimit> {
    let settings = node_settings(&config.node, &|controller| group.version_of(controller));
    let mut limits: Vec<DryLimit> =
        config.node.guard.then(|| cpuset("node", "cpus", group, &cpus.node)).into_iter().collect();
    limits.extend(settings.iter().map(|setting| file("node", setting, group)));
    limits
}

/// What the limits of a sandbox become.
pub(super) fn sandbox_limits(
    name: &str,
    limits: &Limits,
    settings: &[Setting],
    group: &Group,
) -> Vec<DryLimit> {
    let mut list: Vec<DryLimit> =
        limits.cpuset.iter().map(|cpus| cpuset(name, "cpuset", group, cpus)).collect();
    list.extend(settings.iter().map(|setting| file(name, setting, group)));
    list.extend(Bound::of(limits).into_iter().map(|bound| DryLimit {
        of: name.to_owned(),
        limit: bound.key(),
        knob: bound.knob().to_owned(),
        path: None,
        value: bound.value().to_string(),
        note: String::new(),
    }));
    list.extend(limits.nofile.map(|value| DryLimit {
        of: name.to_owned(),
        limit: "nofile",
        knob: "RLIMIT_NOFILE".to_owned(),
        path: None,
        value: value.to_string(),
        note: String::new(),
    }));
    list
}

fn cpuset(of: &str, limit: &'static str, group: &Group, cpus: &str) -> DryLimit {
    let path = group.file("cpuset", "cpuset.cpus");
    DryLimit {
        of: of.to_owned(),
        limit,
        knob: "cpuset.cpus".to_owned(),
        note: path.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        path: path.ok(),
        value: cpus.to_owned(),
    }
}

fn file(of: &str, setting: &Setting, group: &Group) -> DryLimit {
    let path = group.path_of(setting);
    let without_swap = match setting.only_with_swap {
        true => "left out where the kernel has no such file and the machine no swap",
        false => "",
    };
    DryLimit {
        of: of.to_owned(),
        limit: key_of(setting),
        knob: setting.file.clone(),
        note: path.as_ref().err().map_or_else(|| without_swap.to_owned(), ToString::to_string),
        path: path.ok(),
        value: setting.value.clone(),
    }
}

/// The key of the scenario format that a setting comes from.
fn key_of(setting: &Setting) -> &'static str {
    match setting.file.as_str() {
        _ if setting.unified => "unified",
        "pids.max" => "pids",
        "memory.max" | "memory.limit_in_bytes" => "memory",
        "memory.swap.max" | "memory.memsw.limit_in_bytes" => "swap",
        "cpu.idle" => "idle",
        "io.max" | "io.weight" => "io",
        file if file.starts_with("blkio.") => "io",
        "cpu.weight" | "cpu.shares" => "weight",
        _ => "cpu",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cgroup::{Hierarchy, Version};
    use crate::record::{CgroupMode, MachineKind};
    use crate::scenario::parse;

    fn machine() -> Machine {
        Machine {
            id: "host".into(),
            kind: MachineKind::Host,
            kernel: "6.18.0".into(),
            arch: "x86_64".into(),
            cgroup: Some(CgroupMode::Hybrid),
            controllers: Vec::new(),
            cgroup_options: Vec::new(),
            cpus: 2,
            memory_bytes: 1 << 30,
            swap_bytes: 0,
            uid: 0,
            capabilities: Vec::new(),
            emulated: false,
            psi: false,
            requirements: Vec::new(),
            guest: None,
            rootless: None,
        }
    }

    fn planned(version: Version) -> DryCase {
        let text = "version: 1\nname: t\nattacker: {workload: forkbomb}\nconfigs:\n  - name: a\n    limits: \
                    {pids: 64, memory: 64Mi, cpu: 500m, weight: 50, cpuset: \"1\", nofile: 32, \
                    unified: {memory.high: 48Mi}}\n";
        let scenario = parse("t.yaml", text).unwrap();
        let controllers = ["cpu", "cpuset", "memory", "pids"].map(str::to_owned).to_vec();
        let root = "/c".into();
        let hierarchy = Hierarchy { version, controllers, root, group: String::new() };
        let hierarchies = Hierarchies(vec![hierarchy]);
        let premises = Premises {
            run_id: RUN_ID,
            program: Path::new("/run/p"),
            root: Path::new("/run/r"),
            masked: &[],
            system: &[],
            disk_device: None,
            has_swap: false,
        };
        case(&scenario.configs[0], (&machine(), Allowed::ALL), &hierarchies, &[0, 1], premises)
            .unwrap()
    }

    fn lines(case: &DryCase) -> Vec<String> {
        let shown = |it: &DryLimit| format!("{} {} {}={}", it.of, it.limit, it.knob, it.value);
        case.limits.iter().map(shown).collect()
    }

    #[test]
    fn limits_become_the_files_of_the_machines_version() {
        let v2 = planned(Version::V2);
        assert_eq!(
            lines(&v2),
            [
                "node cpus cpuset.cpus=0,1",
                "node pids pids.max=512",
                "node memory memory.max=536870912",
                "node swap memory.swap.max=0",
                "attacker cpuset cpuset.cpus=1",
                "attacker pids pids.max=64",
                "attacker memory memory.max=67108864",
                "attacker swap memory.swap.max=0",
                "attacker cpu cpu.max=50000 100000",
                "attacker weight cpu.weight=50",
                "attacker unified memory.high=50331648",
                "attacker nofile RLIMIT_NOFILE=32",
            ]
        );
        let path = v2.limits[5].path.as_deref();
        assert_eq!(path, Some(Path::new("/c/contain-test-RUN/attacker/pids.max")));
        assert_eq!(v2.unable, None);
        let v1 = planned(Version::V1);
        let text = lines(&v1).join("\n");
        for file in ["memory.memsw.limit_in_bytes", "cpu.cfs_quota_us=50000", "cpu.shares=512"] {
            assert!(text.contains(file), "{text}");
        }
        let named = v1.limits.iter().find(|it| it.limit == "unified").unwrap();
        assert!(named.path.is_none() && !named.note.is_empty(), "{named:?}");
        assert!(v1.unable.is_some_and(|why| why.contains("memory.high")));
    }

    #[test]
    fn steps_come_in_the_order_of_a_run() {
        let steps = planned(Version::V2).steps;
        let at = |start: &str| steps.iter().position(|step| step.starts_with(start)).unwrap();
        let order = ["node: ", "victim: ", "attacker: ", "watcher: "].map(at);
        assert!(order.is_sorted(), "{steps:#?}");
        let limit = "attacker: set /c/contain-test-RUN/attacker/pids.max = 64";
        assert!(steps.contains(&limit.to_owned()), "{steps:#?}");
    }
}
