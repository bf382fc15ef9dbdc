//! What scenario files mean: sugar, inheritance and defaults.

use std::collections::BTreeMap;

use contain_test::scenario::{
    Config, Control, ExpectedWord, FactName, FactValue, IoLimits, Limits, MemorySpec,
    NamespaceKind, NodeSpec, OomChoice, Placement, Resource, Role, SandboxSpec, Scenario, Target,
    Workload, WorkloadKind, open_case_of, parse, sham_of, with_controls,
};

fn read(text: &str) -> Scenario {
    parse("t.yaml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn base(rest: &str) -> Scenario {
    read(&format!("version: 1\nname: t\nattacker: {{workload: forkbomb}}\n{rest}"))
}

fn attacker(config: &Config) -> &SandboxSpec {
    config.sandbox(Role::Attacker).unwrap()
}

fn victim(config: &Config) -> &SandboxSpec {
    config.sandbox(Role::Victim).unwrap()
}

#[test]
fn what_is_not_written_has_its_default() {
    let scenario = base("configs: [{name: a}]\n");
    assert_eq!((scenario.name.as_str(), scenario.file.as_str()), ("t", "t.yaml"));
    let config = &scenario.configs[0];
    assert_eq!(config.control, Some(Control::Open));
    assert_eq!(config.node, NodeSpec::default());
    assert_eq!(config.placement, Placement::Apart);
    assert_eq!(config.own_resource(), Resource::Pids);
    assert_eq!(config.sandboxes.len(), 2);
    let first = &config.sandboxes[0];
    assert_eq!((first.name.as_str(), first.role), ("attacker", Role::Attacker));
    assert_eq!(first.runtime, "native");
    assert_eq!(
        first.workload.as_ref().map(|it| (it.name, it.intensity)),
        Some((Workload::Forkbomb, 100))
    );
    assert_eq!((victim(config).name.as_str(), victim(config).workload.is_none()), ("victim", true));
    assert!(NamespaceKind::ALL.iter().all(|&kind| first.namespaces.is_new(kind)));
}

#[test]
fn a_node_has_a_disk_and_an_uplink_where_they_are_given() {
    let scenario = base(
        "node: {disk: 256Mi}\nconfigs:\n  - name: disk\n  - name: both\n    node: {uplink: 1.5G}\n",
    );
    let node = |index: usize| scenario.configs[index].node;
    assert_eq!(node(0).disk_bytes, Some(256 << 20));
    assert_eq!(node(0).uplink_bits_per_second, None);
    assert_eq!(node(1).disk_bytes, Some(256 << 20), "a config replaces what it names");
    assert_eq!(node(1).uplink_bits_per_second, Some(1_500_000_000));
    assert!(node(1).has(Resource::Disk) && !node(0).has(Resource::Network));
}

#[test]
fn limits_of_a_config_replace_those_of_the_base() {
    let scenario = base(
        "limits: {pids: 5, memory: 64Mi}\nconfigs:\n  - name: inherits\n  - name: replaces\n    \
         limits: {pids: 9}\n  - name: none\n    limits: {}\n",
    );
    let limits: Vec<&Limits> = scenario.configs.iter().map(|it| &attacker(it).limits).collect();
    assert_eq!((limits[0].pids, limits[0].memory_bytes), (Some(5), Some(64 << 20)));
    assert_eq!((limits[1].pids, limits[1].memory_bytes), (Some(9), None));
    assert!(limits[2].is_empty());
    let controls: Vec<_> = scenario.configs.iter().map(|config| config.control).collect();
    assert_eq!(controls, [None, None, Some(Control::Open)]);
}

#[test]
fn configs_override_single_keys() {
    let scenario = read(
        "version: 1\nname: t\nnode: {cpus: 4, pids: 300}\nplacement: together\n\
         attacker: {workload: forkbomb, intensity: 50, pod: one}\nvictim: {limits: {pids: 10}}\n\
         configs:\n  - name: a\n    node: {pids: 200}\n    placement: apart\n    \
         attacker: {intensity: 25%, namespaces: {pid: host}}\n    victim: {name: neighbour}\n",
    );
    let config = &scenario.configs[0];
    assert_eq!((config.node.cpus, config.node.pids), (4, 200));
    assert_eq!(config.placement, Placement::Apart);
    let first = attacker(config);
    assert_eq!(first.workload.as_ref().map(|it| it.intensity), Some(25));
    assert_eq!(first.pod.as_deref(), Some("one"));
    assert!(!first.namespaces.is_new(NamespaceKind::Pid));
    assert!(first.namespaces.is_new(NamespaceKind::Mnt));
    assert_eq!((victim(config).name.as_str(), victim(config).limits.pids), ("neighbour", Some(10)));
    assert_eq!(config.control, Some(Control::Open), "a victim's limits do not close the attack");
}

#[test]
fn sugar_and_the_list_of_sandboxes_mean_the_same() {
    let list = read(
        "version: 1\nname: t\nsandboxes:\n  - {role: victim, limits: {pids: 9}}\n  \
         - {name: attacker, role: attacker, workload: sleep, limits: {pids: 7}}\nconfigs: [{name: a}]\n",
    );
    let sugar = read(
        "version: 1\nname: t\nattacker: {workload: sleep}\nlimits: {pids: 7}\n\
         victim: {limits: {pids: 9}}\nconfigs: [{name: a}]\n",
    );
    assert_eq!(list.configs[0].sandboxes, sugar.configs[0].sandboxes);
    assert_eq!(list.configs[0].own_resource(), Resource::Pids);
}

#[test]
fn a_list_in_a_config_replaces_both_sandboxes() {
    let scenario = base(
        "limits: {pids: 5}\nconfigs:\n  - name: a\n    sandboxes:\n      \
         - {role: attacker, workload: sleep}\n",
    );
    assert_eq!(attacker(&scenario.configs[0]).workload.as_ref().unwrap().name, Workload::Sleep);
    assert!(attacker(&scenario.configs[0]).limits.is_empty());
}

#[test]
fn every_limit_is_read_in_its_unit() {
    let scenario = base(
        "node: {disk: 64Mi, uplink: 100M}\nconfigs:\n  - name: a\n    limits:\n      io: {wbps: 2Mi, riops: 100, weight: 50}\n      pids: 64\n      memory: 64Mi\n      swap: 0\n      \
         cpu: 500m\n      weight: 10\n      cpuset: 0-1,3\n      nofile: 1024\n      nproc: 100\n      tmpfs: 16Mi\n      \
         net: {egress: 5M, ingress: 10M}\n      \
         unified: {memory.high: 48Mi, \"io.weight\": 50, memory.low: max}\n",
    );
    let unified = [("io.weight", "50"), ("memory.high", "50331648"), ("memory.low", "max")];
    let expected = Limits {
        idle: false,
        pids: Some(64),
        memory_bytes: Some(64 << 20),
        swap_bytes: Some(0),
        cpu_millis: Some(500),
        weight: Some(10),
        cpuset: Some("0-1,3".to_owned()),
        nofile: Some(1024),
        nproc: Some(100),
        tmpfs_bytes: Some(16 << 20),
        io: Some(IoLimits {
            wbps: Some(2 << 20),
            riops: Some(100),
            weight: Some(50),
            ..IoLimits::default()
        }),
        net_egress_bits_per_second: Some(5_000_000),
        net_ingress_bits_per_second: Some(10_000_000),
        unified: BTreeMap::from(unified.map(|(key, value)| (key.to_owned(), value.to_owned()))),
    };
    assert_eq!(attacker(&scenario.configs[0]).limits, expected);
}

#[test]
fn expectations_in_all_their_forms() {
    let scenario = base(
        "configs:\n  - name: a\n    expect: leaks\n  - name: b\n    expect: [denied, lost]\n  \
         - name: c\n    expect: {pids: contained, \"cpu/work\": [contained, degraded]}\n",
    );
    let [a, b, c] = &scenario.configs[..] else { panic!("three configs") };
    assert_eq!(
        (&a.expect[0].target, &a.expect[0].any_of[..]),
        (&Target::Own, &[ExpectedWord::Leaks][..])
    );
    assert_eq!((a.expect[0].position.line, a.expect[0].position.column), (6, 13));
    assert_eq!(b.expect[0].any_of, [ExpectedWord::Denied, ExpectedWord::Lost]);
    assert_eq!(c.expect[0].target, Target::Named(Resource::Pids, None));
    assert_eq!(c.expect[1].target, Target::Named(Resource::Cpu, Some("work".to_owned())));
    assert_eq!(c.expect[1].position.column, 31);
    assert_eq!(c.position.map(|it| (it.line, it.column)), Some((9, 5)));
}

#[test]
fn assertions_in_all_their_forms() {
    let scenario = base(
        "configs:\n  - name: a\n    assert: inside.pid == 1\n  - name: b\n    assert:\n      \
         - outside.pid   != 1\n      - outside.sees_inside\n      - not inside.sees_outside\n      \
         - inside.sees_outside != true\n",
    );
    let plain: Vec<_> = scenario
        .configs
        .iter()
        .flat_map(|config| &config.asserts)
        .map(|it| (it.fact, it.equals, it.value, it.text.as_str()))
        .collect();
    assert_eq!(
        plain,
        [
            (FactName::InsidePid, true, FactValue::Number(1), "inside.pid == 1"),
            (FactName::OutsidePid, false, FactValue::Number(1), "outside.pid != 1"),
            (FactName::OutsideSeesInside, true, FactValue::Flag(true), "outside.sees_inside"),
            (FactName::InsideSeesOutside, true, FactValue::Flag(false), "not inside.sees_outside"),
            (
                FactName::InsideSeesOutside,
                false,
                FactValue::Flag(true),
                "inside.sees_outside != true"
            ),
        ]
    );
}

#[test]
fn tolerances_of_a_config_replace_those_of_the_base_key_by_key() {
    let scenario = base(
        "tolerance: {pids: 50%, cpu/work: 20}\nconfigs:\n  - {name: a, limits: {pids: 9}}\n  \
         - {name: b, limits: {pids: 9}, tolerance: {cpu: 5%}}\n",
    );
    let of = |index: usize, resource, operation| {
        scenario.configs[index].tolerances.percent_of(resource, operation)
    };
    assert_eq!((of(0, Resource::Pids, "fork"), of(0, Resource::Cpu, "work")), (Some(50), Some(20)));
    assert_eq!((of(1, Resource::Pids, "fork"), of(1, Resource::Cpu, "work")), (Some(50), Some(5)));
    // Each set of tolerances has controls of its own, judged by the same measure.
    let cases = with_controls(&scenario);
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["sham", "sham-2", "open", "open-2", "a", "b"]);
    for case in &cases[4..] {
        assert_eq!(open_case_of(case, &cases).unwrap().tolerances, case.tolerances);
        assert_eq!(sham_of(case, &cases).unwrap().tolerances, case.tolerances);
    }
}

