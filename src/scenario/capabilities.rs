//! Which capabilities a sandbox has (capabilities(7)).

use super::NamespaceKind;
use super::diagnostic::{Problems, Spot};
use super::layers::Merged;

/// All capabilities in the order of their bits, as in `include/uapi/linux/capability.h`; bit 40 since Linux 5.9.
pub const CAPABILITY_NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The capabilities that container engines leave in the bounding set by default, by number (linux/capability.h):
/// chown, `dac_override`, fowner, fsetid, kill, setgid, setuid, setpcap, `net_bind_service`, `net_raw`, `sys_chroot`,
/// mknod, `audit_write`, setfcap.
const ENGINE_CAPABILITIES: [u8; 14] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];

/// The capabilities of a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Capabilities {
    /// None is in effect, since its processes are no root; the bounding set is that of container engines.
    #[default]
    Default,
    /// None, and the bounding set is empty.
    None,
    /// All, in effect: as of a privileged container, but over what belongs to its user namespace.
    All,
    /// These, by number, in effect and in the bounding set.
    These(Vec<u8>),
}

impl Capabilities {
    /// The bounding set: what executing a file could give at most.
    #[must_use]
    pub fn bounding(&self) -> Vec<u8> {
        match self {
            Self::Default => ENGINE_CAPABILITIES.to_vec(),
            Self::None => Vec::new(),
            Self::All => all(),
            Self::These(these) => these.clone(),
        }
    }

    /// Those that its processes have.
    #[must_use]
    pub fn effective(&self) -> Vec<u8> {
        match self {
            Self::Default | Self::None => Vec::new(),
            Self::All => all(),
            Self::These(these) => these.clone(),
        }
    }

    /// As files spell it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::None => "none".to_owned(),
            Self::All => "all".to_owned(),
            Self::These(these) => {
                let name = |number: &u8| CAPABILITY_NAMES.get(usize::from(*number)).copied();
                these.iter().filter_map(name).collect::<Vec<_>>().join(",")
            }
        }
    }
}

/// Every capability that has a name.
fn all() -> Vec<u8> {
    (0..).take(CAPABILITY_NAMES.len()).collect()
}

/// Over the host's user namespace a capability would be one over the host.
pub(super) fn check(config: &Merged<'_>, problems: &mut Problems) {
    for sandbox in config.written_sandboxes() {
        let namespaces = sandbox.namespaces.as_ref();
        if namespaces.is_none_or(|found| found.value.is_apart(NamespaceKind::User)) {
            continue;
        }
        if let Some(found) = &sandbox.capabilities
            && !found.value.effective().is_empty()
        {
            over_the_host(found.spot, "`capabilities`", problems);
        }
        if let Some(found) = sandbox.no_new_privs.as_ref().filter(|found| !found.value) {
            over_the_host(found.spot, "`no_new_privs: false`", problems);
        }
    }
}

fn over_the_host(spot: Spot, what: &str, problems: &mut Problems) {
    problems
        .add(spot, format!("{what} needs a user namespace of the sandbox's own"))
        .help("in the host's, these would be privileges over the machine; leave `user: host` out");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_effect_is_in_the_bounding_set() {
        for it in [
            Capabilities::Default,
            Capabilities::None,
            Capabilities::All,
            Capabilities::These(vec![13, 19]),
        ] {
            let bounding = it.bounding();
            assert!(it.effective().iter().all(|number| bounding.contains(number)), "{it:?}");
        }
        assert_eq!(Capabilities::These(vec![13, 19]).shown(), "net_raw,sys_ptrace");
        assert_eq!(Capabilities::All.effective().len(), 41);
    }
}
