//! The part of the unified hierarchy that a process without root may use: its own cgroup, where that was delegated to its user
//! (cgroup-v2.rst, "Delegation").

use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, eaccess};

use super::{Mount, Roots, roots};

/// Files that whoever a cgroup is delegated to may write, besides making directories in it.
const DELEGATED: [&str; 2] = ["cgroup.procs", "cgroup.subtree_control"];

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtree {
    /// Its directory.
    pub path: PathBuf,
    /// Its name in `/proc/PID/cgroup`.
    pub group: String,
    /// Whether groups can be made in it, and processes and controllers given to them.
    pub delegated: bool,
    /// The controllers that its groups can use; where it is not delegated, those of the cgroup that systemd has delegated to the user,
    /// in which a scope would be made.
    pub controllers: Vec<String>,
    /// Other processes in it: a cgroup with processes cannot give controllers to its children.
    pub others: Vec<u32>,
}

impl Subtree {
    /// Looks at the cgroup of this process below the unified hierarchy as mounted. `None` where `/proc/self/cgroup` does not tell it, or it is
    /// not below that mount.
    #[must_use]
    pub fn read(roots: &Roots, unified: &Mount, uid: u32) -> Option<Self> {
        let group = unified_group(&roots.read_proc("self/cgroup").ok()?)?;
        let below = group.strip_prefix(unified.root.trim_end_matches('/'))?;
        let path = unified.path.join(below.trim_start_matches('/'));
        let may = |path: &Path, flags| eaccess(path, flags).is_ok();
        let delegated = !unified.read_only
            && may(&path, AccessFlags::W_OK | AccessFlags::X_OK)
            && DELEGATED.iter().all(|file| may(&path.join(file), AccessFlags::W_OK));
        let manager = unified.path.join(format!("user.slice/user-{uid}.slice/user@{uid}.service"));
        let folder = if delegated || !manager.is_dir() { &path } else { &manager };
        let words = |file: PathBuf| roots::read(&file).unwrap_or_default();
        let controllers = words(folder.join("cgroup.controllers"));
        let processes = words(path.join("cgroup.procs"));
        let own = std::process::id();
        Some(Self {
            group,
            delegated,
            controllers: controllers.split_whitespace().map(str::to_owned).collect(),
            others: processes
                .lines()
                .filter_map(|line| line.trim().parse().ok())
                .filter(|&pid| pid != own)
                .collect(),
            path,
        })
    }
}

/// The unified hierarchy's line of `/proc/PID/cgroup` begins with `0::`, cgroups(7).
fn unified_group(text: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unified_line_is_told_from_those_of_version_1() {
        assert_eq!(
            unified_group("3:pids:/x\n0::/user.slice/a b\n").as_deref(),
            Some("/user.slice/a b")
        );
        assert_eq!(unified_group("3:pids:/x\n"), None);
    }
}
