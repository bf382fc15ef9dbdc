//! `when`: what it says, and which controls run where.

use contain_test::scenario::{
    CgroupMode, Comparison, Condition, Config, KernelBound, Resource, Scenario, Target,
    open_case_of, parse, with_controls,
};

fn read(configs: &str) -> Scenario {
    let text =
        format!("version: 1\nname: t\nattacker: {{workload: forkbomb}}\nconfigs:\n{configs}");
    parse("t.yaml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn on(modes: &[CgroupMode]) -> Condition {
    Condition { cgroup: modes.to_vec(), ..Condition::default() }
}

#[test]
fn conditions_in_all_their_forms() {
    let scenario = read(
        "  - name: a\n    when: {cgroup: [v1, hybrid], kernel: \">=5.18, <6.1.4\", arch: x86_64, \
         emulated: false}\n  \
         - {name: b, when: {kernel: \"=6\"}}\n  - name: c\n",
    );
    let bound = |comparison, version: &[u32]| KernelBound { comparison, version: version.to_vec() };
    assert_eq!(
        scenario.configs[0].when,
        [Condition {
            cgroup: vec![CgroupMode::V1, CgroupMode::Hybrid],
            kernel: vec![
                bound(Comparison::AtLeast, &[5, 18]),
                bound(Comparison::Below, &[6, 1, 4])
            ],
            arch: vec!["x86_64".to_owned()],
            emulated: Some(false),
        }]
    );
    assert_eq!(scenario.configs[1].when[0].kernel, [bound(Comparison::Is, &[6])]);
    assert!(scenario.configs[2].when.is_empty());
}

#[test]
fn expectations_have_conditions_of_their_own() {
    let scenario = read(
        "  - name: a\n    expect: {pids: contained, cpu: contained, when: {cgroup: v1}}\n  - name: b\n    \
         expect:\n      - {pids: contained, when: {cgroup: v1}}\n      \
         - pids: denied\n        when: {cgroup: v2}\n      - cpu: contained\n",
    );
    let conditions = |config: &Config| -> Vec<Option<Condition>> {
        config.expect.iter().map(|expectation| expectation.when.clone()).collect()
    };
    let (v1, v2) = (Some(on(&[CgroupMode::V1])), Some(on(&[CgroupMode::V2])));
    assert_eq!(conditions(&scenario.configs[0]), [v1.clone(), v1.clone()]);
    assert_eq!(conditions(&scenario.configs[1]), [v1, v2, None]);
    assert_eq!(scenario.configs[1].expect[2].target, Target::Named(Resource::Cpu, None));
}

#[test]
fn controls_run_where_one_of_their_configs_does() {
    let cases = with_controls(&read(
        "  - {name: a, limits: {pids: 5}, when: {cgroup: v1}}\n  \
         - {name: b, limits: {pids: 6}, when: {cgroup: v2}}\n  \
         - {name: c, limits: {pids: 7}, when: {cgroup: v1}}\n",
    ));
    let both = [on(&[CgroupMode::V1]), on(&[CgroupMode::V2])];
    assert_eq!((cases[0].name.as_str(), &cases[0].when[..]), ("sham", &both[..]));
    assert_eq!((cases[1].name.as_str(), &cases[1].when[..]), ("open", &both[..]));
    for case in &cases[2..] {
        assert_eq!(open_case_of(case, &cases).map(|open| open.name.as_str()), Some("open"));
    }
    let cases = with_controls(&read(
        "  - {name: a, limits: {pids: 5}, when: {cgroup: v1}}\n  - {name: b, limits: {pids: 6}}\n",
    ));
    assert!(cases[..2].iter().all(|case| case.when.is_empty()), "b runs everywhere");
}

#[test]
fn an_open_config_serves_only_where_it_runs() {
    let cases = with_controls(&read(
        "  - {name: free, when: {cgroup: v1}}\n  - {name: a, limits: {pids: 5}, when: {cgroup: v1}}\n  \
         - {name: b, limits: {pids: 6}}\n",
    ));
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["sham", "free", "open", "a", "b"]);
    let open = |index: usize| open_case_of(&cases[index], &cases).map(|open| open.name.as_str());
    assert_eq!((open(3), open(4)), (Some("free"), Some("open")));
}
