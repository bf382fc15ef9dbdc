//! Where the cgroup hierarchies are mounted: detected, never assumed to be at `/sys/fs/cgroup`.
//!
//! See cgroups(7), and the kernel's `Documentation/admin-guide/cgroup-v1/cgroups.rst` and `cgroup-v2.rst`.

use std::path::{Path, PathBuf};

use super::mount_table::{self, MountEntry};
use super::{HostError, Roots, Subtree, roots};
use crate::record::CgroupMode;

/// The unified hierarchy as mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub path: PathBuf,
    /// The cgroup that forms the root of the mount; `/` unless only a part of the hierarchy is mounted.
    pub root: String,
    /// Whether the mount or its file system is read-only.
    pub read_only: bool,
    /// Options of the file system, such as `nsdelegate`, `memory_recursiveprot`.
    pub options: Vec<String>,
}

/// One version 1 hierarchy as mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V1Mount {
    /// Its controllers; several when they are mounted together (`cpu,cpuacct`), none for a hierarchy that only groups.
    pub controllers: Vec<String>,
    /// Its name, for hierarchies such as `name=systemd`.
    pub name: Option<String>,
    /// Where it is mounted.
    pub path: PathBuf,
    /// The cgroup that forms the root of the mount; `/` unless only a part of the hierarchy is mounted.
    pub root: String,
    /// Whether the mount or its file system is read-only.
    pub read_only: bool,
}

/// Which version of the cgroup interface a controller is used through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CgroupVersion {
    /// A hierarchy of its own.
    V1,
    /// The unified hierarchy.
    V2,
}

/// Where the files of a controller are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerHome {
    /// The mount point of its hierarchy.
    pub path: PathBuf,
    /// Which files to expect there.
    pub version: CgroupVersion,
    /// Whether the mount is read-only.
    pub read_only: bool,
}

/// All cgroup hierarchies that this process can see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CgroupMounts {
    /// The unified hierarchy (version 2), if mounted.
    pub unified: Option<Mount>,
    /// Controllers listed in the unified root's `cgroup.controllers`.
    pub unified_controllers: Vec<String>,
    /// Version 1 hierarchies, each once, in the order of the mount table.
    pub v1: Vec<V1Mount>,
    /// The cgroup at [`Self::unified`]'s path as `/proc/PID/cgroup` names it; empty at the top.
    pub group: String,
}

impl CgroupMounts {
    /// Reads `/proc/self/mountinfo` and the unified root's `cgroup.controllers`. Paths are ready to be opened: below
    /// `/sys` they have moved with the roots.
    ///
    /// # Errors
    /// [`HostError::Unreadable`]. No cgroups at all is no error, see [`Self::mode`].
    pub fn read(roots: &Roots) -> Result<Self, HostError> {
        let mut mounts = Self::parse(&roots.read_proc("self/mountinfo")?);
        for path in mounts
            .unified
            .iter_mut()
            .map(|m| &mut m.path)
            .chain(mounts.v1.iter_mut().map(|m| &mut m.path))
        {
            *path = roots.resolve(path);
        }
        if let Some(unified) = &mounts.unified {
            let controllers = roots::read(&unified.path.join("cgroup.controllers"))?;
            mounts.unified_controllers =
                controllers.split_whitespace().map(str::to_owned).collect();
        }
        Ok(mounts)
    }

    /// Reads a mount table alone; [`Self::unified_controllers`] stays empty.
    #[must_use]
    pub fn parse(mountinfo: &str) -> Self {
        let mut entries = mount_table::parse(mountinfo);
        // A hierarchy may be mounted several times, and in containers only in part: whole ones first. The sort is
        // stable, so among equals the first of the table stays first.
        entries.sort_by_key(|entry| entry.root != "/");
        let unified = entries.iter().find(|entry| entry.fs_type == "cgroup2").map(unified_mount);
        let mut v1: Vec<V1Mount> = Vec::new();
        for mount in entries.iter().filter(|entry| entry.fs_type == "cgroup").map(v1_mount) {
            let known = v1
                .iter()
                .any(|seen| seen.controllers == mount.controllers && seen.name == mount.name);
            if !known {
                v1.push(mount);
            }
        }
        Self { unified, unified_controllers: Vec::new(), v1, group: String::new() }
    }

    /// The same with a part of the unified hierarchy in its place: paths and controllers are those of the subtree.
    #[must_use]
    pub fn within(mut self, subtree: &Subtree) -> Self {
        if let Some(unified) = &mut self.unified {
            unified.path.clone_from(&subtree.path);
            self.unified_controllers.clone_from(&subtree.controllers);
            subtree.group.trim_end_matches('/').clone_into(&mut self.group);
        }
        self
    }