#[test]
fn anchors_and_byte_order_marks_are_fine() {
    let scenario = read(
        "\u{feff}version: 1\r\nname: t\r\nattacker: {workload: forkbomb}\r\nconfigs:\r\n\
         - {name: a, limits: &l {pids: 5}}\r\n- {name: b, limits: *l}\r\n",
    );
    assert_eq!(attacker(&scenario.configs[0]).limits, attacker(&scenario.configs[1]).limits);
}

#[test]
fn shipped_scenarios_mean_what_they_say() {
    for (name, text) in contain_test::scenario::shipped() {
        let scenario = read(text);
        assert_eq!(scenario.name, *name);
        assert!(scenario.summary.is_some());
        let cases = with_controls(&scenario);
        // Who only looks around is compared with nobody.
        let compared = |case: &&Config| case.control != Some(Control::Sham) && !case.looks();
        for case in cases.iter().filter(compared) {
            assert!(sham_of(case, &cases).is_some(), "{name}: {}", case.name);
            assert!(open_case_of(case, &cases).is_some(), "{name}: {}", case.name);
        }
    }
    let names = |wanted: &str| -> Vec<String> {
        let shipped = contain_test::scenario::shipped();
        let (_, text) = shipped.iter().find(|(name, _)| *name == wanted).unwrap();
        with_controls(&read(text)).into_iter().map(|case| case.name).collect()
    };
    assert_eq!(names("pids"), ["sham", "open", "pids-64"]);
    assert_eq!(names("pids-by-hand"), ["sham", "open", "pids-5", "pids-5-host-pid"]);
    assert_eq!(names("memory-by-hand"), ["sham", "open", "memory-50"]);
    assert_eq!(names("cpu")[..4], ["sham", "open", "open-8-threads", "open-bursts"]);
    assert_eq!(names("cpu").len(), 11, "every open case is there by name");
}

