//! What one case needs of the machine beyond what every case needs. "The machine cannot" is neither a failure of the tool
//! nor a finding.

use std::path::Path;

use contain_test_workloads::SEARCHED;
use nix::sys::resource::{Resource as Rlimit, getrlimit};

use super::EngineError;
use super::dangers::{self, Allowed};
use super::disk;
use crate::cgroup::{Hierarchies, Version, parse_list};
use crate::node::uplink;
use crate::record::{Machine, MachineKind, Requirement};
use crate::scenario::{
    Comparison, Config, KernelBound, NamespaceKind, SandboxSpec, Seccomp, WorkloadKind,
};

/// Checks one config.
///
/// # Errors
/// [`EngineError::Unable`], with the numbers and the remedy.
pub fn check(
    config: &Config,
    machine: &Machine,
    hierarchies: &Hierarchies,
    usable: &[u32],
    allowed: Allowed,
) -> Result<(), EngineError> {
    is_meant_for(config, machine)?;
    may_be_lost(config, machine)?;
    dangers::check(config, allowed)?;
    needs_no_root(config, machine)?;
    can_have_uplink(config)?;
    disk::can_be_had(config)?;
    may_flush_all(config, machine)?;
    for sandbox in &config.sandboxes {
        may_raise_limits(sandbox, machine)?;
        let cpus = usize::try_from(config.node.width()).unwrap_or(usize::MAX).min(usable.len());
        has_cpus(sandbox, &usable[..cpus])?;
        has_idle(sandbox, machine)?;
        has_namespaces(sandbox, machine)?;
        has_seccomp(sandbox, machine)?;
        has_program(sandbox)?;
        has_unified_controllers(sandbox, hierarchies)?;
    }
    Ok(())
}

/// One of the conditions must hold, where there are any.
fn is_meant_for(config: &Config, machine: &Machine) -> Result<(), EngineError> {
    let facts = machine.facts();
    let unmet: Option<Vec<String>> = config.when.iter().map(|when| when.unmet(&facts)).collect();
    match unmet {
        Some(reasons) if !reasons.is_empty() => {
            Err(EngineError::Unable(format!("`when`: {}", reasons.join(", or "))))
        }
        _ => Ok(()),
    }
}

/// Without a guard the attack has the whole machine, so it must be one that nobody needs.
fn may_be_lost(config: &Config, machine: &Machine) -> Result<(), EngineError> {
    if config.node.guard || machine.kind == MachineKind::Vm {
        return Ok(());
    }
    Err(EngineError::Unable(
        "`node: none` gives the attack the whole machine, and only a throwaway guest may be lost; remedy: run it with \
         `--vm`, or write `machine: vm` into the scenario"
            .to_owned(),
    ))
}

/// What no user namespace and no delegated cgroup gives.
fn needs_no_root(config: &Config, machine: &Machine) -> Result<(), EngineError> {
    let Some(rootless) = &machine.rootless else { return Ok(()) };
    let lack = |what: &str| {
        Err(EngineError::Unable(format!(
            "{what}, and this run is one of uid {} without root; remedy: `sudo contain-test …`, or run it with `--vm`",
            rootless.uid
        )))
    };
    if config.node.disk_bytes.is_some() {
        return lack(
            "the node is to have a disk, and only root may mount the file system of a loop device",
        );
    }
    if !config.sysctls.is_empty() {
        return lack(&format!(
            "it sets {} of the whole kernel, which only root may",
            config.sysctls.names()
        ));
    }
    Ok(())
}

/// A hard limit is raised by who has `CAP_SYS_RESOURCE` in the machine's first user namespace, prlimit(2).
fn may_raise_limits(sandbox: &SandboxSpec, machine: &Machine) -> Result<(), EngineError> {
    let lacks = |name: &str| machine.requirement(name).is_some_and(|it| !it.met);
    if !lacks("capability.sys_resource") {
        return Ok(());
    }
    let limits = [
        ("nofile", sandbox.limits.nofile, Rlimit::RLIMIT_NOFILE),
        ("nproc", sandbox.limits.nproc, Rlimit::RLIMIT_NPROC),
    ];
    for (name, wanted, resource) in limits {
        let hard = getrlimit(resource).map_or(u64::MAX, |(_, hard)| hard);
        if let Some(wanted) = wanted.filter(|&wanted| wanted > hard) {
            return Err(EngineError::Unable(format!(
                "sandbox `{}` is to have `{name}: {wanted}`, and no more than {hard} can be given without CAP_SYS_RESOURCE; \
                 remedy: a smaller limit, or `sudo contain-test …`",
                sandbox.name
            )));
        }
    }
    Ok(())
}

