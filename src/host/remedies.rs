//! The command or step that gives a machine what it lacks.

use std::path::Path;

use super::Facts;
use crate::record::CgroupMode;

/// How a container is started so that its root may do what the machine's root may.
pub(super) const CONTAINER: &str = "in a container: start it with `docker run --privileged --cgroupns=host` \
     (`podman run --privileged --cgroupns=host` as root)";

/// For anything that root of the machine has.
pub(super) fn privileges(facts: &Facts) -> String {
    if facts.in_container {
        CONTAINER.to_owned()
    } else if !facts.first_user_namespace {
        "run outside the user namespace, as root of the machine: `sudo contain-test …`".to_owned()
    } else if facts.uid == 0 {
        "start from a session that keeps root's capabilities: `capsh --print` shows what this one has"
            .to_owned()
    } else {
        "run as root: `sudo contain-test …`".to_owned()
    }
}

/// For a cgroup that was not delegated to its user, or holds other processes too: systemd makes another.
pub(super) fn scope(facts: &Facts) -> String {
    match facts.in_container {
        true => CONTAINER.to_owned(),
        false => "`systemd-run --user --scope -p Delegate=yes contain-test …`".to_owned(),
    }
}

/// For controllers that systemd does not delegate to users: systemd.resource-control(5), "Delegate=".
pub(super) const CONTROLLERS: &str = concat!(
    "`sudo mkdir -p /etc/systemd/system/user@.service.d && ",
    r"printf '[Service]\nDelegate=cpu cpuset io memory pids\n' | ",
    "sudo tee /etc/systemd/system/user@.service.d/delegate.conf && ",
    "sudo systemctl daemon-reload`, then log in anew"
);

/// For a user with a hierarchy of version 1.
pub(super) const NO_VERSION_1: &str = concat!(
    "run as root: `sudo contain-test …`; in a throwaway machine: `contain-test run --vm …`; ",
    "or boot with `systemd.unified_cgroup_hierarchy=1`"
);

/// For what no delegation gives.
pub(super) const ROOT: &str = "run as root: `sudo contain-test …`";

/// For a machine where no cgroup hierarchy is mounted.
pub(super) fn mount_cgroups(facts: &Facts) -> String {
    if facts.in_container {
        CONTAINER.to_owned()
    } else {
        "`mkdir -p /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup`, or boot with \
         `systemd.unified_cgroup_hierarchy=1`"
            .to_owned()
    }
}

/// For hierarchies that are mounted read-only.
pub(super) fn remount(facts: &Facts, path: &Path) -> String {
    if facts.in_container {
        CONTAINER.to_owned()
    } else {
        format!("`mount -o remount,rw {}`", path.display())
    }
}

/// For a controller that is in no hierarchy.
pub(super) fn mount_controller(facts: &Facts, controller: &str) -> String {
    let kernel = match controller {
        "memory" => "boot with `cgroup_enable=memory`",
        _ => "boot without `cgroup_disable=`",
    };
    match facts.cgroups.mode() {
        None => mount_cgroups(facts),
        Some(CgroupMode::V2) if facts.in_container => {
            format!("{CONTAINER}; or delegate the controller `{controller}` to it")
        }
        Some(CgroupMode::V2) => format!(
            "delegate it: `systemd-run --scope -p Delegate=yes contain-test …`; if \
             `/sys/fs/cgroup/cgroup.controllers` of the machine lacks `{controller}`, {kernel}"
        ),
        Some(CgroupMode::V1 | CgroupMode::Hybrid) => {
            let path = facts.cgroups.v1_folder().join(controller);
            let path = path.display();
            format!(
                "`mkdir -p {path} && mount -t cgroup -o {controller} {controller} {path}`; if the kernel refuses, {kernel}"
            )
        }
    }
}
