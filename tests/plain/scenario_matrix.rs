//! `matrix`: how many configs it makes, how they are named, and what is in them.

use std::collections::BTreeSet;

use contain_test::scenario::{Config, Limits, Placement, Role, Scenario, parse, with_controls};
use proptest::prelude::*;

fn read(rest: &str) -> Scenario {
    let text = format!("version: 1\nname: t\nattacker: {{workload: forkbomb}}\n{rest}");
    parse("t.yaml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn names(scenario: &Scenario) -> Vec<&str> {
    scenario.configs.iter().map(|config| config.name.as_str()).collect()
}

fn limits(config: &Config) -> &Limits {
    &config.sandbox(Role::Attacker).unwrap().limits
}

#[test]
fn alone_it_makes_one_config_for_each_combination() {
    let scenario = read("matrix:\n  limits.pids: [16, 64]\n  intensity: [1, 100%]\n");
    assert_eq!(
        names(&scenario),
        [
            "limits.pids=16,intensity=1",
            "limits.pids=16,intensity=100%",
            "limits.pids=64,intensity=1",
            "limits.pids=64,intensity=100%",
        ]
    );
    let last = &scenario.configs[3];
    assert_eq!(limits(last).pids, Some(64));
    let workload = last.sandbox(Role::Attacker).unwrap().workload.as_ref();
    assert_eq!(workload.map(|it| it.intensity), Some(100));
    assert_eq!(last.position.map(|it| it.line), Some(4), "the matrix itself");
    let cases: Vec<String> = with_controls(&scenario).into_iter().map(|case| case.name).collect();
    assert_eq!(cases[..3], ["sham", "open", "open-2"], "each effort has its open case");
}

#[test]
fn every_config_goes_through_it_with_what_it_expects() {
    let scenario = read(
        "limits: {memory: 64Mi}\nmatrix:\n  limits.pids: [16]\n  placement: [apart, together]\n  \
         node.pids: [128]\nconfigs:\n  - {name: a, expect: contained, assert: inside.pid == 1}\n  \
         - {name: b, limits: {nofile: 64}}\n",
    );
    assert_eq!(
        names(&scenario),
        [
            "a,limits.pids=16,placement=apart,node.pids=128",
            "a,limits.pids=16,placement=together,node.pids=128",
            "b,limits.pids=16,placement=apart,node.pids=128",
            "b,limits.pids=16,placement=together,node.pids=128",
        ]
    );
    let [a, beside, b, _] = &scenario.configs[..] else { panic!("four configs") };
    assert_eq!((a.placement, beside.placement), (Placement::Apart, Placement::Together));
    assert_eq!(a.node.pids, 128);
    assert_eq!((limits(a).pids, limits(a).memory_bytes), (Some(16), Some(64 << 20)));
    assert_eq!(
        (limits(b).pids, limits(b).nofile, limits(b).memory_bytes),
        (Some(16), Some(64), None)
    );
    assert_eq!((&a.expect, &a.asserts), (&beside.expect, &beside.asserts));
    assert_eq!((a.expect[0].position.line, a.asserts[0].position.line), (10, 10));
    assert_eq!(a.position, beside.position);
}

#[test]
fn a_value_replaces_that_of_the_base_and_may_complete_it() {
    let scenario = read(
        "limits: {pids: 5, memory: 64Mi}\nmatrix: {limits.pids: [16], limits.swap: [0, 1Mi]}\n",
    );
    let second = limits(&scenario.configs[1]);
    assert_eq!(
        (second.pids, second.memory_bytes, second.swap_bytes),
        (Some(16), Some(64 << 20), Some(1 << 20))
    );
}

proptest! {
    #[test]
    fn there_are_as_many_configs_as_combinations_and_no_name_twice(
        configs in 0_usize..4,
        pids in proptest::collection::btree_set(2_u64..=512, 1..4),
        intensity in proptest::collection::btree_set(0_u8..=100, 1..4),
        memory in proptest::collection::btree_set(1_u64..=512, 1..4),
        both in any::<bool>(),
    ) {
        let list = |values: Vec<String>| values.join(", ");
        let mut text = format!(
            "matrix:\n  limits.pids: [{}]\n  intensity: [{}]\n  limits.memory: [{}]\n  placement: [{}]\n",
            list(pids.iter().map(u64::to_string).collect()),
            list(intensity.iter().map(u8::to_string).collect()),
            list(memory.iter().map(|size| format!("{size}Mi")).collect()),
            if both { "together, apart" } else { "apart" },
        );
        if configs > 0 {
            text.push_str("configs:\n");
        }
        for number in 0..configs {
            text.push_str(&format!("  - name: c{number}\n"));
        }
        let scenario = read(&text);
        let values = pids.len() * intensity.len() * memory.len() * if both { 2 } else { 1 };
        prop_assert_eq!(scenario.configs.len(), values * configs.max(1));
        let unique: BTreeSet<&str> = names(&scenario).into_iter().collect();
        prop_assert_eq!(unique.len(), scenario.configs.len());
    }
}