    /// Which mode this is: `V1` or `V2` when controllers can be had through one version only, `Hybrid` when version 1
    /// holds controllers beside a unified tree, `None` without cgroups.
    ///
    /// A named version 1 hierarchy without controllers (`name=systemd`) beside the unified one does not make a hybrid.
    #[must_use]
    pub fn mode(&self) -> Option<CgroupMode> {
        let v1_controllers = self.v1.iter().any(|mount| !mount.controllers.is_empty());
        match (&self.unified, v1_controllers) {
            (Some(_), true) => Some(CgroupMode::Hybrid),
            (Some(_), false) => Some(CgroupMode::V2),
            (None, _) if !self.v1.is_empty() => Some(CgroupMode::V1),
            (None, _) => None,
        }
    }

    /// Where the named controller is used: its version 1 hierarchy where there is one (the kernel gives a controller to
    /// one hierarchy at a time), else the unified tree if that lists it.
    #[must_use]
    pub fn controller(&self, name: &str) -> Option<ControllerHome> {
        let v1 = self.v1.iter().find(|mount| mount.controllers.iter().any(|it| it == name));
        if let Some(mount) = v1 {
            return Some(ControllerHome {
                path: mount.path.clone(),
                version: CgroupVersion::V1,
                read_only: mount.read_only,
            });
        }
        let unified = self.unified.as_ref()?;
        self.unified_controllers.iter().any(|it| it == name).then(|| ControllerHome {
            path: unified.path.clone(),
            version: CgroupVersion::V2,
            read_only: unified.read_only,
        })
    }

    /// Names of all controllers of both versions, sorted.
    #[must_use]
    pub fn controllers(&self) -> Vec<String> {
        let v1 = self.v1.iter().flat_map(|mount| &mount.controllers);
        let mut names: Vec<String> = v1.chain(&self.unified_controllers).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Options of the unified hierarchy that change what its files mean (cgroup-v2.rst, "Mounting"), in a fixed order.
    #[must_use]
    pub fn telling_options(&self) -> Vec<String> {
        const TELLING: [&str; 6] = [
            "nsdelegate",
            "favordynmods",
            "memory_localevents",
            "memory_recursiveprot",
            "memory_hugetlb_accounting",
            "pids_localevents",
        ];
        let is_on = |option: &&str| {
            self.unified.iter().any(|mount| mount.options.iter().any(|it| it == option))
        };
        TELLING.into_iter().filter(is_on).map(str::to_owned).collect()
    }

    /// The folder that version 1 hierarchies stand in, for remedies: the parent of the first, or the usual place.
    #[must_use]
    pub fn v1_folder(&self) -> PathBuf {
        let parent = self.v1.first().and_then(|mount| mount.path.parent());
        parent.unwrap_or(Path::new("/sys/fs/cgroup")).to_path_buf()
    }
}

fn unified_mount(entry: &MountEntry) -> Mount {
    Mount {
        path: entry.path.clone(),
        root: entry.root.clone(),
        read_only: entry.read_only(),
        options: entry.super_options.clone(),
    }
}

fn v1_mount(entry: &MountEntry) -> V1Mount {
    let name = entry.super_options.iter().find_map(|option| option.strip_prefix("name="));
    V1Mount {
        controllers: entry.super_options.iter().filter(|it| is_controller(it)).cloned().collect(),
        name: name.map(str::to_owned),
        path: entry.path.clone(),
        root: entry.root.clone(),
        read_only: entry.read_only(),
    }
}

/// Options of a version 1 hierarchy that are no controllers (`cgroup1_show_options` in `kernel/cgroup/cgroup-v1.c`) or
/// that any file system may show.
fn is_controller(option: &str) -> bool {
    const FLAGS: [&str; 9] = [
        "rw",
        "ro",
        "none",
        "noprefix",
        "xattr",
        "clone_children",
        "cpuset_v2_mode",
        "favordynmods",
        "seclabel",
    ];
    !option.contains('=') && !FLAGS.contains(&option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_mounts_come_before_parts() {
        let table = "\
1 0 8:1 / / rw - ext4 /dev/vda rw
2 1 0:22 /docker/abc /a rw - cgroup cgroup rw,pids
3 1 0:22 / /b rw - cgroup cgroup rw,pids
4 1 0:22 / /c rw - cgroup cgroup rw,pids
";
        let mounts = CgroupMounts::parse(table);
        assert_eq!(mounts.v1.len(), 1);
        assert_eq!(mounts.v1[0].path, Path::new("/b"));
        assert_eq!(mounts.mode(), Some(CgroupMode::V1));
    }

    #[test]
    fn flags_are_no_controllers() {
        let table = "2 1 0:22 / /a rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n\
                     3 1 0:23 / /b rw - cgroup cgroup rw,cpu,cpuacct,clone_children\n";
        let mounts = CgroupMounts::parse(table);
        assert_eq!(mounts.v1[0].controllers, [""; 0]);
        assert_eq!(mounts.v1[0].name.as_deref(), Some("systemd"));
        assert_eq!(mounts.v1[1].controllers, ["cpu", "cpuacct"]);
        assert_eq!(mounts.controller("cpuacct").unwrap().path, Path::new("/b"));
    }
}
