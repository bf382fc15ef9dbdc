//! What the machine has: files, CPUs, memory, disks.

use super::requirement;
use crate::host::{Facts, cpus, own_namespace, remedies};
use crate::record::Requirement;

/// The default node holds 512 MiB; as much again keeps the machine itself well.
const MEMORY_HEADROOM_BYTES: u64 = 1 << 30;

pub(super) fn proc_readable(facts: &Facts) -> Requirement {
    let errors: Vec<String> = facts.unreadable.iter().map(ToString::to_string).collect();
    let found = if errors.is_empty() { "readable".to_owned() } else { errors.join("; ") };
    let remedy = "`mount -t proc proc /proc && mount -t sysfs sysfs /sys`".to_owned();
    requirement("proc.readable", true, errors.is_empty(), found, remedy)
}

pub(super) fn psi(facts: &Facts) -> Requirement {
    let found = if facts.psi { "on" } else { "off: pressure is not shown" };
    let remedy = "boot with `psi=1`".to_owned();
    requirement("psi", false, facts.psi, found.to_owned(), remedy)
}

pub(super) fn two_cpus(facts: &Facts) -> Requirement {
    let usable = facts.cpus.usable.len();
    let found = match usable {
        0 | 1 => format!("{usable} usable: attacker and victim share it"),
        _ => format!("{usable} usable ({})", cpus::format_list(&facts.cpus.usable)),
    };
    let remedy = if facts.cpus.online.len() >= 2 {
        format!("`taskset -c {} contain-test …`", cpus::format_list(&facts.cpus.online))
    } else {
        "give the machine a second CPU".to_owned()
    };
    requirement("cpus.two", false, usable >= 2, found, remedy)
}

pub(super) fn runtime_directory(facts: &Facts) -> Requirement {
    let (met, found) = match &facts.runtime_directory {
        Ok(path) => (true, path.display().to_string()),
        Err(error) => (false, error.to_string()),
    };
    let remedy = if facts.without_root() {
        format!("`export XDG_RUNTIME_DIR=/run/user/{}`, a folder of your own", facts.user())
    } else if facts.uid == 0 {
        "`mkdir -p /run`, or set XDG_RUNTIME_DIR to a writable folder".to_owned()
    } else {
        remedies::privileges(facts)
    };
    requirement("runtime.directory", true, met, found, remedy)
}

/// The user's own runtime directory is closed to the users of sandboxes, which must be able to reach the binary.
pub(super) fn quarters(facts: &Facts) -> Option<Requirement> {
    facts.subtree.as_ref()?;
    let places = own_namespace::QUARTERS;
    let found = facts.quarters.as_ref().map_or_else(
        || format!("no {}, and none of {} is there and empty", places[0], places[1..].join(", ")),
        |path| format!("{}, covered for the run alone", path.display()),
    );
    let remedy = format!("`sudo mkdir -p {}`", places[0]);
    Some(requirement("runtime.quarters", true, facts.quarters.is_some(), found, remedy))
}

pub(super) fn memory_headroom(facts: &Facts) -> Requirement {
    let available = facts.memory.available_bytes;
    let found = format!("{} MiB available", available >> 20);
    let remedy = "free memory until `MemAvailable` of /proc/meminfo is 1 GiB".to_owned();
    requirement("memory.headroom", true, available >= MEMORY_HEADROOM_BYTES, found, remedy)
}

/// What a node's disk is made with; only scenarios that give the node one need it.
pub(super) fn node_disk(facts: &Facts) -> [Requirement; 2] {
    let has_loop = facts.loop_devices && !facts.without_root();
    let devices = match (facts.loop_devices, has_loop) {
        (true, true) => "available",
        (true, false) => "loop devices are for root alone",
        (false, _) => "/dev/loop-control is absent",
    };
    let loop_remedy = match facts.without_root() {
        true => remedies::ROOT,
        false => "`modprobe loop`; in a container, run it with `--privileged`",
    };
    let program = facts.mkfs_ext4.as_ref();
    let found =
        program.map_or_else(|| "no mkfs.ext4".to_owned(), |path| path.display().to_string());
    [
        requirement("disk.loop", false, has_loop, devices.to_owned(), loop_remedy.to_owned()),
        requirement(
            "disk.mkfs",
            false,
            program.is_some(),
            found,
            "`apt-get install e2fsprogs`".to_owned(),
        ),
    ]
}
