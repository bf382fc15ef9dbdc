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
fn an_emulated_machine_is_known_by_the_name_of_its_cpu() {
    assert!(look("no-pids").emulated);
    // A name that KVM gives as well, and what is in other lines, say nothing.
    assert!(!look("systemd-v2").emulated);
    assert!(!look("hybrid").emulated, "no such file");
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
    assert_eq!(machine.rootless, None, "its own cgroup is not known");
}

/// A machine with systemd and the unified hierarchy alone, as a user sees it from a session without delegation: systemd has given the
/// user's manager two controllers.
fn of_a_user() -> FixtureMachine {
    let fixture = FixtureMachine::new("systemd-v2");
    fixture.write(
        "proc/self/status",
        "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0\nCapBnd:\t1ffffffffff\nCpus_allowed_list:\t0-1\n",
    );
    fixture.write("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n");
    let slice = "sys/fs/cgroup/user.slice/user-1000.slice";
    fixture.write(&format!("{slice}/session-2.scope/cgroup.controllers"), "cpu memory pids\n");
    fixture.write(&format!("{slice}/user@1000.service/cgroup.controllers"), "memory pids\n");
    fixture
        .write("etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n");
    fixture
}

/// The same in a scope that was delegated, with all controllers.
fn with_delegation() -> FixtureMachine {
    let fixture = of_a_user();
    let scope = "user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope";
    fixture.write("proc/self/cgroup", &format!("0::/{scope}\n"));
    for (file, text) in [
        ("cgroup.controllers", "cpuset cpu io memory pids\n"),
        ("cgroup.subtree_control", ""),
        ("cgroup.procs", ""),
    ] {
        fixture.write(&format!("sys/fs/cgroup/{scope}/{file}"), text);
    }
    fixture.write("etc/subuid", "alice:100000:65536\n");
    fixture.write("etc/subgid", "alice:100000:65536\n");
    fixture
}

/// Required and unmet, without what depends on the machine that runs the test.
fn missing_of_a_user(machine: &Machine) -> Vec<&str> {
    let of_here = ["ids.programs", "runtime.quarters"];
    missing(machine).into_iter().filter(|name| !of_here.contains(name)).collect()
}

#[test]
fn a_user_without_delegation_is_told_the_command_for_each_thing() {
    let machine = host::machine(&of_a_user().roots);
    assert_eq!(
        missing_of_a_user(&machine),
        ["cgroup.writable", "cgroup.cpu", "cgroup.cpuset", "ids.subordinate"]
    );
    assert!(
        remedy(&machine, "cgroup.writable")
            .contains("`systemd-run --user --scope -p Delegate=yes contain-test …`")
    );
    let controllers = remedy(&machine, "cgroup.cpu");
    assert!(
        controllers.contains("user@.service.d/delegate.conf")
            && controllers.contains(r"'[Service]\nDelegate=cpu cpuset io memory pids\n'")
            && !controllers.contains('\n'),
        "{controllers}"
    );
    assert_eq!(
        remedy(&machine, "ids.subordinate"),
        "`sudo usermod --add-subuids 100000-624287 --add-subgids 100000-624287 alice`"
    );
    let root = machine.requirement("user.root").unwrap();
    assert!(!root.met && !root.required && root.remedy.contains("sudo"), "{root:?}");
    assert!(machine.requirement("capability.sys_admin").unwrap().met, "in its user namespace");
    assert_eq!(machine.uid, 1000);
}

#[test]
fn a_user_with_delegation_misses_nothing_and_the_record_says_whose_run_it_is() {
    let fixture = with_delegation();
    let machine = host::machine(&fixture.roots);
    assert_eq!(missing_of_a_user(&machine), [""; 0]);
    let rootless = machine.rootless.as_ref().unwrap();
    assert_eq!(rootless.uid, 1000);
    assert!(rootless.cgroup.ends_with("/app.slice/run-1.scope"), "{}", rootless.cgroup);
    assert!(machine.controllers.contains(&"cpuset".to_owned()), "{:?}", machine.controllers);
    assert!(!machine.controllers.contains(&"rdma".to_owned()), "those of the subtree alone");
    for name in ["capability.sys_resource", "disk.loop"] {
        let optional = machine.requirement(name).unwrap();
        assert!(!optional.met && !optional.required, "{optional:?}");
    }
}

#[test]
fn another_process_in_the_delegated_cgroup_is_in_the_way() {
    let fixture = with_delegation();
    let scope = "user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope";
    fixture.write(&format!("sys/fs/cgroup/{scope}/cgroup.procs"), "4242\n");
    let machine = host::machine(&fixture.roots);
    assert_eq!(missing_of_a_user(&machine), ["cgroup.alone"]);
    let alone = machine.requirement("cgroup.alone").unwrap();
    assert!(alone.found.contains("process 4242"), "{}", alone.found);
    assert!(alone.remedy.contains("systemd-run --user --scope"), "{}", alone.remedy);
}

#[test]
fn each_restriction_of_user_namespaces_has_the_command_that_lifts_it() {
    for (file, value, command) in [
        ("user/max_user_namespaces", "0\n", "`sudo sysctl -w user.max_user_namespaces=1024`"),
        (
            "kernel/unprivileged_userns_clone",
            "0\n",
            "`sudo sysctl -w kernel.unprivileged_userns_clone=1`",
        ),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1\n",
            "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`",
        ),
    ] {
        let fixture = with_delegation();
        fixture.write(&format!("proc/sys/{file}"), value);
        let machine = host::machine(&fixture.roots);
        assert_eq!(missing_of_a_user(&machine), ["namespace.user"], "{file}");
        assert_eq!(remedy(&machine, "namespace.user"), command);
    }
    // A profile that is in force may allow it: that is tried.
    let fixture = with_delegation();
    fixture.write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
    fixture.write("proc/self/attr/current", "contain-test (enforce)\n");
    assert_eq!(missing_of_a_user(&host::machine(&fixture.roots)), [""; 0]);
}

#[test]
fn too_few_subordinate_ids_are_told_with_the_number() {
    let fixture = with_delegation();
    fixture.write("etc/subgid", "alice:100000:1000\n");
    let machine = host::machine(&fixture.roots);
    assert_eq!(missing_of_a_user(&machine), ["ids.subordinate"]);
    let ids = machine.requirement("ids.subordinate").unwrap();
    assert!(ids.found.contains("1000, and 16384"), "{}", ids.found);
    assert!(ids.remedy.contains("--add-subuids 165536-"), "{}", ids.remedy);
}

#[test]
fn a_user_of_version_1_needs_root_or_a_guest() {
    for name in ["hybrid", "v1-comounted"] {
        let fixture = FixtureMachine::new(name);
        fixture.write(
            "proc/self/status",
            "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0\nCapBnd:\t1ffffffffff\nCpus_allowed_list:\t0-1\n",
        );
        fixture.write("proc/self/cgroup", "3:pids:/\n0::/\n");
        let machine = host::machine(&fixture.roots);
        let root = machine.requirement("user.root").unwrap();
        assert!(root.required && !root.met, "{root:?}");
        assert!(root.found.contains("version 1 cannot be delegated"), "{}", root.found);
        assert!(root.remedy.contains("sudo") && root.remedy.contains("--vm"), "{}", root.remedy);
        assert_eq!(machine.rootless, None);
    }
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
