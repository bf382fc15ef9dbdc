//! What is missing on machines of different shapes, and what is said to mend it.

use contain_test::host::{self, skip_reason};
use contain_test::record::{CgroupMode, Machine};
use tree::FixtureMachine;

use crate::tree;

/// Required and unmet, without what depends on the machine that runs the test.
fn missing(machine: &Machine) -> Vec<&str> {
    let names = machine.missing().into_iter().map(|requirement| requirement.name.as_str());
    names.filter(|name| *name != "runtime.directory").collect()
}

fn look(name: &str) -> Machine {
    host::machine(&FixtureMachine::new(name).roots)
}

fn remedy<'a>(machine: &'a Machine, name: &str) -> &'a str {
    &machine.requirement(name).unwrap().remedy
}

#[test]
fn hosts_with_all_controllers_miss_nothing() {
    for name in ["hybrid", "systemd-v2", "v1-comounted"] {
        let machine = look(name);
        assert_eq!(missing(&machine), [""; 0], "{name}");
        assert_eq!(machine.cpus, 2);
        assert_eq!(machine.memory_bytes, 8_000_000 * 1024);
        assert_eq!(machine.swap_bytes, 2_097_148 * 1024);
        assert_eq!(machine.uid, 0);
        assert_eq!(machine.arch, "x86_64");
    }
}

#[test]
fn a_missing_sys_resource_is_optional_and_its_cost_is_said() {
    let machine = look("hybrid");
    assert_eq!(machine.cgroup, Some(CgroupMode::Hybrid));
    let requirement = machine.requirement("capability.sys_resource").unwrap();
    assert!(!requirement.met && !requirement.required);
    assert!(requirement.found.contains("hard limits"), "{}", requirement.found);
    assert!(!requirement.remedy.is_empty());
}

#[test]
fn an_old_kernel_kills_with_the_freezer_and_has_no_peak_file() {
    let machine = look("v1-comounted");
    let kill = machine.requirement("cgroup.kill").unwrap();
    assert!(!kill.met && !kill.required);
    assert!(machine.requirement("cgroup.freezer").unwrap().met);
    let peak = machine.requirement("pids.peak").unwrap();
    assert!(!peak.met && !peak.required);
    assert!(peak.found.contains("highest sample"), "{}", peak.found);
}

#[test]
fn without_kill_and_freezer_both_are_named() {
    let fixture = FixtureMachine::new("no-pids");
    let table = std::fs::read_to_string(fixture.roots.proc.join("self/mountinfo")).unwrap();
    let without: Vec<&str> = table.lines().filter(|line| !line.contains("freezer")).collect();
    fixture.write("proc/self/mountinfo", &without.join("\n"));
    let machine = host::machine(&fixture.roots);
    assert_eq!(missing(&machine), ["cgroup.pids", "cgroup.kill", "cgroup.freezer"]);
}

#[test]
fn a_docker_container_is_told_how_to_be_started() {
    let machine = look("docker-read-only");
    let missing = missing(&machine);
    assert!(missing.contains(&"cgroup.writable"), "{missing:?}");
    assert!(missing.contains(&"capability.sys_admin"), "{missing:?}");
    assert!(!missing.contains(&"capability.setuid"), "{missing:?}");
    assert!(
        remedy(&machine, "cgroup.writable").contains("docker run --privileged --cgroupns=host")
    );
    let reason = skip_reason(&machine).unwrap();
    assert!(reason.lines().count() <= 2, "{reason}");
    assert!(reason.contains("read-only"), "{reason}");
    // The remedy is one, so it is said once.
    assert_eq!(reason.matches("docker run").count(), 1, "{reason}");
}

#[test]
fn a_read_only_host_is_told_to_remount() {
    let fixture = FixtureMachine::new("systemd-v2");
    let table = std::fs::read_to_string(fixture.roots.proc.join("self/mountinfo")).unwrap();
    fixture.write("proc/self/mountinfo", &table.replace("/sys/fs/cgroup rw", "/sys/fs/cgroup ro"));
    let machine = host::machine(&fixture.roots);
    assert_eq!(missing(&machine), ["cgroup.writable"]);
    let remedy = remedy(&machine, "cgroup.writable");
    assert!(remedy.starts_with("`mount -o remount,rw "), "{remedy}");
}

#[test]
fn a_missing_controller_is_told_how_to_be_mounted() {
    let machine = look("no-pids");
    assert_eq!(missing(&machine), ["cgroup.pids"]);
    let remedy = remedy(&machine, "cgroup.pids");
    assert!(remedy.contains("mount -t cgroup -o pids pids "), "{remedy}");
    assert!(remedy.contains("my cgroups/pids"), "beside the others: {remedy}");
}

