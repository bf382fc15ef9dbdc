//! `machine` and `node: none`: where a config runs, and with what guard.

use contain_test::scenario::{
    CgroupMode, Config, MachineSpec, NodeSpec, Scenario, VmSpec, parse, with_controls,
};

fn read(rest: &str) -> Scenario {
    let text = format!("version: 1\nname: t\nattacker: {{workload: forkbomb}}\n{rest}");
    parse("t.yaml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn of<'a>(scenario: &'a Scenario, name: &str) -> &'a Config {
    scenario.configs.iter().find(|config| config.name == name).expect(name)
}

#[test]
fn a_guest_has_defaults_and_keys_of_a_config_replace_those_of_the_file() {
    let scenario = read(
        "machine: {vm: {kernel: k, cgroup: hybrid, cpus: 3, memory: 3Gi, swap: 64Mi, disk: 1Gi, append: psi=1}}\n\
         configs:\n  - name: same\n  - {name: host, machine: host}\n  - {name: v1, machine: {vm: {cgroup: v1, swap: \
         0}}}\n",
    );
    let full = VmSpec {
        kernel: Some("k".to_owned()),
        cgroup: CgroupMode::Hybrid,
        cpus: 3,
        memory_bytes: 3 << 30,
        swap_bytes: 64 << 20,
        disk_bytes: 1 << 30,
        append: Some("psi=1".to_owned()),
    };
    assert_eq!(of(&scenario, "same").vm(), Some(&full));
    assert_eq!(of(&scenario, "host").machine, Some(MachineSpec::Host));
    assert_eq!(of(&scenario, "host").vm(), None);
    let v1 = VmSpec { cgroup: CgroupMode::V1, swap_bytes: 0, ..full };
    assert_eq!(of(&scenario, "v1").vm(), Some(&v1));
    let plain = read("machine: vm\nconfigs: [{name: a}]\n");
    assert_eq!(of(&plain, "a").vm(), Some(&VmSpec::default()));
    assert_eq!(VmSpec::default().cgroup, CgroupMode::V2);
}

#[test]
fn who_names_no_machine_runs_where_the_command_line_says() {
    let mut scenario = read(
        "configs:\n  - name: any\n  - {name: host, machine: host}\n  - {name: v1, machine: {vm: {cgroup: v1}}}\n",
    );
    assert_eq!(of(&scenario, "any").machine, None);
    scenario.run_in(&VmSpec { cgroup: CgroupMode::Hybrid, ..VmSpec::default() });
    let modes = ["any", "host", "v1"].map(|name| of(&scenario, name).vm().map(|vm| vm.cgroup));
    assert_eq!(modes, [Some(CgroupMode::Hybrid), None, Some(CgroupMode::V1)]);
}

#[test]
fn machines_are_axes_and_each_has_controls_of_its_own() {
    let scenario = read(
        "matrix:\n  machine.vm.cgroup: [v1, v2]\n  machine.vm.kernel: [/boot/vmlinuz-6.1.0]\nconfigs:\n  \
         - {name: held, limits: {pids: 64}}\n",
    );
    let names: Vec<&str> = scenario.configs.iter().map(|config| config.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "held,machine.vm.cgroup=v1,machine.vm.kernel=vmlinuz-6.1.0",
            "held,machine.vm.cgroup=v2,machine.vm.kernel=vmlinuz-6.1.0",
        ],
        "a kernel shows by its file's name"
    );
    let first = scenario.configs[0].vm().expect("a guest");
    assert_eq!(first.kernel.as_deref(), Some("/boot/vmlinuz-6.1.0"));
    let cases = with_controls(&scenario);
    let controls: Vec<(&str, CgroupMode)> = cases
        .iter()
        .filter(|case| case.control.is_some())
        .map(|case| (case.name.as_str(), case.vm().expect("a guest").cgroup))
        .collect();
    use CgroupMode::{V1, V2};
    assert_eq!(controls, [("sham", V1), ("sham-2", V2), ("open", V1), ("open-2", V2)]);

    let places =
        read("machine: {vm: {cgroup: v1}}\nmatrix:\n  machine: [host, vm]\nconfigs: [{name: a}]\n");
    let modes: Vec<_> = places.configs.iter().map(|it| it.vm().map(|vm| vm.cgroup)).collect();
    assert_eq!(modes, [None, Some(V1)], "`vm` is the guest that the file describes");
}

#[test]
fn a_node_may_be_none_and_then_has_no_capacity_to_pass() {
    let scenario = read(
        "node: {pids: 100}\nconfigs:\n  - {name: none, node: none, limits: {pids: 5000}}\n  - {name: some}\n",
    );
    let none = of(&scenario, "none").node;
    assert_eq!(none, NodeSpec::NONE);
    assert_eq!((none.width(), none.capacity(none.pids)), (u32::MAX, None));
    let some = of(&scenario, "some").node;
    assert_eq!((some.width(), some.capacity(some.pids)), (2, Some(100)));
    let cases = with_controls(&scenario);
    let unguarded = cases.iter().filter(|case| !case.node.guard).count();
    assert_eq!(unguarded, 3, "with a sham and an open case of its own");
}