#[test]
fn a_burner_has_threads_and_bursts_and_shares_the_victims_cpu() {
    let scenario = read(
        "version: 1\nname: t\nattacker: {workload: cpu-burn, burst: {busy: 2ms, period: 10ms}}\nconfigs:\n  \
         - {name: a}\n  - {name: b, attacker: {threads: 8}}\n  - {name: c, limits: {idle: true}}\n",
    );
    let of = |index: usize| attacker(&scenario.configs[index]).workload.as_ref().unwrap();
    assert_eq!((of(0).name, of(0).threads), (Workload::CpuBurn, 1));
    assert_eq!(of(0).burst.map(|it| (it.busy_us, it.period_us)), Some((2_000, 10_000)));
    assert_eq!((of(1).threads, of(1).burst), (8, of(0).burst), "the burst is inherited");
    let first = &scenario.configs[0];
    assert_eq!((first.own_resource(), first.placement), (Resource::Cpu, Placement::Together));
    assert!(attacker(&scenario.configs[2]).limits.idle);
    let cases = with_controls(&scenario);
    let open = |name: &str| {
        let config = cases.iter().find(|case| case.name == name).unwrap();
        open_case_of(config, &cases).unwrap().name.as_str()
    };
    assert_eq!((open("c"), open("b")), ("a", "b"), "another number of threads is another attack");
}

