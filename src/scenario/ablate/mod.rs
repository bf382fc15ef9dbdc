//! A scenario without its controls: each limited config again and again, every time with one control less. What leaks then and did
//! not before, that control had stopped (an ablation study, as of any system whose parts may or may not matter).

mod switches;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, NamespaceKind, Resource, Role, SandboxSpec, Scenario, Workload};
use switches::{Switch, limits, switches};

/// Which control a config goes without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ablation {
    /// The config that has the control.
    pub of: String,
    /// The control, by its key in the scenario format, such as `limits.pids` or `namespaces.pid`; one of the victim has
    /// `victim.` in front of it, one of a sidecar `sidecars.NAME.`, one of a pod `pods.NAME.`.
    pub control: String,
    /// Its value there.
    pub from: String,
    /// Its value here, which is what a sandbox without it has.
    pub to: String,
}

/// A control that is not switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOn {
    /// The config that has it.
    pub config: String,
    /// The control, as in [`Ablation::control`].
    pub control: String,
    /// Why.
    pub why: String,
}

impl Scenario {
    /// Adds to each limited config one for every control that it can do without, behind it. Those expect nothing: what they show is
    /// a finding. Returns what stays on.
    pub fn ablate(&mut self) -> Vec<LeftOn> {
        let mut left_on = Vec::new();
        let mut names: Vec<String> = self.configs.iter().map(|it| it.name.clone()).collect();
        let mut all = Vec::new();
        for config in std::mem::take(&mut self.configs) {
            let without = if is_limited(&config) {
                ablated(&config, &mut names, &mut left_on)
            } else {
                Vec::new()
            };
            all.push(config);
            all.extend(without);
        }
        self.configs = all;
        left_on
    }
}

/// Controls of the experiment have nothing to take away.
const fn is_limited(config: &Config) -> bool {
    config.control.is_none() && config.ablation.is_none()
}

fn ablated(config: &Config, names: &mut Vec<String>, left_on: &mut Vec<LeftOn>) -> Vec<Config> {
    let mut all = Vec::new();
    for (index, sandbox) in config.sandboxes.iter().enumerate() {
        for switch in switches(sandbox) {
            if let Some(why) = danger(&switch, sandbox, config) {
                let control = format!("{}{}", whose(sandbox), switch.key);
                left_on.push(LeftOn { config: config.name.clone(), control, why: why.to_owned() });
                continue;
            }
            let mut without = copy_of(config, &whose(sandbox), &switch, names);
            without.sandboxes[index] = switch.without;
            all.push(without);
        }
    }
    for (index, pod) in config.pods.iter().enumerate() {
        for switch in limits(&pod.limits) {
            let mut without = copy_of(config, &format!("pods.{}.", pod.name), &switch, names);
            without.pods[index].limits = switch.without;
            all.push(without);
        }
    }
    all
}

/// What stands in front of a control that is not the attacker's.
fn whose(sandbox: &SandboxSpec) -> String {
    match sandbox.role {
        Role::Attacker => String::new(),
        Role::Victim => "victim.".to_owned(),
        Role::Sidecar => format!("sidecars.{}.", sandbox.name),
    }
}

/// The config under a name of its own, expecting nothing, from which the control is still to be taken.
fn copy_of<T>(config: &Config, whose: &str, switch: &Switch<T>, names: &mut Vec<String>) -> Config {
    let control = format!("{whose}{}", switch.key);
    let name = free_name(&format!("{}-without-{}", config.name, dashed(&control)), names);
    names.push(name.clone());
    Config {
        name,
        expect: Vec::new(),
        asserts: Vec::new(),
        ablation: Some(Ablation {
            of: config.name.clone(),
            control,
            from: switch.from.clone(),
            to: switch.to.clone(),
        }),
        ..config.clone()
    }
}

