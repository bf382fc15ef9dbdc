//! What one case needs of the machine beyond what every case needs. "The machine cannot" is neither a failure of the tool
//! nor a finding.

use super::EngineError;
use super::dangers::{self, Allowed};
use crate::cgroup::{Hierarchies, Version, parse_list};
use crate::record::Machine;
use crate::scenario::{Comparison, Config, KernelBound, NamespaceKind, SandboxSpec};

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
    dangers::check(config, allowed)?;
    for sandbox in &config.sandboxes {
        let cpus = usize::try_from(config.node.cpus).unwrap_or(usize::MAX).min(usable.len());
        has_cpus(sandbox, &usable[..cpus])?;
        has_idle(sandbox, machine)?;
        has_namespaces(sandbox, machine)?;
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
        Hierarchies(vec![Hierarchy { version, controllers, root: "/x".into() }])
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
