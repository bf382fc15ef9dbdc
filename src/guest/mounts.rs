//! The file systems of a guest.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::unistd::{chdir, chroot};

use crate::record::CgroupMode;

/// Where the hierarchies are.
pub const CGROUPS: &str = "/sys/fs/cgroup";

/// Where the guest's disk is, if it has one.
pub const DISK: &str = "/disk";

/// How systemd mounts the unified hierarchy (`mount-setup.c`), so that a guest is like the machines that most people have.
const UNIFIED: [&str; 2] = ["nsdelegate,memory_recursiveprot", ""];

/// A device appears within milliseconds of its driver's module.
const DEVICE_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

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
        return unified(top);
    }
    make("tmpfs", top, "")?;
    let table = fs::read_to_string("/proc/cgroups")
        .map_err(|error| format!("cannot read /proc/cgroups: {error}"))?;
    for controller in enabled(&table) {
        make("cgroup", &top.join(controller), controller)?;
    }
    if mode == CgroupMode::Hybrid {
        unified(&top.join("unified"))?;
    }
    Ok(())
}

/// The unified hierarchy, with as many of the usual options as the kernel has.
fn unified(at: &Path) -> Result<(), String> {
    let [usual, none] = UNIFIED;
    make("cgroup2", at, usual).or_else(|_| make("cgroup2", at, none))
}

/// Waits for a device.
///
/// # Errors
/// It did not appear.
pub fn wait_for(device: &Path) -> Result<(), String> {
    let begun = Instant::now();
    while !device.exists() {
        if begun.elapsed() > DEVICE_LIMIT {
            return Err(format!("there is no {}", device.display()));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Mounts the guest's disk.
///
/// # Errors
/// What could not be mounted.
pub fn disk(device: &str) -> Result<(), String> {
    let failed =
        |error: &dyn std::fmt::Display| format!("cannot mount {device} at {DISK}: {error}");
    fs::create_dir_all(DISK).map_err(|error| failed(&error))?;
    mount(Some(device), DISK, Some("ext4"), MsFlags::empty(), NONE).map_err(|errno| failed(&errno))
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
