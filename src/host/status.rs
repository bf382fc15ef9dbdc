//! Fields of `/proc/self/status`, proc_pid_status(5).

use super::{HostError, Roots};

/// The value of a field, without the white space around it; `None` when there is no such line.
#[must_use]
pub fn field(status: &str, name: &str) -> Option<String> {
    status.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key == name).then(|| value.trim().to_owned())
    })
}

/// The effective user ID of this process, as its user namespace sees it.
///
/// # Errors
/// [`HostError::Unreadable`] or [`HostError::Unexpected`].
pub fn effective_uid(roots: &Roots) -> Result<u32, HostError> {
    let status = roots.read_proc("self/status")?;
    let value = field(&status, "Uid").unwrap_or_default();
    // Real, effective, saved, file system.
    value.split_whitespace().nth(1).and_then(|uid| uid.parse().ok()).ok_or_else(|| {
        HostError::Unexpected {
            file: "/proc/self/status Uid".to_owned(),
            value: value.clone(),
            expected: "four user IDs",
        }
    })
}

/// True when the kernel filters system calls and can refuse one with an errno: `/proc/sys/kernel/seccomp/actions_avail` of
/// `CONFIG_SECCOMP_FILTER`, since 4.14 (the kernel's `Documentation/userspace-api/seccomp_filter.rst`).
#[must_use]
pub fn can_filter_system_calls(roots: &Roots) -> bool {
    roots
        .read_proc("sys/kernel/seccomp/actions_avail")
        .is_ok_and(|actions| actions.split_whitespace().any(|action| action == "errno"))
}

/// True when this process is in the machine's first user namespace, where user 0 is root of the machine.
///
/// Elsewhere `/proc/self/uid_map` maps less than the whole range, see user_namespaces(7). Kernels without user
/// namespaces have no such file and know only the first.
#[must_use]
pub fn in_first_user_namespace(roots: &Roots) -> bool {
    roots
        .read_proc("self/uid_map")
        .map_or(true, |map| map.split_whitespace().collect::<Vec<_>>() == ["0", "0", "4294967295"])
}
