//! The capabilities of this process, by name.

use super::{HostError, Roots, status};

/// All capabilities in the order of their bits, as in `include/uapi/linux/capability.h`; bit 40 since Linux 5.9.
pub const NAMES: [&str; 41] = [
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

/// The capabilities of this process, capabilities(7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Names of the effective set, in the order of the bits.
    pub effective: Vec<String>,
    /// Names of the bounding set: what could be regained by executing a file.
    pub bounding: Vec<String>,
}

impl Capabilities {
    /// Reads `CapEff` and `CapBnd` of `/proc/self/status`.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] or [`HostError::Unexpected`].
    pub fn read(roots: &Roots) -> Result<Self, HostError> {
        let status = roots.read_proc("self/status")?;
        Ok(Self { effective: set(&status, "CapEff")?, bounding: set(&status, "CapBnd")? })
    }

    /// True when the named capability (lower case, without `cap_`) is effective.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.effective.iter().any(|capability| capability == name)
    }
}

fn set(status: &str, field: &str) -> Result<Vec<String>, HostError> {
    let value = status::field(status, field).unwrap_or_default();
    let bits = u64::from_str_radix(&value, 16).map_err(|_| HostError::Unexpected {
        file: format!("/proc/self/status {field}"),
        value,
        expected: "a hexadecimal set of capabilities",
    })?;
    Ok(names(bits))
}

/// Names of the bits that are set; bits that newer kernels add are named `cap_NUMBER`.
#[must_use]
pub fn names(bits: u64) -> Vec<String> {
    (0..64_usize)
        .filter(|bit| bits >> bit & 1 == 1)
        .map(|bit| NAMES.get(bit).map_or_else(|| format!("cap_{bit}"), |&name| name.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_have_the_kernels_names() {
        assert_eq!(names(1), ["chown"]);
        assert_eq!(names(1 << 21 | 1 << 40), ["sys_admin", "checkpoint_restore"]);
        assert_eq!(names(1 << 41), ["cap_41"]);
        let without_resource = names(0x01ff_feff_ffff);
        assert!(!without_resource.iter().any(|name| name == "sys_resource"));
        assert_eq!(without_resource.len(), 40);
    }
}
