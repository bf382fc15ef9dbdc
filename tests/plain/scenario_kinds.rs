//! Kinds of workloads, whose user a sandbox has, and limits that are no files of a cgroup, as the model holds them.

use contain_test::scenario::{
    Config, Role, SandboxSpec, SandboxUser, Scenario, Workload, WorkloadKind, open_case_of, parse,
    with_controls,
};

fn scenario(rest: &str) -> Scenario {
    let text = format!("version: 1\nname: t\n{rest}");
    parse("t.yaml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn attacker(config: &Config) -> &SandboxSpec {
    config.sandbox(Role::Attacker).expect("an attacker")
}

fn kind(config: &Config) -> Option<WorkloadKind> {
    attacker(config).workload.as_ref().expect("a workload").kind
}

#[test]
fn the_usual_kind_is_the_same_whether_or_not_it_is_named() {
    let all = scenario(
        "attacker: {workload: forkbomb}\nconfigs:\n  - {name: a}\n  - {name: b, attacker: {kind: process}, limits: {pids: 9}}\n  \
         - {name: c, attacker: {kind: thread}, limits: {pids: 9}}\n",
    );
    assert_eq!(
        all.configs.iter().map(kind).collect::<Vec<_>>(),
        [None, None, Some(WorkloadKind::Thread)]
    );
    // So the open case of one is that of the other, and another kind has one of its own.
    let cases = with_controls(&all);
    let open = |name: &str| {
        let case = cases.iter().find(|case| case.name == name).expect("a case");
        open_case_of(case, &cases).expect("an open case").name.as_str()
    };
    assert_eq!((open("b"), open("c")), ("a", "open"));
}

#[test]
fn every_kind_belongs_to_a_workload_and_the_first_is_its_usual_one() {
    for kind in WorkloadKind::ALL {
        let owners = Workload::ALL.into_iter().filter(|workload| workload.kinds().contains(&kind));
        assert!(owners.count() > 0, "{kind}");
    }
    assert_eq!(Workload::Forkbomb.kinds().first(), Some(&WorkloadKind::Process));
    assert!(Workload::CpuBurn.kinds().is_empty());
}

#[test]
fn a_kind_can_be_an_axis() {
    let all = scenario(
        "attacker: {workload: forkbomb}\nmatrix:\n  kind: [process, thread]\n  limits.memory.high: [32Mi, 48Mi]\n",
    );
    let names: Vec<&str> = all.configs.iter().map(|config| config.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "kind=process,limits.memory.high=32Mi",
            "kind=process,limits.memory.high=48Mi",
            "kind=thread,limits.memory.high=32Mi",
            "kind=thread,limits.memory.high=48Mi",
        ]
    );
    assert_eq!(kind(&all.configs[3]), Some(WorkloadKind::Thread));
    assert_eq!(attacker(&all.configs[3]).limits.unified["memory.high"], (48 << 20).to_string());
}

#[test]
fn limits_that_are_no_files_are_limits_all_the_same() {
    let all = scenario(
        "attacker: {workload: forkbomb}\nconfigs:\n  - {name: a, limits: {nproc: 64}}\n  - {name: b, limits: {tmpfs: 16Mi}}\n  \
         - {name: c, limits: {memory.min: 1Mi}}\n",
    );
    for config in &all.configs {
        assert_eq!(config.control, None, "{}: not open", config.name);
    }
    let limits = |index: usize| &attacker(&all.configs[index]).limits;
    assert_eq!((limits(0).nproc, limits(1).tmpfs_bytes), (Some(64), Some(16 << 20)));
    // What only version 2 has is what `unified` would say.
    assert_eq!(limits(2).unified["memory.min"], (1 << 20).to_string());
}

#[test]
fn a_user_is_ones_own_unless_it_is_shared() {
    let all = scenario(
        "attacker: {workload: forkbomb}\nconfigs:\n  - {name: a}\n  - {name: b, victim: {user: shared}}\n",
    );
    assert_eq!(attacker(&all.configs[0]).user, SandboxUser::Own);
    assert!(!all.configs[0].shares_user() && all.configs[1].shares_user());
}