/// Why a control must stay on: what the attack would do to the machine without it, or what the experiment needs it for.
fn danger(
    switch: &Switch<SandboxSpec>,
    sandbox: &SandboxSpec,
    config: &Config,
) -> Option<&'static str> {
    let workload = sandbox.workload.as_ref();
    let foreign = workload.is_some_and(|it| it.name == Workload::Command);
    let drains = |resource| workload.is_some_and(|it| it.resource() == Some(resource));
    match switch.key.as_str() {
        "capabilities" | "no_new_privs" if !sandbox.namespaces.is_apart(NamespaceKind::User) => {
            Some("in the host's user namespace they would be privileges over the machine")
        }
        "namespaces.user"
            if !sandbox.no_new_privs || !sandbox.capabilities.effective().is_empty() =>
        {
            Some("the sandbox's privileges would be privileges over the machine")
        }
        "capabilities" if foreign => {
            Some("the program could undo what hides the machine's own files from it")
        }
        "namespaces.mnt" if sandbox.limits.tmpfs_bytes.is_some() => {
            Some("`tmpfs` needs a mount namespace of the sandbox's own")
        }
        "namespaces.mnt" if foreign || drains(Resource::Disk) => {
            Some("the attack would write to the machine's own files")
        }
        "namespaces.mnt" if sandbox.service.is_some() => {
            Some("the service would run on the machine's own files")
        }
        "namespaces.net" if foreign || drains(Resource::Network) => {
            Some("the attack would reach the machine's own network")
        }
        "namespaces.pid" if foreign || config.shares_user() => {
            Some("the processes of the attack could not be told from others")
        }
        "user" if !sandbox.namespaces.is_new(NamespaceKind::Pid) => {
            Some("the processes of the attack could not be told from those of the victim")
        }
        _ => None,
    }
}

/// A control as part of a name.
fn dashed(control: &str) -> String {
    control.strip_prefix("namespaces.").map_or_else(
        || control.replace("limits.", "").replace(['.', '_'], "-"),
        |kind| format!("{kind}-namespace"),
    )
}

