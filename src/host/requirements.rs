//! The named requirements: what a machine must have for anything to run, and what it may have.

use nix::unistd::{AccessFlags, eaccess};

use super::subordinate::NEEDED;
use super::{CgroupVersion, Facts, cpus, remedies};
use crate::record::{CgroupMode, Requirement};
use crate::scenario::NamespaceKind;

/// Controllers that every node is made of: its capacity is a cpuset, memory and tasks, and cpu is what neighbours share.
const CONTROLLERS: [&str; 4] = ["pids", "memory", "cpu", "cpuset"];

/// Capabilities without which a sandbox cannot be set up or taken down, and what each is needed for.
const CAPABILITIES: [(&str, &str); 7] = [
    ("sys_admin", "namespaces and mounts"),
    ("setuid", "the sandbox's user IDs"),
    ("setgid", "the sandbox's group IDs"),
    ("setpcap", "taking capabilities away"),
    ("kill", "ending processes of other users"),
    ("chown", "the sandbox's files"),
    ("dac_override", "cgroup folders that not even root may write by their mode"),
];

/// The default node holds 512 MiB; as much again keeps the machine itself well.
const MEMORY_HEADROOM_BYTES: u64 = 1 << 30;

/// Checks every requirement, in a fixed order, without writing anything.
#[must_use]
pub fn requirements(facts: &Facts) -> Vec<Requirement> {
    let mut list = vec![proc_readable(facts), root(facts), mounted(facts), writable(facts)];
    list.extend(alone(facts));
    list.extend(CONTROLLERS.map(|name| controller(facts, name)));
    list.push(clone3(facts));
    list.extend(killing(facts));
    list.extend(NamespaceKind::ALL.map(|kind| namespace(facts, kind)));
    list.extend(subordinate_ids(facts).into_iter().flatten());
    list.extend(CAPABILITIES.map(|(name, purpose)| capability(facts, name, purpose)));
    list.push(sys_resource(facts));
    list.push(seccomp(facts));
    list.push(psi(facts));
    list.push(two_cpus(facts));
    list.push(runtime_directory(facts));
    list.extend(quarters(facts));
    list.push(memory_headroom(facts));
    list.push(pids_peak(facts));
    list.extend(node_disk(facts));
    list
}

/// A requirement with its remedy dropped when it is met.
fn requirement(
    name: &str,
    required: bool,
    met: bool,
    found: String,
    remedy: String,
) -> Requirement {
    let remedy = if met { String::new() } else { remedy };
    Requirement { name: name.to_owned(), required, met, found, remedy }
}

fn proc_readable(facts: &Facts) -> Requirement {
    let errors: Vec<String> = facts.unreadable.iter().map(ToString::to_string).collect();
    let found = if errors.is_empty() { "readable".to_owned() } else { errors.join("; ") };
    let remedy = "`mount -t proc proc /proc && mount -t sysfs sysfs /sys`".to_owned();
    requirement("proc.readable", true, errors.is_empty(), found, remedy)
}

fn root(facts: &Facts) -> Requirement {
    let place = if facts.first_user_namespace { "" } else { " of a user namespace" };
    let found = format!("uid {}{place}", facts.uid);
    let name = "user.root";
    if facts.own_namespace.is_some() {
        let found = format!("uid {}, root of a user namespace of its own", facts.user());
        return requirement(name, true, facts.uid == 0, found, remedies::privileges(facts));
    }
    if facts.without_root() {
        let found = format!("uid {}: what needs root is skipped", facts.uid);
        return requirement(name, false, false, found, remedies::ROOT.to_owned());
    }
    let has_version_1 = matches!(facts.cgroups.mode(), Some(CgroupMode::V1 | CgroupMode::Hybrid));
    if facts.uid != 0 && has_version_1 && !facts.in_container && facts.first_user_namespace {
        let found = format!(
            "uid {}, and controllers of cgroup version 1 cannot be delegated to a user",
            facts.uid
        );
        return requirement(name, true, false, found, remedies::NO_VERSION_1.to_owned());
    }
    requirement(name, true, facts.uid == 0, found, remedies::privileges(facts))
}