#[test]
fn no_cgroups_at_all() {
    let machine = look("no-cgroups");
    assert_eq!(machine.cgroup, None);
    assert!(!machine.psi);
    let missing = missing(&machine);
    for name in ["cgroup.mounted", "cgroup.writable", "cgroup.pids", "cgroup.kill"] {
        assert!(missing.contains(&name), "{name} not in {missing:?}");
    }
    assert!(remedy(&machine, "cgroup.mounted").contains("systemd.unified_cgroup_hierarchy=1"));
    let cpus = machine.requirement("cpus.two").unwrap();
    assert!(!cpus.met && !cpus.required);
}

#[test]
fn a_user_without_privileges_is_told_to_use_sudo() {
    let fixture = FixtureMachine::new("systemd-v2");
    fixture.write(
        "proc/self/status",
        "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0\nCapBnd:\t1ffffffffff\nCpus_allowed_list:\t0-1\n",
    );
    fixture.write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
    let machine = host::machine(&fixture.roots);
    assert!(missing(&machine).contains(&"user.root"));
    assert!(remedy(&machine, "user.root").contains("sudo"));
    let user = machine.requirement("namespace.user").unwrap();
    assert!(user.met, "{user:?}");
    assert!(user.found.contains("apparmor_restrict_unprivileged_userns=1"), "{}", user.found);
}

#[test]
fn a_namespace_that_is_absent_or_forbidden_is_missing() {
    let fixture = FixtureMachine::new("systemd-v2");
    fixture.remove("proc/self/ns/time");
    fixture.write("proc/sys/user/max_net_namespaces", "0\n");
    let machine = host::machine(&fixture.roots);
    // A time namespace can be shared with the host, so nothing as a whole depends on it.
    assert_eq!(missing(&machine), ["namespace.net"]);
    assert!(!machine.requirement("namespace.time").unwrap().met);
    assert!(remedy(&machine, "namespace.net").contains("sysctl -w user.max_net_namespaces"));
    assert!(remedy(&machine, "namespace.time").contains("5.6"));
}

#[test]
fn too_little_memory_is_missing() {
    let fixture = FixtureMachine::new("systemd-v2");
    fixture.write("proc/meminfo", "MemTotal: 2000000 kB\nMemAvailable: 900000 kB\n");
    let machine = host::machine(&fixture.roots);
    assert_eq!(missing(&machine), ["memory.headroom"]);
    assert_eq!(machine.swap_bytes, 0);
}

#[test]
fn an_unreadable_proc_is_missing_and_not_guessed() {
    let fixture = FixtureMachine::new("systemd-v2");
    fixture.write("proc/self/status", "");
    let machine = host::machine(&fixture.roots);
    let missing = missing(&machine);
    assert!(missing.contains(&"proc.readable") && missing.contains(&"user.root"), "{missing:?}");
    assert!(machine.requirement("proc.readable").unwrap().found.contains("/proc/self/status"));
}

#[test]
fn met_requirements_have_no_remedy_and_unmet_ones_have_one() {
    let names =
        ["hybrid", "systemd-v2", "v1-comounted", "docker-read-only", "no-pids", "no-cgroups"];
    for name in names {
        for requirement in look(name).requirements {
            assert_eq!(requirement.met, requirement.remedy.is_empty(), "{name}: {requirement:?}");
            assert!(!requirement.found.is_empty(), "{name}: {requirement:?}");
        }
    }
}

#[test]
fn a_kernel_without_clone3_into_a_cgroup_cannot_run_sandboxes() {
    let fixture = FixtureMachine::new("systemd-v2");
    fixture.write("proc/sys/kernel/osrelease", "5.4.0-190-generic\n");
    let machine = host::machine(&fixture.roots);
    assert!(missing(&machine).contains(&"kernel.clone3"));
    assert!(remedy(&machine, "kernel.clone3").contains("5.7"));
}

#[test]
fn a_kernel_that_cannot_filter_system_calls_says_what_to_do_without() {
    let fixture = FixtureMachine::new("systemd-v2");
    assert!(host::machine(&fixture.roots).requirement("seccomp").unwrap().met);
    fixture.remove("proc/sys/kernel/seccomp/actions_avail");
    let machine = host::machine(&fixture.roots);
    let requirement = machine.requirement("seccomp").unwrap();
    assert!(!requirement.met && !requirement.required);
    assert!(requirement.remedy.contains("seccomp: unconfined"), "{}", requirement.remedy);
}