#[test]
fn options_of_a_workload_are_inherited_and_make_another_attack() {
    let scenario = read(
        "version: 1\nname: t\nattacker: {workload: fd-exhaust, kind: socket, processes: 16}\nconfigs:\n  \
         - {name: a}\n  - {name: b, attacker: {processes: 300}}\n  - {name: c, limits: {nofile: 64}}\n  \
         - {name: d, attacker: {kind: pipe}, limits: {nofile: 64}}\n",
    );
    let options = |index: usize| {
        let workload = attacker(&scenario.configs[index]).workload.clone().unwrap();
        (workload.kind, workload.options()["processes"].clone())
    };
    assert_eq!(options(0), (Some(WorkloadKind::Socket), "16".into()));
    assert_eq!(options(1), (Some(WorkloadKind::Socket), "300".into()));
    assert_eq!(options(3), (Some(WorkloadKind::Pipe), "16".into()));
    let first = &scenario.configs[0];
    assert_eq!((first.own_resource(), first.placement), (Resource::Files, Placement::Apart));
    let cases = with_controls(&scenario);
    let open = |name: &str| {
        let config = cases.iter().find(|case| case.name == name).unwrap();
        open_case_of(config, &cases).unwrap().name.as_str()
    };
    assert_eq!((open("c"), open("b")), ("a", "b"));
    assert_eq!(open("d"), "open", "pipes are another attack than sockets");
    let drain = read(
        "version: 1\nname: t\nattacker: {workload: random-drain}\nconfigs:\n  - {name: a}\n  \
         - {name: b, attacker: {source: random}}\n",
    );
    let source = |index: usize| {
        attacker(&drain.configs[index]).workload.as_ref().unwrap().options()["source"].clone()
    };
    assert_eq!((source(0), source(1)), ("getrandom".into(), "random".into()));
    assert_eq!(drain.configs[0].own_resource(), Resource::Random);
    assert_eq!(base("configs: [{name: a}]\n").configs[0].placement, Placement::Apart);
}