fn free_name(base: &str, taken: &[String]) -> String {
    let numbered = (2_u64..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| base.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Control, parse, with_controls};

    fn scenario(rest: &str) -> Scenario {
        let text = format!("version: 1\nname: t\n{rest}");
        parse("t.yaml", &text).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn controls(scenario: &Scenario) -> Vec<(String, String, String)> {
        let found = scenario.configs.iter().filter_map(|config| config.ablation.clone());
        found.map(|it| (it.control, it.from, it.to)).collect()
    }

    #[test]
    fn limits_of_links_and_disks_are_spelt_as_in_scenarios() {
        let mut scenario = scenario(
            "attacker: {workload: io-drain}\nnode: {disk: 256Mi, uplink: 10M}\nconfigs:\n  - {name: open, expect: leaks}\n  \
             - {name: a, limits: {io: {rbps: 4Mi, wiops: 100}, net: {egress: 1M, ingress: 2500k}}, expect: contained}\n",
        );
        scenario.ablate();
        let found = controls(&scenario);
        for (control, from) in [
            ("limits.io.rbps", "4Mi"),
            ("limits.io.wiops", "100"),
            ("limits.net.egress", "1M"),
            ("limits.net.ingress", "2500k"),
        ] {
            assert!(found.iter().any(|it| it.0 == control && it.1 == from), "{control}: {found:?}");
        }
    }

    #[test]
    fn every_control_of_a_limited_config_is_switched_off_once() {
        let mut scenario = scenario(
            "attacker: {workload: forkbomb}\nconfigs:\n  - {name: open, expect: leaks}\n  \
             - {name: a, limits: {pids: 9, memory: 64Mi, swap: 0, cpu: 500m}, expect: contained}\n",
        );
        let left_on = scenario.ablate();
        assert!(left_on.is_empty(), "{left_on:?}");
        let words: Vec<String> = controls(&scenario)
            .into_iter()
            .map(|(control, from, to)| format!("{control} {from} {to}"))
            .collect();
        assert_eq!(
            words,
            [
                "limits.cpu 500m max",
                "limits.memory 64Mi max",
                "limits.pids 9 max",
                "limits.swap 0 max",
                "namespaces.mnt new host",
                "namespaces.pid new host",
                "namespaces.net new host",
                "namespaces.ipc new host",
                "namespaces.uts new host",
                "namespaces.user new host",
                "namespaces.cgroup new host",
                "namespaces.time new host",
                "user own shared",
                "masked_paths default none",
                "capabilities default all",
                "no_new_privs true false",
                "seccomp default unconfined",
            ]
        );
        for config in scenario.configs.iter().filter(|config| config.ablation.is_some()) {
            assert!(config.expect.is_empty() && config.control.is_none(), "{}", config.name);
        }
        let limits_of = |name: &str| {
            let config = scenario.configs.iter().find(|config| config.name == name);
            config.unwrap_or_else(|| panic!("no {name}")).sandboxes[0].limits.clone()
        };
        let without = limits_of("a-without-memory");
        assert_eq!((without.memory_bytes, without.swap_bytes), (None, None));
        assert_eq!((without.pids, without.cpu_millis), (Some(9), Some(500)));
        assert_eq!(limits_of("a-without-pid-namespace"), limits_of("a"));
    }

    #[test]
    fn one_sham_and_one_open_case_serve_all() {
        let mut scenario = scenario(
            "attacker: {workload: forkbomb}\nconfigs:\n  - {name: a, limits: {pids: 9}}\n",
        );
        scenario.ablate();
        let cases = with_controls(&scenario);
        let counted = |control| cases.iter().filter(|it| it.control == Some(control)).count();
        assert_eq!((counted(Control::Sham), counted(Control::Open)), (1, 1));
        assert!(cases.iter().all(|it| it.ablation.is_none() || it.control.is_none()));
    }

    #[test]
    fn limits_of_the_victim_and_files_of_the_kernel_are_controls_too() {
        let mut scenario = scenario(
            "attacker: {workload: cpu-burn}\nconfigs:\n  \
             - {name: a, victim: {limits: {weight: 10000}}}\n  \
             - {name: b, limits: {unified: {memory.high: 48Mi, memory.low: 1Mi}}}\n",
        );
        scenario.ablate();
        let all = controls(&scenario);
        let has = |name: &str| all.iter().any(|(control, ..)| control == name);
        assert!(has("victim.limits.weight") && has("limits.memory.high"), "{all:?}");
        let without = scenario.configs.iter().find(|it| it.name == "b-without-memory-high");
        let files = &without.expect("a config").sandboxes[0].limits.unified;
        assert_eq!(files.keys().collect::<Vec<_>>(), ["memory.low"]);
    }

    #[test]
    fn limits_of_pods_and_sidecars_are_controls_and_each_is_taken_from_its_own() {
        let mut scenario = scenario(
            "attacker: {workload: forkbomb, pod: noisy}\nvictim: {pod: app}\nconfigs:\n  \
             - name: a\n    pods: [{name: noisy, limits: {pids: 100, memory: 64Mi}}]\n    \
             sidecars:\n      - {name: one, pod: app, command: [\"true\"], limits: {pids: 9}}\n      \
             - {name: two, pod: app, command: [\"true\"], limits: {pids: 8}}\n",
        );
        scenario.ablate();
        let without = |control: &str| {
            let is_it = |it: &&Config| it.ablation.as_ref().is_some_and(|it| it.control == control);
            scenario.configs.iter().find(is_it).unwrap_or_else(|| panic!("no {control}"))
        };
        let pids = |config: &Config| -> Vec<Option<u64>> {
            config.sandboxes.iter().map(|it| it.limits.pids).collect()
        };
        let config = without("pods.noisy.limits.pids");
        let noisy = &config.pod("noisy").expect("a pod").limits;
        assert_eq!((noisy.pids, noisy.memory_bytes), (None, Some(64 << 20)));
        assert_eq!(pids(config), [None, None, Some(9), Some(8)]);
        assert_eq!(config.name, "a-without-pods-noisy-pids");
        let config = without("sidecars.two.limits.pids");
        assert_eq!(pids(config), [None, None, Some(9), None]);
        let names: Vec<&str> = config.sandboxes.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["attacker", "victim", "one", "two"]);
    }

    #[test]
    fn what_would_hurt_the_machine_stays_on() {
        let mut scenario = scenario(
            "attacker: {workload: command, command: [\"true\"], resource: cpu}\nconfigs:\n  \
             - {name: a, limits: {pids: 9}}\n",
        );
        let left_on: Vec<String> = scenario.ablate().into_iter().map(|it| it.control).collect();
        assert_eq!(left_on, ["namespaces.mnt", "namespaces.pid", "namespaces.net", "capabilities"]);
        assert!(!controls(&scenario).iter().any(|(control, ..)| control == "namespaces.net"));
    }

    #[test]
    fn names_are_free_and_nothing_is_taken_away_twice() {
        let mut scenario = scenario(
            "attacker: {workload: forkbomb}\nconfigs:\n  - {name: a, limits: {pids: 9}}\n  \
             - {name: a-without-pids, limits: {pids: 8}}\n",
        );
        scenario.ablate();
        let count = scenario.configs.len();
        let mut names: Vec<&String> = scenario.configs.iter().map(|it| &it.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(scenario.configs.iter().any(|it| it.name == "a-without-pids-2"));
        // Nobody ablates what is ablated already.
        scenario.configs.retain(|it| it.ablation.is_some());
        scenario.ablate();
        assert!(scenario.configs.len() < count);
    }
}
