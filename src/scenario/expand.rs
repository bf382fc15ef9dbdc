//! The cases of a scenario: its configs, and the controls that make their answers worth something.

use super::{
    Condition, Config, Control, Limits, NodeSpec, Placement, PodSpec, Role, SandboxSpec, Scenario,
    Sysctls, Tolerances, Trials, VmSpec, Workload, WorkloadSpec,
};

/// The configs of a scenario with their controls, in the order of the run: shams, open cases, limited cases.
///
/// There is one sham for each machine, node, placement, set of pods, runtime and set of tolerances, and one open case for each attacker on them. Open cases that the file
/// brings along are not added again. What is added is a copy of the first config that needs it, so that only the attack differs.
#[must_use]
pub fn with_controls(scenario: &Scenario) -> Vec<Config> {
    let mut shams: Vec<Config> = Vec::new();
    let brought: Vec<Config> = scenario.configs.iter().filter(|c| is_open(c)).cloned().collect();
    let mut added: Vec<Config> = Vec::new();
    let limited: Vec<Config> = scenario.configs.iter().filter(|c| !is_open(c)).cloned().collect();
    for config in scenario.configs.iter().filter(|config| !config.looks()) {
        if let Some(sham) = shams.iter_mut().find(|sham| ground(sham) == ground(config)) {
            widen(sham, config);
            if !sham.stands_for.contains(&config.own_resource()) {
                sham.stands_for.push(config.own_resource());
            }
        } else {
            let name = free_name("sham", &[&scenario.configs, &shams]);
            shams.push(sham(config, name));
        }
        if is_open(config) || open_case_of(config, &brought).is_some() {
            continue;
        }
        let same = |open: &&mut Config| {
            ground(open) == ground(config) && workload(open) == workload(config)
        };
        if let Some(open) = added.iter_mut().find(same) {
            widen(open, config);
        } else {
            let name = free_name("open", &[&scenario.configs, &added]);
            added.push(opened(config, name));
        }
    }
    [shams, brought, added, limited].concat()
}

/// Lets an added control run wherever one of the configs that need it does, and nowhere else.
fn widen(control: &mut Config, config: &Config) {
    control.trials = Trials {
        pairs: control.trials.pairs.max(config.trials.pairs),
        budget_ms: control.trials.budget_ms.max(config.trials.budget_ms),
        block_ms: control.trials.block_ms.max(config.trials.block_ms),
    };
    if control.when.is_empty() || config.when.is_empty() {
        control.when.clear();
        return;
    }
    let more: Vec<Condition> =
        config.when.iter().filter(|when| !control.when.contains(when)).cloned().collect();
    control.when.extend(more);
}

/// True when the control runs wherever the config does, as far as their conditions show.
fn runs_with(control: &Config, config: &Config) -> bool {
    control.when.is_empty()
        || (!config.when.is_empty() && config.when.iter().all(|when| control.when.contains(when)))
}

/// The open case that a config is compared with; an open config is its own, a sham has none.
#[must_use]
pub fn open_case_of<'a>(config: &Config, cases: &'a [Config]) -> Option<&'a Config> {
    if config.control == Some(Control::Sham) {
        return None;
    }
    let mut candidates = cases.iter().filter(|case| {
        case.control == Some(Control::Open)
            && ground(case) == ground(config)
            && workload(case) == workload(config)
            && runs_with(case, config)
    });
    if config.control == Some(Control::Open) {
        return candidates.find(|case| case.name == config.name);
    }
    // Several open configs may differ in what is no part of the attack: the most alike comes first.
    let all: Vec<&Config> = candidates.collect();
    all.iter().find(|case| alike(case, config)).or(all.first()).copied()
}

/// The sham on a config's machine, node, placement and runtime, with its tolerances.
#[must_use]
pub fn sham_of<'a>(config: &Config, cases: &'a [Config]) -> Option<&'a Config> {
    cases.iter().find(|case| case.control == Some(Control::Sham) && ground(case) == ground(config))
}

fn is_open(config: &Config) -> bool {
    config.control == Some(Control::Open)
}

/// What a control must share with the configs that it speaks for. The tolerances are among it: an attack that hurts by one
/// measure may be harmless by another.
type Ground<'a> = (
    (Option<&'a VmSpec>, NodeSpec, Placement, Option<&'a str>, &'a Tolerances, &'a Sysctls),
    Vec<PodSpec>,
    Vec<Option<&'a str>>,
    Vec<&'a SandboxSpec>,
);

fn ground(config: &Config) -> Ground<'_> {
    let runtime = config.sandbox(Role::Attacker).map(|sandbox| sandbox.runtime.as_str());
    let machine =
        (config.vm(), config.node, config.placement, runtime, &config.tolerances, &config.sysctls);
    let members = config.sandboxes.iter().map(|sandbox| sandbox.pod.as_deref()).collect();
    let sidecars = config.sandboxes.iter().filter(|it| it.role == Role::Sidecar).collect();
    (machine, without_limits(config), members, sidecars)
}

