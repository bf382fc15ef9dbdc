//! Control groups: where they are mounted, whose they are, and what they can do.

use nix::unistd::{AccessFlags, eaccess};

use super::{CONTROLLERS, requirement};
use crate::host::{CgroupVersion, Facts, remedies};
use crate::record::{CgroupMode, Requirement};

/// A cgroup with processes cannot give controllers to its children (cgroup-v2.rst, "No Internal Process Constraint"), and only the
/// harness itself is moved out of the way.
pub(super) fn alone(facts: &Facts) -> Option<Requirement> {
    let subtree = facts.subtree.as_ref()?;
    let (met, found) = match subtree.others.as_slice() {
        // Nothing is said of processes in a cgroup that will not be used.
        _ if !subtree.delegated => (true, "not delegated".to_owned()),
        [] => (true, "no other process".to_owned()),
        [one] => (false, format!("process {one} is in {} too", subtree.group)),
        [one, rest @ ..] => {
            (false, format!("process {one} and {} more are in {} too", rest.len(), subtree.group))
        }
    };
    Some(requirement("cgroup.alone", true, met, found, remedies::scope(facts)))
}

pub(super) fn mounted(facts: &Facts) -> Requirement {
    let found = match facts.cgroups.mode() {
        None => "no cgroup hierarchy is mounted".to_owned(),
        Some(CgroupMode::V1) => format!("v1 at {}", facts.cgroups.v1_folder().display()),
        Some(mode) => {
            let word = if mode == CgroupMode::V2 { "v2" } else { "hybrid, v2" };
            let path = facts.cgroups.unified.as_ref().map(|mount| mount.path.display().to_string());
            format!("{word} at {}", path.unwrap_or_default())
        }
    };
    let met = facts.cgroups.mode().is_some();
    requirement("cgroup.mounted", true, met, found, remedies::mount_cgroups(facts))
}

/// Asks for the hierarchies of the node's controllers, by mount flags and access(2): the folders are made at their top.
pub(super) fn writable(facts: &Facts) -> Requirement {
    let mut homes: Vec<_> =
        CONTROLLERS.iter().filter_map(|name| facts.cgroups.controller(name)).collect();
    homes.dedup();
    let read_only = homes.iter().find(|home| home.read_only);
    let denied = homes
        .iter()
        .find(|home| eaccess(home.path.as_path(), AccessFlags::W_OK | AccessFlags::X_OK).is_err());
    let (met, found, remedy) = if homes.is_empty() {
        let none = "no hierarchy with one of the controllers needed".to_owned();
        (false, none, remedies::mount_controller(facts, CONTROLLERS[0]))
    } else if let Some(home) = read_only {
        let found = format!("{} is mounted read-only", home.path.display());
        (false, found, remedies::remount(facts, &home.path))
    } else if let Some(subtree) = &facts.subtree {
        let path = subtree.path.display();
        let found = match subtree.delegated {
            true => format!("{path} is delegated"),
            false => format!("{path} is not delegated to uid {}", facts.user()),
        };
        (subtree.delegated, found, remedies::scope(facts))
    } else if let Some(home) = denied {
        let found = format!("{} is not writable for uid {}", home.path.display(), facts.uid);
        (false, found, remedies::privileges(facts))
    } else {
        (true, "writable".to_owned(), String::new())
    };
    requirement("cgroup.writable", true, met, found, remedy)
}

pub(super) fn controller(facts: &Facts, controller: &str) -> Requirement {
    let home = facts.cgroups.controller(controller);
    let found = home.as_ref().map_or_else(
        || "in no mounted hierarchy".to_owned(),
        |home| {
            let version = if home.version == CgroupVersion::V1 { "v1" } else { "v2" };
            format!("{version} at {}", home.path.display())
        },
    );
    let name = format!("cgroup.{controller}");
    let remedy = match &facts.subtree {
        Some(_) => remedies::CONTROLLERS.to_owned(),
        None => remedies::mount_controller(facts, controller),
    };
    let found = match &facts.subtree {
        Some(subtree) if home.is_none() => {
            format!("not delegated: {} has {}", subtree.group, words(&subtree.controllers))
        }
        _ => found,
    };
    requirement(&name, true, home.is_some(), found, remedy)
}

fn words(controllers: &[String]) -> String {
    if controllers.is_empty() { "none".to_owned() } else { controllers.join(" ") }
}

/// Sandboxes are made by clone3(2), of 5.3, and on a unified tree born into their group (`CLONE_INTO_CGROUP`), of 5.7.
pub(super) fn clone3(facts: &Facts) -> Requirement {
    let (major, minor) = if facts.cgroups.unified.is_some() { (5, 7) } else { (5, 3) };
    let met = facts.kernel.at_least(major, minor);
    let found = if met {
        format!("kernel {}", facts.kernel.release)
    } else {
        format!("kernel {} is older than {major}.{minor}", facts.kernel.release)
    };
    let remedy = format!("boot a kernel from {major}.{minor} on");
    requirement("kernel.clone3", true, met, found, remedy)
}

/// `cgroup.kill` of the unified tree, or the v1 freezer: with neither, a fork bomb can outrun its killer. One is enough.
pub(super) fn killing(facts: &Facts) -> [Requirement; 2] {
    // The file is absent in the root cgroup, so the kernel's version must answer: 5.14 brought it.
    let kill = facts.cgroups.unified.is_some() && facts.kernel.at_least(5, 14);
    let kill_found = match (&facts.cgroups.unified, kill) {
        (None, _) => "no unified hierarchy is mounted".to_owned(),
        (Some(_), true) => format!("kernel {}", facts.kernel.release),
        (Some(_), false) => format!("kernel {} is older than 5.14", facts.kernel.release),
    };
    // On v2 every cgroup can be frozen since 5.2.
    let v1 = facts.cgroups.controller("freezer");
    let freezer = v1.is_some() || facts.cgroups.unified.is_some() && facts.kernel.at_least(5, 2);
    let freezer_found = match (&v1, freezer) {
        (Some(home), _) => format!("v1 at {}", home.path.display()),
        (None, true) => "cgroup.freeze of v2".to_owned(),
        (None, false) => "no freezer".to_owned(),
    };
    let needed = !kill && !freezer;
    let kill_remedy = "boot a kernel from 5.14 on with a unified hierarchy: \
         `systemd.unified_cgroup_hierarchy=1`";
    let freezer_remedy = if facts.cgroups.mode() == Some(CgroupMode::V2) {
        "boot a kernel from 5.2 on".to_owned()
    } else {
        remedies::mount_controller(facts, "freezer")
    };
    [
        requirement("cgroup.kill", needed, kill, kill_found, kill_remedy.to_owned()),
        requirement("cgroup.freezer", needed, freezer, freezer_found, freezer_remedy),
    ]
}

/// `pids.peak` exists since 6.1, in both versions, and only below the root cgroup: the kernel's version must answer.
pub(super) fn pids_peak(facts: &Facts) -> Requirement {
    let met = facts.cgroups.controller("pids").is_some() && facts.kernel.at_least(6, 1);
    let found =
        if met { "kernel 6.1 or newer" } else { "absent: the highest sample is used instead" };
    let remedy = "boot a kernel from 6.1 on".to_owned();
    requirement("pids.peak", false, met, found.to_owned(), remedy)
}