/// sync(2) flushes every file system of the machine, whoever it belongs to.
fn may_flush_all(config: &Config, machine: &Machine) -> Result<(), EngineError> {
    let syncs = |sandbox: &SandboxSpec| {
        sandbox.workload.as_ref().is_some_and(|it| it.kind == Some(WorkloadKind::Sync))
    };
    if machine.kind == MachineKind::Vm || !config.sandboxes.iter().any(syncs) {
        return Ok(());
    }
    Err(EngineError::Unable(
        "`kind: sync` flushes the file systems of the whole machine, which no node bounds; remedy: run it with `--vm`, or write \
         `machine: vm` into the scenario"
            .to_owned(),
    ))
}

/// Whether nodes of this machine can have an uplink, as `doctor` lists it; tried in a namespace that ends at once.
#[must_use]
pub fn uplink_requirement() -> Requirement {
    let (met, found, remedy) = match uplink::missing() {
        Err(error) => (
            false,
            format!("no network namespace: {error}"),
            "run as root: `sudo contain-test …`".to_owned(),
        ),
        Ok(missing) if missing.is_empty() => {
            (true, "veth, bridge, sch_tbf".to_owned(), String::new())
        }
        Ok(missing) => (
            false,
            format!("no {}", missing.join(", ")),
            format!("`modprobe {}`", missing.join(" ")),
        ),
    };
    Requirement { name: "network.uplink".to_owned(), required: false, met, found, remedy }
}

/// An uplink is made of links and queues that a kernel may be without.
fn can_have_uplink(config: &Config) -> Result<(), EngineError> {
    if config.node.uplink_bits_per_second.is_none() {
        return Ok(());
    }
    let missing = uplink::missing().map_err(|error| {
        EngineError::Unable(format!(
            "the node is to have an uplink, but no network namespace can be made for its links ({error}); remedy: run as root"
        ))
    })?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(EngineError::Unable(format!(
        "the node is to have an uplink, but this kernel has no {}; remedy: `modprobe {}`, or a kernel with CONFIG_VETH, CONFIG_BRIDGE and \
         CONFIG_NET_SCH_TBF",
        missing.join(", "),
        missing.join(" ")
    )))
}

/// A `cpuset` names CPUs by their numbers, which must be there and usable. `usable` are those of the node.
fn has_cpus(sandbox: &SandboxSpec, usable: &[u32]) -> Result<(), EngineError> {
    let Some(list) = &sandbox.limits.cpuset else { return Ok(()) };
    let lacking: Vec<String> = parse_list(list)
        .into_iter()
        .filter(|cpu| !usable.contains(cpu))
        .map(|cpu| cpu.to_string())
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let has: Vec<String> = usable.iter().map(u32::to_string).collect();
    Err(EngineError::Unable(format!(
        "sandbox `{}` is to run on the CPUs {list}, but the node has {}, not {}; remedy: another `cpuset`, or a node with \
         more `cpus`",
        sandbox.name,
        has.join(","),
        lacking.join(",")
    )))
}

/// `cpu.idle` came with Linux 5.15, on both versions.
fn has_idle(sandbox: &SandboxSpec, machine: &Machine) -> Result<(), EngineError> {
    let since = KernelBound { comparison: Comparison::AtLeast, version: vec![5, 15] };
    if !sandbox.limits.idle || since.holds(&machine.kernel) {
        return Ok(());
    }
    Err(EngineError::Unable(format!(
        "sandbox `{}` is to be idle, but kernel {} has no `cpu.idle`; remedy: Linux 5.15 or newer, or `weight: 1`, which is \
         nearly as little",
        sandbox.name, machine.kernel
    )))
}

fn has_namespaces(sandbox: &SandboxSpec, machine: &Machine) -> Result<(), EngineError> {
    let wanted = NamespaceKind::ALL.into_iter().filter(|&kind| sandbox.namespaces.is_new(kind));
    for kind in wanted {
        let name = format!("namespace.{}", kind.name());
        if let Some(missing) = machine.requirement(&name).filter(|requirement| !requirement.met) {
            return Err(EngineError::Unable(format!(
                "sandbox `{}` needs a new {} namespace: {}; remedy: {}",
                sandbox.name,
                kind.name(),
                missing.found,
                missing.remedy
            )));
        }
    }
    Ok(())
}

