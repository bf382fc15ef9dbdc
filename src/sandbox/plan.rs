//! From a specification to the list of steps. Pure: nothing here touches the machine.

use crate::cgroup::{Group, GroupStep, Setting, settings};
use crate::scenario::NamespaceKind;

use super::spec::{ID_COUNT, INSIDE_ID};
use super::{Spec, Step};

/// The capabilities that container engines leave in the bounding set by default, by number (linux/capability.h):
/// chown, `dac_override`, fowner, fsetid, kill, setgid, setuid, setpcap, `net_bind_service`, `net_raw`, `sys_chroot`,
/// mknod, `audit_write`, setfcap.
const ENGINE_CAPABILITIES: [u8; 14] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];

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
        let mut steps = vec![KILL_INIT.to_owned()];
        steps.extend(group.removal_steps().iter().map(ToString::to_string));
        steps.into_iter().map(move |step| format!("{name}: {step}"))
    }
}

/// Plans a sandbox in `group`.
#[must_use]
pub fn plan(spec: Spec, group: &Group) -> Plan {
    let settings = settings(&spec.limits, &|controller| group.version_of(controller));
    let outside = outside(&spec, &settings, group);
    let inside = inside(&spec);
    Plan { spec, settings, outside, inside }
}

fn outside(spec: &Spec, settings: &[Setting], group: &Group) -> Vec<String> {
    let mut steps: Vec<GroupStep> = group.create_steps();
    steps.push(group.set_step(&Setting::cpuset(&spec.cpus)));
    steps.extend(settings.iter().map(|setting| group.set_step(setting)));
    let own = std::iter::once(clone_step(spec)).chain(map_steps(spec));
    steps.iter().map(ToString::to_string).chain(own.map(|step| step.to_string())).collect()
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
    let step =
        |map: &str| Step::MapIds { map: map.to_owned(), base: spec.ids.base, count: ID_COUNT };
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
        steps.push(Step::SetHostname { name: spec.name.clone() });
    }
    if new(NamespaceKind::Net) {
        steps.push(Step::LoopbackUp);
    }
    steps.push(Step::SetRlimit { resource: "CORE".to_owned(), value: 0 });
    if let Some(value) = spec.limits.nofile {
        steps.push(Step::SetRlimit { resource: "NOFILE".to_owned(), value });
    }
    steps.push(Step::BoundCapabilities { keep: ENGINE_CAPABILITIES.to_vec() });
    let id = if new(NamespaceKind::User) { INSIDE_ID } else { spec.ids.workload() };
    steps.push(Step::BecomeUser { id });
    steps.push(Step::NoNewPrivileges);
    steps.push(Step::Execute { program, arguments: spec.arguments.clone() });
    steps
}

/// A root of its own: a small tmpfs with the binary, /proc, /sys, /dev and /tmp.
fn root_steps(spec: &Spec) -> Vec<Step> {
    let new = |kind| spec.namespaces.is_new(kind);
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
    steps.push(mount("tmpfs", "/dev/shm", "mode=1777,size=64m", false));
    if new(NamespaceKind::Ipc) {
        steps.push(Step::CreateDirectory { path: at("/dev/mqueue") });
        steps.push(mount("mqueue", "/dev/mqueue", "", false));
    }
    steps.push(mount("tmpfs", "/tmp", "mode=1777,size=64m", false));
    // The kernel mounts a new procfs or sysfs only for the owner of the namespace that it shows: without a new one,
    // what the host sees is what the sandbox sees.
    steps.push(if new(NamespaceKind::Pid) {
        mount("proc", "/proc", "", false)
    } else {
        bind("/proc", "/proc", false)
    });
    steps.push(if new(NamespaceKind::Net) {
        mount("sysfs", "/sys", "", true)
    } else {
        bind("/sys", "/sys", true)
    });
    steps.push(Step::PivotRoot { to: root.clone() });
    steps.extend(READ_ONLY.map(|path| Step::ProtectPath { path: path.to_owned() }));
    let masked = MASKED.into_iter().map(str::to_owned).chain(spec.masked.iter().cloned());
    steps.extend(masked.map(|path| Step::Mask { path }));
    steps.push(Step::ProtectRoot);
    steps
}
