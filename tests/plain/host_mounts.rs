//! Finding the cgroup hierarchies of machines of different shapes.

use contain_test::host::{CgroupMounts, CgroupVersion};
use contain_test::record::CgroupMode;
use tree::FixtureMachine;

use crate::tree;

fn mounts(name: &str) -> (FixtureMachine, CgroupMounts) {
    let machine = FixtureMachine::new(name);
    let mounts = CgroupMounts::read(&machine.roots).unwrap();
    (machine, mounts)
}

#[test]
fn a_hybrid_host_has_its_controllers_on_v1() {
    let (machine, mounts) = mounts("hybrid");
    assert_eq!(mounts.mode(), Some(CgroupMode::Hybrid));
    let pids = mounts.controller("pids").unwrap();
    assert_eq!(pids.version, CgroupVersion::V1);
    assert_eq!(pids.path, machine.roots.sys.join("fs/cgroup/pids"));
    assert!(!pids.read_only);
    // What v1 does not hold may still be in the unified tree.
    assert_eq!(mounts.controller("hugetlb").unwrap().version, CgroupVersion::V2);
    assert_eq!(mounts.unified.unwrap().path, machine.roots.sys.join("fs/cgroup/unified"));
    let systemd = mounts.v1.iter().find(|mount| mount.name.is_some()).unwrap();
    assert_eq!(systemd.name.as_deref(), Some("systemd"));
    assert!(systemd.controllers.is_empty());
}

#[test]
fn a_systemd_host_has_its_controllers_in_the_unified_tree() {
    let (machine, mounts) = mounts("systemd-v2");
    assert_eq!(mounts.mode(), Some(CgroupMode::V2));
    assert!(mounts.v1.is_empty());
    let unified = mounts.unified.clone().unwrap();
    assert!(unified.options.iter().any(|option| option == "nsdelegate"));
    for name in ["pids", "memory", "cpu", "cpuset"] {
        let home = mounts.controller(name).unwrap();
        assert_eq!(home.version, CgroupVersion::V2);
        assert_eq!(home.path, machine.roots.sys.join("fs/cgroup"));
    }
    assert_eq!(mounts.controller("freezer"), None);
}

#[test]
fn controllers_mounted_together_share_a_home() {
    let (_machine, mounts) = mounts("v1-comounted");
    assert_eq!(mounts.mode(), Some(CgroupMode::V1));
    assert_eq!(mounts.controller("cpu"), mounts.controller("cpuacct"));
    assert!(mounts.controller("cpu").unwrap().path.ends_with("cpu,cpuacct"));
    // The folder around the hierarchies is read-only, they are not.
    assert!(!mounts.controller("pids").unwrap().read_only);
    assert_eq!(mounts.unified, None);
}

#[test]
fn a_read_only_mount_is_seen_as_such() {
    let (_machine, mounts) = mounts("docker-read-only");
    assert_eq!(mounts.mode(), Some(CgroupMode::V2));
    assert!(mounts.controller("pids").unwrap().read_only);
}

#[test]
fn hierarchies_are_found_wherever_they_are() {
    let (machine, mounts) = mounts("no-pids");
    assert_eq!(mounts.mode(), Some(CgroupMode::V1));
    let memory = mounts.controller("memory").unwrap();
    assert_eq!(memory.path, machine.roots.sys.join("fs/my cgroups/memory"));
    assert_eq!(mounts.controller("pids"), None);
}

#[test]
fn no_cgroups_is_a_mode_of_its_own() {
    let (_machine, mounts) = mounts("no-cgroups");
    assert_eq!(mounts.mode(), None);
    assert!(mounts.controllers().is_empty());
}