fn has_seccomp(sandbox: &SandboxSpec, machine: &Machine) -> Result<(), EngineError> {
    let missing = machine.requirement("seccomp").filter(|requirement| !requirement.met);
    match missing {
        Some(missing) if sandbox.seccomp == Seccomp::Default => Err(EngineError::Unable(format!(
            "sandbox `{}` needs a seccomp profile, but there are {} here; remedy: {}",
            sandbox.name, missing.found, missing.remedy
        ))),
        _ => Ok(()),
    }
}

/// Folders in which programs and what they are made of lie, on any distribution (file-hierarchy(7)).
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt"];

/// Those of them that this machine has.
pub(super) fn system_folders() -> Vec<String> {
    SYSTEM.into_iter().filter(|path| Path::new(path).is_dir()).map(str::to_owned).collect()
}

/// A program that is to be the workload must be in what its sandbox shows of the machine.
fn has_program(sandbox: &SandboxSpec) -> Result<(), EngineError> {
    let workload = sandbox.workload.as_ref().map(|workload| &workload.command);
    let service = sandbox.service.as_ref().map(|service| &service.command);
    let Some(program) = workload.or(service).and_then(|command| command.first()) else {
        return Ok(());
    };
    let places: Vec<String> = if program.contains('/') {
        vec![program.clone()]
    } else {
        SEARCHED.into_iter().map(|folder| format!("{folder}/{program}")).collect()
    };
    let shown = |place: &String| SYSTEM.iter().any(|folder| Path::new(place).starts_with(folder));
    if places.iter().any(|place| shown(place) && Path::new(place).is_file()) {
        return Ok(());
    }
    let seen = SYSTEM.join(", ");
    Err(EngineError::Unable(format!(
        "sandbox `{}` is to run `{}`, which is not on this machine in {seen}; remedy: install it, or name the path of a program \
         there",
        sandbox.name,
        program.escape_debug()
    )))
}

