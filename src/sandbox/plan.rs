//! From a specification to the list of steps. Pure: nothing here touches the machine.

use crate::cgroup::{Group, GroupStep, Setting, settings};
use crate::scenario::{NamespaceKind, Seccomp};

use super::spec::DISK_INSIDE;
use super::{Spec, Step};

/// Paths that container engines hide.
const MASKED: [&str; 13] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sysrq-trigger",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Paths that container engines make read-only.
const READ_ONLY: [&str; 4] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"];

const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];

/// Where the binary is inside a root of the sandbox's own.
const PROGRAM_INSIDE: &str = "/contain-test";

/// What stands in front of steps that the sandbox's first process does.
pub(super) const INSIDE: &str = "inside: ";

/// The first step of a sandbox's end.
pub(super) const KILL_INIT: &str = "kill the first process";

/// What will be done, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it was made from.
    pub spec: Spec,
    /// The limits as kernel files and values, in order.
    pub settings: Vec<Setting>,
    /// The harness's steps, printable.
    pub outside: Vec<String>,
    /// The steps of the sandbox's first process.
    pub inside: Vec<Step>,
}

impl Plan {
    /// All steps, printable.
    pub fn printable(&self) -> impl Iterator<Item = String> + '_ {
        let name = &self.spec.name;
        let outside = self.outside.iter().map(move |step| format!("{name}: {step}"));
        let inside = self.inside.iter().map(move |step| format!("{name}: {INSIDE}{step}"));
        outside.chain(inside)
    }

    /// The steps that end and remove the sandbox, printable.
    pub fn removal(&self, group: &Group) -> impl Iterator<Item = String> + '_ {
        let name = &self.spec.name;
        let lifted = self.settings.iter().filter_map(Setting::lifted);
        let mut steps: Vec<String> =
            lifted.map(|setting| group.set_step(&setting).to_string()).collect();
        steps.push(KILL_INIT.to_owned());
        steps.extend(group.removal_steps().iter().map(ToString::to_string));
        steps.into_iter().map(move |step| format!("{name}: {step}"))
    }
}

/// Plans a sandbox in `group`.
#[must_use]
pub fn plan(spec: Spec, group: &Group) -> Plan {
    let mut settings = settings(&spec.limits, &|controller| group.version_of(controller));
    if let Some(device) = &spec.disk_device {
        settings = settings.into_iter().map(|setting| setting.at_device(device)).collect();
    }
    let outside = outside(&spec, &settings, group);
    let inside = inside(&spec);
    Plan { spec, settings, outside, inside }
}

fn outside(spec: &Spec, settings: &[Setting], group: &Group) -> Vec<String> {
    let mut steps: Vec<GroupStep> = group.create_steps();
    steps.push(group.set_step(&Setting::cpuset(&spec.cpus)));
    steps.extend(settings.iter().map(|setting| group.set_step(setting)));
    let own = join_step(spec).into_iter().chain([clone_step(spec)]).chain(map_steps(spec));
    steps.iter().map(ToString::to_string).chain(own.map(|step| step.to_string())).collect()
}

/// The step that joins the namespaces of its pod, where it has one and shares any.
pub(super) fn join_step(spec: &Spec) -> Option<Step> {
    let pod = spec.pod.clone()?;
    let namespaces: Vec<NamespaceKind> =
        NamespaceKind::ALL.into_iter().filter(|&kind| spec.namespaces.is_pods(kind)).collect();
    (!namespaces.is_empty()).then_some(Step::Join { pod, namespaces })
}

/// The pod whose POSIX shared memory is the sandbox's too: it goes with the IPC namespace, and only who is of the user namespace that owns
/// the pause process's mounts may copy one.
fn shared_memory_of(spec: &Spec) -> Option<String> {
    let is_shared = [NamespaceKind::Ipc, NamespaceKind::User]
        .into_iter()
        .all(|kind| spec.namespaces.is_pods(kind));
    spec.pod.clone().filter(|_| is_shared)
}

/// The step that makes the first process.
pub(super) fn clone_step(spec: &Spec) -> Step {
    let namespaces =
        NamespaceKind::ALL.into_iter().filter(|&kind| spec.namespaces.is_new(kind)).collect();
    Step::Clone { namespaces }
}

/// The steps that write the maps of a user namespace of its own.
pub(super) fn map_steps(spec: &Spec) -> Vec<Step> {
    if !spec.namespaces.is_new(NamespaceKind::User) {
        return Vec::new();
    }
    let (base, count) = (spec.ids.base, spec.ids.count);
    let step = |map: &str| Step::MapIds { map: map.to_owned(), base, count };
    ["gid_map", "uid_map"].map(step).to_vec()
}

