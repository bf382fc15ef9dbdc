//! The mount table: `/proc/self/mountinfo`, proc_pid_mountinfo(5).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountEntry {
    /// ID of the mount.
    pub id: u64,
    /// ID of the mount it is mounted on.
    pub parent: u64,
    /// The folder of the file system that forms the root of this mount; `/` unless only a part is mounted.
    pub root: String,
    /// Where it is mounted, escapes resolved.
    pub path: PathBuf,
    /// Options of this mount, such as `ro`.
    pub options: Vec<String>,
    /// Type of the file system, such as `cgroup2`.
    pub fs_type: String,
    /// Options of the file system itself, such as `rw`, `cpu`, `name=systemd`.
    pub super_options: Vec<String>,
}

impl MountEntry {
    /// True when either the mount or its file system is read-only.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.options.iter().chain(&self.super_options).any(|option| option == "ro")
    }
}

/// Reads the table; lines that do not have the documented form are passed over, mounts hidden below others too.
#[must_use]
pub fn parse(mountinfo: &str) -> Vec<MountEntry> {
    let entries: Vec<MountEntry> = mountinfo.lines().filter_map(parse_line).collect();
    entries.iter().filter(|entry| visible(entry, &entries)).cloned().collect()
}

fn parse_line(line: &str) -> Option<MountEntry> {
    // Optional fields of unknown number end at a lone dash.
    let (mount, file_system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ');
    let id = mount.next()?.parse().ok()?;
    let parent = mount.next()?.parse().ok()?;
    let _device = mount.next()?;
    let root = unescape(mount.next()?).to_string_lossy().into_owned();
    let path = PathBuf::from(unescape(mount.next()?));
    let options = split_options(mount.next()?);
    let mut file_system = file_system.split(' ');
    let fs_type = file_system.next()?.to_owned();
    let _source = file_system.next()?;
    let super_options = split_options(file_system.next().unwrap_or_default());
    Some(MountEntry { id, parent, root, path, options, fs_type, super_options })
}

fn split_options(options: &str) -> Vec<String> {
    options.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect()
}

/// The kernel writes space, tab, newline, backslash and `#` as a backslash and three octal digits.
fn unescape(text: &str) -> OsString {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'\\')
            .then(|| bytes.get(at + 1..at + 4))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = code {
            out.push(byte);
            at += 4;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    OsString::from_vec(out)
}

/// A mount is hidden when another is mounted on its very root, or over a folder on the way to it.
fn visible(entry: &MountEntry, all: &[MountEntry]) -> bool {
    if all
        .iter()
        .any(|other| other.parent == entry.id && other.path == entry.path && other != entry)
    {
        return false;
    }
    let mut step = entry;
    // As many steps as there are mounts at most: a table read while it changes may hold a loop.
    for _ in 0..all.len() {
        let hidden = all.iter().any(|other| {
            other.parent == step.parent
                && other.id != step.id
                && other.path != step.path
                && step.path.starts_with(&other.path)
                && !is_root_on_itself(other, step)
        });
        if hidden {
            return false;
        }
        match all.iter().find(|other| other.id == step.parent && other.id != step.id) {
            Some(parent) => step = parent,
            None => return true,
        }
    }
    true
}

/// The root mount's parent is outside the table, or the mount itself: it is no sibling that covers its own children.
fn is_root_on_itself(other: &MountEntry, step: &MountEntry) -> bool {
    other.path == Path::new("/") && other.id == step.parent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_optional_fields_are_read() {
        let line = "36 35 98:0 /a\\040b /mnt\\040x/c\\134d ro,noatime master:1 shared:2 - cgroup cgroup rw,pids";
        let entry = parse_line(line).unwrap();
        assert_eq!(entry.root, "/a b");
        assert_eq!(entry.path, Path::new("/mnt x/c\\d"));
        assert!(entry.read_only());
        assert_eq!(entry.super_options, ["rw", "pids"]);
    }

    #[test]
    fn lines_of_another_form_are_passed_over() {
        assert!(parse("nonsense\n\n1 2 3\n36 35 98:0 / /x rw\n").is_empty());
    }

    #[test]
    fn mounts_below_another_mount_are_hidden() {
        let table = "\
1 0 8:1 / / rw - ext4 /dev/vda rw
2 1 0:20 / /sys rw - sysfs sysfs rw
3 2 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw
4 3 0:22 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
5 3 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
";
        let paths: Vec<u64> = parse(table).iter().map(|entry| entry.id).collect();
        assert_eq!(paths, [1, 2, 5]);
    }
}