/// Names in `unified` are files of version 2: their controllers must be there, and not on version 1.
fn has_unified_controllers(
    sandbox: &SandboxSpec,
    hierarchies: &Hierarchies,
) -> Result<(), EngineError> {
    for file in sandbox.limits.unified.keys() {
        let controller = file.split('.').next().unwrap_or(file);
        let home = hierarchies.with_controller(controller);
        if home.is_none_or(|(_, hierarchy)| hierarchy.version == Version::V1) {
            return Err(EngineError::Unable(format!(
                "sandbox `{}` sets `{file}`, a file of cgroup version 2, but the controller `{controller}` is not in \
                 the unified hierarchy here; remedy: boot with `systemd.unified_cgroup_hierarchy=1`",
                sandbox.name
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Hierarchy;
    use crate::host::Roots;

    fn machine_with(version: Version) -> Hierarchies {
        let controllers = vec!["memory".to_owned()];
        let root = "/x".into();
        Hierarchies(vec![Hierarchy { version, controllers, root, group: String::new() }])
    }

    #[test]
    fn unified_files_need_their_controller_on_version_2() {
        let text = "version: 1\nname: u\nattacker: {workload: forkbomb}\nconfigs:\n  - name: a\n    limits: \
                    {unified: {memory.high: 48Mi}}\n";
        let scenario = crate::scenario::parse("u.yaml", text).unwrap();
        let attacker = &scenario.configs[0].sandboxes[0];
        assert!(has_unified_controllers(attacker, &machine_with(Version::V2)).is_ok());
        let error = has_unified_controllers(attacker, &machine_with(Version::V1)).unwrap_err();
        assert!(matches!(&error, EngineError::Unable(_)), "{error:?}");
        assert!(error.to_string().contains("memory.high"), "{error}");
        assert!(has_unified_controllers(attacker, &Hierarchies::default()).is_err());
    }

    #[test]
    fn a_cpuset_needs_its_cpus() {
        let text = "version: 1\nname: c\nattacker: {workload: forkbomb}\nconfigs:\n  - {name: a, limits: {cpuset: \
                    \"0,2-3\"}}\n";
        let scenario = crate::scenario::parse("c.yaml", text).unwrap();
        let attacker = &scenario.configs[0].sandboxes[0];
        assert!(has_cpus(attacker, &[0, 1, 2, 3]).is_ok());
        let error = has_cpus(attacker, &[0, 1, 2]).unwrap_err();
        assert!(error.is_skip() && error.to_string().contains("0,1,2, not 3"), "{error}");
    }

    #[test]
    fn idle_needs_a_kernel_that_has_it() {
        let text = "version: 1\nname: i\nattacker: {workload: cpu-burn}\nconfigs:\n  - {name: a, limits: {idle: \
                    true}}\n";
        let scenario = crate::scenario::parse("i.yaml", text).unwrap();
        let attacker = &scenario.configs[0].sandboxes[0];
        let mut machine = crate::host::machine(&Roots::default());
        machine.kernel = "5.14.21-generic".to_owned();
        let error = has_idle(attacker, &machine).unwrap_err();
        assert!(error.is_skip() && error.to_string().contains("5.14.21-generic"), "{error}");
        machine.kernel = "5.15.0".to_owned();
        assert!(has_idle(attacker, &machine).is_ok());
    }

    #[test]
    fn a_kernel_without_filters_runs_unconfined_sandboxes_alone() {
        let text = "version: 1\nname: s\nattacker: {workload: forkbomb}\nconfigs:\n  - {name: a}\n  - {name: b, attacker: \
                    {seccomp: unconfined}}\n";
        let configs = crate::scenario::parse("s.yaml", text).unwrap().configs;
        let mut machine = crate::host::machine(&Roots::default());
        for requirement in machine.requirements.iter_mut().filter(|it| it.name == "seccomp") {
            (requirement.met, requirement.remedy) = (false, "`seccomp: unconfined`".to_owned());
        }
        let error = has_seccomp(&configs[0].sandboxes[0], &machine).unwrap_err();
        assert!(error.is_skip() && error.to_string().contains("unconfined"), "{error}");
        assert!(has_seccomp(&configs[1].sandboxes[0], &machine).is_ok());
    }

    #[test]
    fn a_program_must_be_where_its_sandbox_can_see_it() {
        let of = |program: &str| {
            let text = format!(
                "version: 1\nname: p\nattacker: {{workload: command, command: [{program}, x], resource: cpu}}\nconfigs: [{{name: \
                 a}}]\n"
            );
            let scenario = crate::scenario::parse("p.yaml", &text).unwrap();
            has_program(&scenario.configs[0].sandboxes[0])
        };
        assert!(of("sh").is_ok() && of("/bin/sh").is_ok());
        for absent in ["no-such-program", "/usr/bin/no-such-program", "/proc/self/exe", "/usr/bin"]
        {
            let error = of(absent).unwrap_err();
            assert!(error.is_skip() && error.to_string().contains(absent), "{error}");
        }
    }

    #[test]
    fn only_a_guest_goes_without_a_guard() {
        let text = "version: 1\nname: n\nattacker: {workload: forkbomb}\nnode: none\nconfigs: [{name: a}]\n";
        let config = &crate::scenario::parse("n.yaml", text).unwrap().configs[0];
        let mut machine = crate::host::machine(&Roots::default());
        machine.kind = MachineKind::Host;
        let error = may_be_lost(config, &machine).unwrap_err();
        assert!(error.is_skip() && error.to_string().contains("--vm"), "{error}");
        machine.kind = MachineKind::Vm;
        assert!(may_be_lost(config, &machine).is_ok());
    }

    #[test]
    fn a_condition_that_does_not_hold_skips_the_config() {
        let text = "version: 1\nname: w\nattacker: {workload: forkbomb}\nconfigs:\n  - {name: a, when: \
                    {cgroup: v1}}\n  - {name: b, when: {arch: x86_64}}\n  - name: c\n";
        let mut configs = crate::scenario::parse("w.yaml", text).unwrap().configs;
        let mut machine = crate::host::machine(&Roots::default());
        machine.cgroup = Some(crate::record::CgroupMode::V2);
        machine.arch = "x86_64".to_owned();
        let error = is_meant_for(&configs[0], &machine).unwrap_err();
        assert!(error.is_skip(), "{error:?}");
        assert_eq!(error.to_string(), "`when`: needs cgroup v1, but this machine has v2");
        assert!(is_meant_for(&configs[1], &machine).is_ok());
        assert!(is_meant_for(&configs[2], &machine).is_ok());
        // A control has the conditions of all that need it.
        let more = configs[1].when.clone();
        configs[0].when.extend(more);
        assert!(is_meant_for(&configs[0], &machine).is_ok());
    }
}
