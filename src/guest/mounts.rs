//! The file systems of a guest.

use std::fs;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::unistd::{chdir, chroot};

use crate::record::CgroupMode;

/// Where the hierarchies are.
pub const CGROUPS: &str = "/sys/fs/cgroup";

const NONE: Option<&str> = None;

/// Leaves the initial root and mounts what every program expects.
///
/// # Errors
/// What could not be mounted.
pub fn basic() -> Result<(), String> {
    leave_rootfs()?;
    for (kind, at) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("devpts", "/dev/pts"),
        ("tmpfs", "/dev/shm"),
        ("tmpfs", "/run"),
        ("tmpfs", "/tmp"),
    ] {
        make(kind, Path::new(at), "")?;
    }
    Ok(())
}

/// Mounts the control groups: the unified tree alone, or one version 1 hierarchy for each controller, and for a hybrid
/// the unified tree (without controllers then) beside them.
///
/// # Errors
/// What could not be mounted.
pub fn cgroups(mode: CgroupMode) -> Result<(), String> {
    let top = Path::new(CGROUPS);
    if mode == CgroupMode::V2 {
        return make("cgroup2", top, "");
    }
    make("tmpfs", top, "")?;
    let table = fs::read_to_string("/proc/cgroups")
        .map_err(|error| format!("cannot read /proc/cgroups: {error}"))?;
    for controller in enabled(&table) {
        make("cgroup", &top.join(controller), controller)?;
    }
    if mode == CgroupMode::Hybrid {
        make("cgroup2", &top.join("unified"), "")?;
    }
    Ok(())
}

/// The controllers that are switched on, from `/proc/cgroups` (cgroups(7)).
fn enabled(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && line.ends_with("\t1"))
        .filter_map(|line| line.split_whitespace().next())
}

/// The kernel refuses pivot_root(2), which sandboxes need, while the root is its initial one. A bind mount of it on top
/// of itself is a root like any other.
fn leave_rootfs() -> Result<(), String> {
    let at = "/root-of-guest";
    let failed = |errno| format!("cannot leave the initial root: {errno}");
    fs::create_dir_all(at).map_err(|error| format!("cannot create {at}: {error}"))?;
    mount(Some("/"), at, NONE, MsFlags::MS_BIND, NONE).map_err(failed)?;
    chdir(at).map_err(failed)?;
    mount(Some("."), "/", NONE, MsFlags::MS_MOVE, NONE).map_err(failed)?;
    chroot(".").map_err(failed)
}

fn make(kind: &str, at: &Path, options: &str) -> Result<(), String> {
    fs::create_dir_all(at).map_err(|error| format!("cannot create {}: {error}", at.display()))?;
    mount(Some(kind), at, Some(kind), MsFlags::empty(), Some(options))
        .map_err(|errno| format!("cannot mount {kind} at {}: {errno}", at.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_that_are_off_are_left_out() {
        let table = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t1\t1\nrdma\t0\t1\t0\n";
        assert_eq!(enabled(table).collect::<Vec<_>>(), ["cpu"]);
    }
}