/// The pods of a config; that of the attacker without its limits, which limit the attack.
fn without_limits(config: &Config) -> Vec<PodSpec> {
    let attackers = config.pod_of(Role::Attacker).map(|pod| pod.name.as_str());
    let opened = |pod: &PodSpec| match Some(pod.name.as_str()) == attackers {
        true => PodSpec { limits: Limits::default(), ..pod.clone() },
        false => pod.clone(),
    };
    config.pods.iter().map(opened).collect()
}

fn workload(config: &Config) -> Option<&WorkloadSpec> {
    config.sandbox(Role::Attacker)?.workload.as_ref()
}

/// True when the two differ in the attacker's limits at most.
fn alike(one: &Config, other: &Config) -> bool {
    let without_limits = |config: &Config| opened(config, String::new()).sandboxes;
    without_limits(one) == without_limits(other)
}

fn sham(config: &Config, name: String) -> Config {
    let mut sham = opened(config, name);
    sham.control = Some(Control::Sham);
    sham.stands_for = vec![config.own_resource()];
    for sandbox in sham.sandboxes.iter_mut().filter(|sandbox| sandbox.role == Role::Attacker) {
        sandbox.workload = Some(WorkloadSpec::full(Workload::Sleep));
    }
    sham
}

fn opened(config: &Config, name: String) -> Config {
    let mut open = Config {
        name,
        position: None,
        control: Some(Control::Open),
        ablation: None,
        expect: Vec::new(),
        asserts: Vec::new(),
        pods: without_limits(config),
        ..config.clone()
    };
    let unprotected = open.unprotected.take();
    for sandbox in &mut open.sandboxes {
        match (sandbox.role, &unprotected) {
            (Role::Attacker, _) => sandbox.limits = Limits::default(),
            (Role::Victim, Some(limits)) => sandbox.limits = limits.clone(),
            (Role::Victim | Role::Sidecar, _) => {}
        }
    }
    open
}

/// `base`, `base-2`, `base-3`, …: the first that nobody has.
fn free_name(base: &str, taken: &[&[Config]]) -> String {
    let is_free =
        |name: &String| !taken.iter().any(|list| list.iter().any(|config| config.name == *name));
    (1_u64..)
        .map(|number| if number == 1 { base.to_owned() } else { format!("{base}-{number}") })
        .find(is_free)
        .unwrap_or_else(|| base.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn cases(configs: &str) -> Vec<Config> {
        let text =
            format!("version: 1\nname: t\nattacker: {{workload: forkbomb}}\nconfigs:\n{configs}");
        with_controls(&parse("t.yaml", &text).unwrap_or_else(|errors| panic!("{errors}")))
    }

    fn names(cases: &[Config]) -> Vec<&str> {
        cases.iter().map(|case| case.name.as_str()).collect()
    }

    #[test]
    fn adds_what_is_missing_once() {
        let cases = cases("  - {name: a, limits: {pids: 5}}\n  - {name: b, limits: {pids: 9}}\n");
        assert_eq!(names(&cases), ["sham", "open", "a", "b"]);
        assert_eq!(cases[0].control, Some(Control::Sham));
        assert_eq!(workload(&cases[0]).map(|it| it.name), Some(Workload::Sleep));
        assert_eq!(cases[1].control, Some(Control::Open));
        assert_eq!(cases[1].position, None);
        assert!(cases[1].sandboxes[0].limits.is_empty());
        assert_eq!(cases[2].control, None);
    }

    #[test]
    fn a_config_without_limits_is_the_open_case() {
        let cases = cases("  - {name: b, limits: {pids: 9}}\n  - {name: free}\n");
        assert_eq!(names(&cases), ["sham", "free", "b"]);
        assert_eq!(open_case_of(&cases[2], &cases).unwrap().name, "free");
        assert_eq!(open_case_of(&cases[1], &cases).unwrap().name, "free");
        assert_eq!(open_case_of(&cases[0], &cases), None);
    }

    #[test]
    fn every_node_placement_and_attacker_has_its_controls() {
        let cases = cases(
            "  - {name: open}\n  - {name: a, limits: {pids: 5}, placement: together}\n  \
             - {name: b, limits: {pids: 5}, node: {pids: 100}}\n  \
             - {name: c, limits: {pids: 5}, attacker: {intensity: 50}}\n",
        );
        assert_eq!(
            names(&cases),
            ["sham", "sham-2", "sham-3", "open", "open-2", "open-3", "open-4", "a", "b", "c"]
        );
        for case in &cases {
            let sham = sham_of(case, &cases).expect("a sham for each case");
            assert_eq!((sham.node, sham.placement), (case.node, case.placement));
            if case.control.is_none() {
                let open = open_case_of(case, &cases).expect("an open case for each config");
                assert_eq!(workload(open), workload(case));
            }
        }
    }
}
