//! Which paths a mount table hides, and which it makes read-only: conclusions from `/proc/PID/mountinfo`, which shows mounts as the process
//! sees them.

use super::super::mount_table::MountEntry;

/// The trees in which an empty file system over a folder can only be there to hide it.
const KERNEL_TREES: [&str; 2] = ["/proc/", "/sys/"];

/// The paths that are hidden, in the order of the table.
///
/// Engines hide files behind `/dev/null` and folders behind an empty tmpfs that cannot be written to (`maskedPaths` of the OCI runtime
/// specification); systemd behind files made for it (`InaccessiblePaths=`, systemd.exec(5)).
#[must_use]
pub fn masked(mounts: &[MountEntry]) -> Vec<String> {
    mounts.iter().filter(|entry| is_masked(entry, mounts)).map(shown).collect()
}

/// The mount points that cannot be written to and are not hidden, in the order of the table.
#[must_use]
pub fn read_only(mounts: &[MountEntry]) -> Vec<String> {
    let wanted = |entry: &&MountEntry| entry.read_only() && !is_masked(entry, mounts);
    mounts.iter().filter(wanted).map(shown).collect()
}

fn shown(entry: &MountEntry) -> String {
    entry.path.to_string_lossy().into_owned()
}

fn is_masked(entry: &MountEntry, all: &[MountEntry]) -> bool {
    let in_memory = matches!(entry.fs_type.as_str(), "tmpfs" | "devtmpfs" | "ramfs");
    if !in_memory {
        return false;
    }
    if entry.root.contains("/systemd/inaccessible/") {
        return true;
    }
    // The device itself may be a mount, too: sandboxes get it so.
    if entry.root.ends_with("/null") {
        return !entry.path.ends_with("null");
    }
    let path = entry.path.to_string_lossy();
    // A tmpfs that others are mounted in is a frame for them, as at /sys/fs/cgroup of version 1.
    let is_frame = all.iter().any(|other| other.parent == entry.id && other.id != entry.id);
    entry.read_only() && !is_frame && KERNEL_TREES.iter().any(|tree| path.starts_with(tree))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::mount_table;

    #[test]
    fn hidden_paths_and_frames_are_told_apart() {
        let table = "\
1 0 0:50 / / ro,relatime - overlay overlay rw,lowerdir=/l
2 1 0:51 / /proc rw - proc proc rw
3 2 0:51 /sys /proc/sys ro - proc proc rw
4 2 0:52 /null /proc/kcore rw - tmpfs tmpfs rw,mode=755
5 2 0:53 / /proc/acpi ro - tmpfs tmpfs ro
6 1 0:52 / /dev rw - tmpfs tmpfs rw,mode=755
7 6 0:6 /null /dev/null rw - devtmpfs devtmpfs rw
8 1 0:54 / /sys ro - sysfs sysfs ro
9 8 0:55 / /sys/fs/cgroup ro - tmpfs tmpfs ro
10 9 0:56 / /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids
11 1 0:22 /systemd/inaccessible/dir /home ro - tmpfs tmpfs rw
12 1 0:57 / /opt ro - tmpfs tmpfs ro
";
        let mounts = mount_table::parse(table);
        assert_eq!(masked(&mounts), ["/proc/kcore", "/proc/acpi", "/home"]);
        let expected = ["/", "/proc/sys", "/sys", "/sys/fs/cgroup", "/sys/fs/cgroup/pids", "/opt"];
        assert_eq!(read_only(&mounts), expected);
    }
}
