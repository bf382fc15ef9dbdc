//! Controls that several scenarios of a run need: each is measured once.

use crate::analyze;
use crate::record::Case;
use crate::scenario::{Config, Control, Limits, Role, SandboxSpec, Service};

/// The controls that were measured so far in this run.
#[derive(Debug, Default)]
pub struct Controls {
    measured: Vec<(Config, Case)>,
}

impl Controls {
    /// Keeps a case of a scenario if it is a control that was measured.
    pub fn keep(&mut self, scenario: &str, config: &Config, case: &Case) {
        if config.control.is_none() || case.blocks.is_empty() || case.measured_for.is_some() {
            return;
        }
        let measured_for = Some(format!("{scenario}/{}", config.name));
        self.measured.push((config.clone(), Case { measured_for, ..case.clone() }));
    }

    /// The case of the same control, measured for an earlier scenario, under this config's name. What was expected of it
    /// there is not in it.
    #[must_use]
    pub fn same_as(&self, config: &Config) -> Option<Case> {
        let (_, case) = self.measured.iter().find(|(measured, _)| is_same(measured, config))?;
        let mut case = case.clone();
        case.config.clone_from(&config.name);
        case.expectations.clear();
        Some(case)
    }
}

/// The same experiment to the letter; for a sham, which does nothing, the names of its sandboxes and the attacker's namespaces
/// do not matter, but it must stand for at least as much.
fn is_same(measured: &Config, wanted: &Config) -> bool {
    let ground = |config: &Config| {
        let named = analyze::named_targets(&config.expect);
        let members: Vec<_> = config.sandboxes.iter().map(|it| it.pod.clone()).collect();
        let sidecars = config.sandboxes.iter().filter(|it| it.role == Role::Sidecar);
        let sidecars: Vec<SandboxSpec> = sidecars.cloned().collect();
        let pods = (config.pods.clone(), members, sidecars);
        (config.control, config.node, config.placement, config.tolerances.clone(), named, pods)
    };
    if ground(measured) != ground(wanted) || measured.trials != wanted.trials {
        return false;
    }
    if wanted.control != Some(Control::Sham) {
        return measured.sandboxes == wanted.sandboxes;
    }
    let victim = |config: &Config| -> (Limits, Option<Service>) {
        let of = |victim: &SandboxSpec| (victim.limits.clone(), victim.service.clone());
        config.sandbox(Role::Victim).map(of).unwrap_or_default()
    };
    victim(measured) == victim(wanted)
        && wanted.stands_for.iter().all(|resource| measured.stands_for.contains(resource))
        && measured.own_resource() == wanted.own_resource()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::blank::blank_case;
    use crate::record::{Block, BlockMode, BlockState};
    use crate::scenario::{parse, with_controls};

    fn configs(head: &str, rest: &str) -> Vec<Config> {
        let text = format!(
            "version: 1\nname: s\nattacker: {{workload: forkbomb}}\n{head}configs:\n{rest}"
        );
        with_controls(&parse("s.yaml", &text).unwrap_or_else(|errors| panic!("{errors}")))
    }

    fn measured(config: &Config) -> Case {
        let mut case = blank_case(config, "host");
        case.blocks.push(Block {
            pair: 0,
            state: BlockState::Off,
            mode: BlockMode::Latency,
            start_ms: 0.0,
            end_ms: 1.0,
            attacker_cpu_seconds: None,
            probes: Vec::new(),
        });
        case
    }

    #[test]
    fn a_control_is_taken_from_an_earlier_scenario_when_it_is_the_same() {
        let first = configs("", "  - {name: a, limits: {pids: 64}}\n");
        let mut controls = Controls::default();
        for config in &first {
            controls.keep("first", config, &measured(config));
        }
        assert_eq!(controls.measured.len(), 2, "sham and open, and no limited case");
        let second = configs("", "  - {name: free}\n  - {name: b, limits: {pids: 5}}\n");
        let case = controls.same_as(&second[1]).expect("the same attack without limits");
        assert_eq!(case.config, "free");
        assert_eq!(case.measured_for.as_deref(), Some("first/open"));
        assert!(controls.same_as(&second[0]).is_some());
        assert!(controls.same_as(&second[2]).is_none());
    }

    #[test]
    fn another_node_placement_trial_or_question_is_another_control() {
        let first = configs("", "  - {name: free}\n");
        let mut controls = Controls::default();
        for config in &first {
            controls.keep("first", config, &measured(config));
        }
        for head in ["node: {pids: 100}\n", "placement: together\n", "tolerance: {pids: 50%}\n"] {
            for config in configs(head, "  - {name: free}\n") {
                assert!(controls.same_as(&config).is_none(), "{head}: {}", config.name);
            }
        }
        let asked = configs("", "  - {name: free, expect: {cpu: contained}}\n");
        assert!(controls.same_as(&asked[1]).is_none(), "cpu was not measured to be judged");
        assert!(controls.same_as(&asked[0]).is_some(), "the sham is asked nothing");
    }
}