#[test]
fn an_eater_has_its_own_keys_and_wants_the_whole_node_by_default() {
    let scenario = read(
        "version: 1\nname: t\nattacker: {workload: memory-eater, oom: attacker-first}\nconfigs:\n  - {name: a}\n  - {name: \
         b, attacker: {size: 64Mi, workers: 2, rate: 32Mi}}\n  - {name: c, attacker: {size: 100M, allocations: 10}}\n",
    );
    let of = |index: usize| {
        attacker(&scenario.configs[index]).workload.as_ref().and_then(|it| it.memory).unwrap()
    };
    let default = MemorySpec { oom: OomChoice::AttackerFirst, ..MemorySpec::default() };
    assert_eq!(of(0), default);
    let (size, rate) = (Some(64 << 20), Some(32 << 20));
    let some = MemorySpec { size_bytes: size, workers: 2, rate_bytes_per_second: rate, ..default };
    assert_eq!(of(1), some);
    assert_eq!((of(2).workers, of(2).allocations), (1, Some(10)), "one after the other");
    let first = &scenario.configs[0];
    assert_eq!((first.own_resource(), first.placement), (Resource::Memory, Placement::Apart));
    assert_eq!(of(1).to_string(), "2 workers, size 64Mi, 32Mi a second, oom attacker-first");
    assert_eq!(with_controls(&scenario).len(), 4, "three attacks, each open, and a sham");
}

#[test]
fn trials_are_inherited_by_key_and_controls_take_the_most() {
    let scenario = base(
        "trials: {pairs: 6, budget: 30s}\nconfigs:\n  - {name: a, limits: {pids: 9}}\n  \
         - {name: b, limits: {pids: 8}, trials: 12}\n",
    );
    let trials = |config: &Config| (config.trials.pairs, config.trials.budget_ms);
    let all: Vec<_> = scenario.configs.iter().map(trials).collect();
    assert_eq!(all, [(Some(6), 30_000), (Some(12), 30_000)]);
    let cases = with_controls(&scenario);
    for control in cases.iter().filter(|case| case.control.is_some()) {
        assert_eq!(trials(control), (Some(12), 30_000), "{}", control.name);
    }
    let default = base("configs: [{name: a}]\n");
    assert_eq!(trials(&default.configs[0]), (None, 60_000));
}

#[test]
fn limits_of_the_victim_are_a_protection_put_to_the_test() {
    let scenario = base(
        "victim: {limits: {memory: 64Mi}}\nconfigs:\n  - {name: same}\n  \
         - {name: protected, victim: {limits: {memory: 64Mi, weight: 10000}}}\n",
    );
    let [same, protected] = &scenario.configs[..] else { panic!("two configs") };
    assert_eq!((same.control, protected.control), (Some(Control::Open), None));
    let cases = with_controls(&scenario);
    let open = open_case_of(cases.last().unwrap(), &cases).unwrap();
    assert_eq!(open.name, "same", "the open case has what the top of the file gives the victim");
    assert_eq!(victim(open).limits, victim(same).limits);
}

#[test]
fn examples_of_the_documentation_are_right() {
    let text = include_str!("../../docs/scenario-format.md");
    let blocks: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert!(blocks.len() >= 6);
    for block in blocks {
        let whole = if block.starts_with("version:") {
            block.to_owned()
        } else if block.starts_with("matrix:") {
            format!("version: 1\nname: t\nattacker: {{workload: forkbomb}}\n{block}")
        } else if block.starts_with("sandboxes:") {
            format!("version: 1\nname: t\nconfigs: [{{name: a}}]\n{block}")
        } else {
            let indented: String = block.lines().map(|line| format!("    {line}\n")).collect();
            format!(
                "version: 1\nname: t\nattacker: {{workload: forkbomb}}\nconfigs:\n  - name: a\n{indented}"
            )
        };
        parse("docs/scenario-format.md", &whole).unwrap_or_else(|errors| panic!("{errors}"));
    }
}