fn inside(spec: &Spec) -> Vec<Step> {
    let new = |kind| spec.namespaces.is_new(kind);
    let mut steps = vec![Step::ReleaseAffinity];
    let program = if new(NamespaceKind::Mnt) {
        steps.extend(root_steps(spec));
        PROGRAM_INSIDE.to_owned()
    } else {
        spec.program.display().to_string()
    };
    if new(NamespaceKind::Uts) {
        steps.push(Step::SetHostname { name: spec.hostname.clone() });
    }
    if new(NamespaceKind::Net) {
        steps.push(Step::LoopbackUp);
    }
    steps.push(Step::SetRlimit { resource: "CORE".to_owned(), value: 0 });
    if let Some(value) = spec.limits.nofile {
        steps.push(Step::SetRlimit { resource: "NOFILE".to_owned(), value });
    }
    if let Some(value) = spec.limits.nproc {
        steps.push(Step::SetRlimit { resource: "NPROC".to_owned(), value });
    }
    let keep = spec.capabilities.bounding();
    steps.push(Step::BoundCapabilities { keep });
    let own_users = spec.namespaces.is_apart(NamespaceKind::User);
    let id = if own_users { spec.ids.inside } else { spec.ids.workload() };
    let become_user = Step::BecomeUser { id, keep: spec.capabilities.effective() };
    let filter = (spec.seccomp == Seccomp::Default).then_some(Step::FilterSystemCalls);
    // Who may still gain privileges may not load a filter without having them (seccomp(2)).
    if spec.no_new_privs {
        steps.extend([become_user, Step::NoNewPrivileges].into_iter().chain(filter));
    } else {
        steps.extend(filter.into_iter().chain([become_user]));
    }
    steps.push(match spec.command.as_slice() {
        [] => Step::Execute { program, arguments: spec.arguments.clone() },
        command => Step::ExecuteCommand { command: command.to_vec() },
    });
    steps
}

/// A root of its own: a small tmpfs with the binary, /proc, /sys, /dev and /tmp.
fn root_steps(spec: &Spec) -> Vec<Step> {
    let apart = |kind| spec.namespaces.is_apart(kind);
    let root = spec.root.display().to_string();
    let at = |path: &str| format!("{root}{path}");
    let mount = |kind: &str, path: &str, options: &str, read_only: bool| Step::Mount {
        kind: kind.to_owned(),
        at: at(path),
        options: options.to_owned(),
        read_only,
    };
    let bind = |from: &str, to: &str, read_only: bool| Step::Bind {
        from: from.to_owned(),
        to: at(to),
        read_only,
    };
    let mut steps = vec![Step::MakeMountsPrivate, mount("tmpfs", "", "mode=0755,size=1m", false)];
    steps.push(bind(&spec.program.display().to_string(), PROGRAM_INSIDE, true));
    steps.extend(spec.system.iter().map(|path| bind(path, path, true)));
    for path in ["/proc", "/sys", "/dev", "/tmp"] {
        steps.push(Step::CreateDirectory { path: at(path) });
    }
    steps.push(mount("tmpfs", "/dev", "mode=0755,size=64k", false));
    steps.extend(DEVICES.map(|name| bind(&format!("/dev/{name}"), &format!("/dev/{name}"), false)));
    for (target, name) in [
        ("/proc/self/fd", "fd"),
        ("/proc/self/fd/0", "stdin"),
        ("/proc/self/fd/1", "stdout"),
        ("/proc/self/fd/2", "stderr"),
        ("pts/ptmx", "ptmx"),
    ] {
        steps.push(Step::Link { target: target.to_owned(), at: at(&format!("/dev/{name}")) });
    }
    for path in ["/dev/pts", "/dev/shm"] {
        steps.push(Step::CreateDirectory { path: at(path) });
    }
    steps.push(mount("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620", false));
    steps.push(match shared_memory_of(spec) {
        Some(pod) => {
            Step::ShareMount { pod, path: "/dev/shm".to_owned(), at: at("/dev/shm"), holder: None }
        }
        None => mount("tmpfs", "/dev/shm", "mode=1777,size=64m", false),
    });
    if apart(NamespaceKind::Ipc) {
        steps.push(Step::CreateDirectory { path: at("/dev/mqueue") });
        steps.push(mount("mqueue", "/dev/mqueue", "", false));
    }
    // Without a limit as the kernel has it, which is half of the machine's memory: what is in it is charged to the sandbox and its node.
    let size = spec.limits.tmpfs_bytes.map_or_else(String::new, |bytes| format!(",size={bytes}"));
    steps.push(mount("tmpfs", "/tmp", &format!("mode=1777{size}"), false));
    if let Some(disk) = &spec.disk {
        steps.push(bind(&disk.display().to_string(), DISK_INSIDE, false));
    }
    // The kernel mounts a new procfs or sysfs only for the owner of the namespace that it shows: in the host's, what the host
    // sees is what the sandbox sees.
    steps.push(if apart(NamespaceKind::Pid) {
        mount("proc", "/proc", "", false)
    } else {
        bind("/proc", "/proc", false)
    });
    steps.push(if apart(NamespaceKind::Net) {
        mount("sysfs", "/sys", "", true)
    } else {
        bind("/sys", "/sys", true)
    });
    steps.push(Step::PivotRoot { to: root.clone() });
    if spec.masked_paths {
        steps.extend(READ_ONLY.map(|path| Step::ProtectPath { path: path.to_owned() }));
        let masked = MASKED.into_iter().map(str::to_owned).chain(spec.masked.iter().cloned());
        steps.extend(masked.map(|path| Step::Mask { path }));
    }
    steps.push(Step::ProtectRoot);
    steps
}
