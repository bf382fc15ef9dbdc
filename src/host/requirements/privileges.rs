//! What the caller may do: users, namespaces, capabilities, system calls.

use super::requirement;
use crate::host::subordinate::NEEDED;
use crate::host::{Facts, NamespaceSupport, remedies};
use crate::record::{CgroupMode, Requirement};
use crate::scenario::NamespaceKind;

pub(super) fn root(facts: &Facts) -> Requirement {
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

/// Without root, the IDs of sandboxes are those that the user was given, and programs with privileges map them.
pub(super) fn subordinate_ids(facts: &Facts) -> Option<[Requirement; 2]> {
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

pub(super) fn namespace(facts: &Facts, kind: NamespaceKind) -> Requirement {
    let word = kind.name();
    let support = facts.namespaces.kinds.iter().find(|support| support.kind == kind);
    let in_kernel = support.is_some_and(|support| support.in_kernel);
    // What binds users binds a run without root until it has a user namespace of its own.
    let bound = kind == NamespaceKind::User
        && facts.own_namespace.is_none()
        && facts.without_root()
        && facts.namespaces.remedy().is_some();
    let met = support.is_some_and(NamespaceSupport::available) && !bound;
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
    let remedy = if bound && support.is_some_and(NamespaceSupport::available) {
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

pub(super) fn capability(facts: &Facts, name: &str, purpose: &str) -> Requirement {
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

pub(super) fn sys_resource(facts: &Facts) -> Requirement {
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

pub(super) fn seccomp(facts: &Facts) -> Requirement {
    let found = if facts.seccomp { "filters" } else { "no filters of system calls" };
    let remedy = "boot a kernel with CONFIG_SECCOMP_FILTER=y, or do without: `seccomp: unconfined`";
    requirement("seccomp", false, facts.seccomp, found.to_owned(), remedy.to_owned())
}