/// A cgroup with processes cannot give controllers to its children (cgroup-v2.rst, "No Internal Process Constraint"), and only the
/// harness itself is moved out of the way.
fn alone(facts: &Facts) -> Option<Requirement> {
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

/// Without root, the IDs of sandboxes are those that the user was given, and programs with privileges map them.
fn subordinate_ids(facts: &Facts) -> Option<[Requirement; 2]> {
    let own = facts.subordinate.as_ref().filter(|_| facts.without_root())?;
    let programs = facts.id_mappers.as_ref().map_or_else(
        || "no newuidmap and newgidmap".to_owned(),
        |[users, _]| users.display().to_string(),
    );
    let count = own.count();
    let found = match count {
        0 => "/etc/subuid and /etc/subgid give this user none".to_owned(),
        _ if count < NEEDED => format!("{count}, and {NEEDED} are needed"),
        _ => count.to_string(),
    };
    Some([
        requirement(
            "ids.programs",
            true,
            facts.id_mappers.is_some(),
            programs,
            "`sudo apt-get install uidmap` (Fedora: `sudo dnf install shadow-utils`)".to_owned(),
        ),
        requirement(
            "ids.subordinate",
            true,
            count >= NEEDED,
            found,
            format!("`{}`", own.command()),
        ),
    ])
}

fn mounted(facts: &Facts) -> Requirement {
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
fn writable(facts: &Facts) -> Requirement {
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

fn controller(facts: &Facts, controller: &str) -> Requirement {
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
fn clone3(facts: &Facts) -> Requirement {
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
fn killing(facts: &Facts) -> [Requirement; 2] {
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

fn namespace(facts: &Facts, kind: NamespaceKind) -> Requirement {
    let word = kind.name();
    let support = facts.namespaces.kinds.iter().find(|support| support.kind == kind);
    let in_kernel = support.is_some_and(|support| support.in_kernel);
    // What binds users binds a run without root until it has a user namespace of its own.
    let bound = kind == NamespaceKind::User
        && facts.own_namespace.is_none()
        && facts.without_root()
        && facts.namespaces.remedy().is_some();
    let met = support.is_some_and(super::NamespaceSupport::available) && !bound;
    let mut found = match support.and_then(|support| support.max) {
        _ if !in_kernel => {
            format!("/proc/self/ns/{word} is absent (kernel {})", facts.kernel.release)
        }
        Some(0) => format!("user.max_{word}_namespaces is 0"),
        _ => "available".to_owned(),
    };
    if kind == NamespaceKind::User {
        for line in facts.namespaces.restrictions() {
            found = match bound {
                true => format!("users may not make one: {line}"),
                false => format!("{found}; {line}, which does not bind root"),
            };
        }
    }
    let remedy = if bound && support.is_some_and(super::NamespaceSupport::available) {
        facts.namespaces.remedy().unwrap_or_default().to_owned()
    } else if in_kernel {
        let sudo = if facts.without_root() { "sudo " } else { "" };
        format!("`{sudo}sysctl -w user.max_{word}_namespaces=1024`")
    } else if kind == NamespaceKind::Time {
        "boot a kernel from 5.6 on with CONFIG_TIME_NS=y, or share it: `namespaces: {time: host}`"
            .to_owned()
    } else {
        format!("boot a kernel with {}", namespace_option(kind))
    };
    // Scenarios can share a time namespace with the host, and kernels before 5.6 have none.
    requirement(&format!("namespace.{word}"), kind != NamespaceKind::Time, met, found, remedy)
}

/// The build option of a kind, as in the kernel's `init/Kconfig`; mount namespaces cannot be left out.
fn namespace_option(kind: NamespaceKind) -> &'static str {
    match kind {
        NamespaceKind::Mnt => "CONFIG_NAMESPACES=y",
        NamespaceKind::Pid => "CONFIG_PID_NS=y",
        NamespaceKind::Net => "CONFIG_NET_NS=y",
        NamespaceKind::Ipc => "CONFIG_IPC_NS=y",
        NamespaceKind::Uts => "CONFIG_UTS_NS=y",
        NamespaceKind::User => "CONFIG_USER_NS=y",
        NamespaceKind::Cgroup => "CONFIG_CGROUPS=y, from 4.6 on",
        NamespaceKind::Time => "CONFIG_TIME_NS=y",
    }
}

fn capability(facts: &Facts, name: &str, purpose: &str) -> Requirement {
    // Outside of the user namespace that it will have them in.
    let later = facts.without_root() && facts.own_namespace.is_none();
    let met = later || facts.capabilities.has(name);
    let found = if later {
        "in the user namespace of the run".to_owned()
    } else if met {
        "effective".to_owned()
    } else {
        format!("not effective: {purpose}")
    };
    let remedy = remedies::privileges(facts);
    requirement(&format!("capability.{name}"), true, met, found, remedy)
}

fn sys_resource(facts: &Facts) -> Requirement {
    // Limits are the whole machine's: the capability counts in its first user namespace alone (prlimit(2)).
    let met = facts.capabilities.has("sys_resource") && !facts.without_root();
    let found = if met {
        "effective"
    } else {
        "not effective: hard limits of a sandbox cannot be above the harness's own"
    };
    let remedy = match facts.without_root() {
        true => remedies::ROOT.to_owned(),
        false => remedies::privileges(facts),
    };
    requirement("capability.sys_resource", false, met, found.to_owned(), remedy)
}

fn seccomp(facts: &Facts) -> Requirement {
    let found = if facts.seccomp { "filters" } else { "no filters of system calls" };
    let remedy = "boot a kernel with CONFIG_SECCOMP_FILTER=y, or do without: `seccomp: unconfined`";
    requirement("seccomp", false, facts.seccomp, found.to_owned(), remedy.to_owned())
}

fn psi(facts: &Facts) -> Requirement {
    let found = if facts.psi { "on" } else { "off: pressure is not shown" };
    let remedy = "boot with `psi=1`".to_owned();
    requirement("psi", false, facts.psi, found.to_owned(), remedy)
}

fn two_cpus(facts: &Facts) -> Requirement {
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

fn runtime_directory(facts: &Facts) -> Requirement {
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
fn quarters(facts: &Facts) -> Option<Requirement> {
    facts.subtree.as_ref()?;
    let places = super::own_namespace::QUARTERS;
    let found = facts.quarters.as_ref().map_or_else(
        || format!("no {}, and none of {} is there and empty", places[0], places[1..].join(", ")),
        |path| format!("{}, covered for the run alone", path.display()),
    );
    let remedy = format!("`sudo mkdir -p {}`", places[0]);
    Some(requirement("runtime.quarters", true, facts.quarters.is_some(), found, remedy))
}

fn memory_headroom(facts: &Facts) -> Requirement {
    let available = facts.memory.available_bytes;
    let found = format!("{} MiB available", available >> 20);
    let remedy = "free memory until `MemAvailable` of /proc/meminfo is 1 GiB".to_owned();
    requirement("memory.headroom", true, available >= MEMORY_HEADROOM_BYTES, found, remedy)
}

/// What a node's disk is made with; only scenarios that give the node one need it.
fn node_disk(facts: &Facts) -> [Requirement; 2] {
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

/// `pids.peak` exists since 6.1, in both versions, and only below the root cgroup: the kernel's version must answer.
fn pids_peak(facts: &Facts) -> Requirement {
    let met = facts.cgroups.controller("pids").is_some() && facts.kernel.at_least(6, 1);
    let found =
        if met { "kernel 6.1 or newer" } else { "absent: the highest sample is used instead" };
    let remedy = "boot a kernel from 6.1 on".to_owned();
    requirement("pids.peak", false, met, found.to_owned(), remedy)
}
