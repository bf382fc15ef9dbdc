//! The limits that the groups of a process set, and those of the groups above them: what holds is the tightest.
//!
//! Files and their defaults: the kernel's `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/`.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::super::{CgroupMounts, cpus};
use crate::record::{GroupLimit, InterfaceVersion, Membership};

/// What a file says that limits nothing.
#[derive(Debug, Clone, Copy)]
enum Unset {
    /// It says one of these.
    Says(&'static [&'static str]),
    /// It begins with this.
    Begins(&'static str),
    /// It says so much or more: version 1 counts pages, so that no limit is a large number.
    From(u64),
    /// It names every CPU.
    AllCpus,
}

/// One file.
#[derive(Debug, Clone, Copy)]
struct File {
    name: &'static str,
    default: Unset,
    /// Whether that of a group above holds, too.
    inherited: bool,
}

const fn file(name: &'static str, default: Unset, inherited: bool) -> File {
    File { name, default, inherited }
}

const MAX: Unset = Unset::Says(&["max"]);
const ZERO: Unset = Unset::Says(&["0"]);
const NOTHING: Unset = Unset::Says(&[""]);

/// The largest amount of memory that version 1 counts is some pages below 2⁶³; nobody has a quarter of that.
const NO_MEMORY_LIMIT: Unset = Unset::From(1 << 61);

const V2: [File; 19] = [
    file("pids.max", MAX, true),
    file("memory.max", MAX, true),
    file("memory.swap.max", MAX, true),
    file("memory.zswap.max", MAX, true),
    file("memory.high", MAX, true),
    file("memory.swap.high", MAX, true),
    file("memory.low", ZERO, false),
    file("memory.min", ZERO, false),
    file("memory.oom.group", ZERO, false),
    file("cpu.max", Unset::Begins("max"), true),
    file("cpu.max.burst", ZERO, false),
    // An idle group shows the weight 0.
    file("cpu.weight", Unset::Says(&["100", "0"]), false),
    file("cpu.idle", ZERO, false),
    file("cpu.uclamp.max", Unset::Begins("max"), true),
    file("cpuset.cpus.effective", Unset::AllCpus, true),
    file("cpuset.mems", NOTHING, true),
    file("io.max", NOTHING, true),
    file("io.weight", Unset::Says(&["default 100"]), false),
    file("io.latency", NOTHING, true),
];

const V1: [File; 19] = [
    file("pids.max", MAX, true),
    file("memory.limit_in_bytes", NO_MEMORY_LIMIT, true),
    file("memory.memsw.limit_in_bytes", NO_MEMORY_LIMIT, true),
    file("memory.soft_limit_in_bytes", NO_MEMORY_LIMIT, false),
    file("memory.kmem.limit_in_bytes", NO_MEMORY_LIMIT, true),
    file("memory.kmem.tcp.limit_in_bytes", NO_MEMORY_LIMIT, true),
    file("cpu.cfs_quota_us", Unset::Says(&["-1"]), true),
    // Told only beside a quota, see `of_group`.
    file("cpu.cfs_period_us", NOTHING, true),
    file("cpu.cfs_burst_us", ZERO, false),
    file("cpu.shares", Unset::Says(&["1024"]), false),
    file("cpu.idle", ZERO, false),
    file("cpu.uclamp.max", Unset::Begins("max"), true),
    file("cpuset.effective_cpus", Unset::AllCpus, false),
    file("blkio.weight", Unset::Says(&["500"]), false),
    file("blkio.bfq.weight", Unset::Says(&["100"]), false),
    file("blkio.throttle.read_bps_device", NOTHING, true),
    file("blkio.throttle.write_bps_device", NOTHING, true),
    file("blkio.throttle.read_iops_device", NOTHING, true),
    file("blkio.throttle.write_iops_device", NOTHING, true),
];

/// What the files of a process's groups say.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that limit: hierarchy by hierarchy, the process's own group first.
    pub limits: Vec<GroupLimit>,
    /// What could not be read, and why: the file or group, and the reason.
    pub gaps: Vec<(String, String)>,
}

/// Reads the limits of these groups. `online` are the CPUs of the machine.
#[must_use]
pub fn read(groups: &[Membership], mounts: &CgroupMounts, online: &[u32]) -> Found {
    let mut found = Found::default();
    for group in
        groups.iter().filter(|it| it.version == InterfaceVersion::V2 || !it.controllers.is_empty())
    {
        match folders(group, mounts) {
            Ok(folders) => {
                for (index, (name, folder)) in folders.iter().enumerate() {
                    of_group(group, name, folder, index == 0, online, &mut found);
                }
            }
            Err(reason) => found.gaps.push((group.path.clone(), reason)),
        }
    }
    found
}

/// The folders of a group and of those above it, up to the top of what is mounted, with the names that the kernel gives them.
///
/// # Errors
/// Why there are none: the hierarchy is not mounted here, or the group lies outside of what is.
fn folders(group: &Membership, mounts: &CgroupMounts) -> Result<Vec<(String, PathBuf)>, String> {
    let (mount, root) = match group.version {
        InterfaceVersion::V2 => mounts.unified.as_ref().map(|it| (&it.path, &it.root)),
        InterfaceVersion::V1 => {
            let same = |it: &&super::super::V1Mount| {
                it.controllers.iter().any(|name| group.controllers.contains(name))
            };
            mounts.v1.iter().find(same).map(|it| (&it.path, &it.root))
        }
    }
    .ok_or_else(|| format!("the hierarchy of {} is not mounted here", hierarchy_name(group)))?;
    let outside = || format!("the group {} lies outside of what is mounted here", group.path);
    let inner = Path::new(&group.path).strip_prefix(root).map_err(|_| outside())?;
    if inner.components().any(|part| part == Component::ParentDir) {
        return Err(outside());
    }
    let mut found = Vec::new();
    let mut inner = inner;
    loop {
        let name = Path::new(root).join(inner).display().to_string();
        let name = name.trim_end_matches('/');
        found.push((
            if name.is_empty() { "/".to_owned() } else { name.to_owned() },
            mount.join(inner),
        ));
        match inner.parent() {
            Some(parent) => inner = parent,
            None => return Ok(found),
        }
    }
}

fn hierarchy_name(group: &Membership) -> String {
    match group.version {
        InterfaceVersion::V2 => "cgroup v2".to_owned(),
        InterfaceVersion::V1 => group.controllers.join(","),
    }
}

fn of_group(
    group: &Membership,
    name: &str,
    folder: &Path,
    own: bool,
    online: &[u32],
    found: &mut Found,
) {
    let files: &[File] = match group.version {
        InterfaceVersion::V1 => &V1,
        InterfaceVersion::V2 => &V2,
    };
    let mine = |file: &&File| {
        let controller = file.name.split('.').next().unwrap_or_default();
        (own || file.inherited)
            && (group.version == InterfaceVersion::V2
                || group.controllers.iter().any(|it| it == controller))
    };
    let before = found.limits.len();
    for file in files.iter().filter(mine) {
        let quota = found.limits[before..].iter().any(|it| it.file == "cpu.cfs_quota_us");
        if file.name == "cpu.cfs_period_us" && !quota {
            continue;
        }
        match fs::read_to_string(folder.join(file.name)) {
            Ok(text) if !file.default.is(text.trim(), online) => found.limits.push(GroupLimit {
                file: file.name.to_owned(),
                value: text.trim().to_owned(),
                group: name.to_owned(),
                own,
                version: group.version,
            }),
            Ok(_) => {}
            // The controller is not on in this group, or the kernel has no such file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                found.gaps.push((folder.join(file.name).display().to_string(), error.to_string()));
            }
        }
    }
}

impl Unset {
    fn is(self, text: &str, online: &[u32]) -> bool {
        match self {
            Self::Says(words) => words.contains(&text),
            Self::Begins(word) => text.starts_with(word),
            Self::From(least) => text.parse::<u64>().is_ok_and(|number| number >= least),
            // A list that cannot be read is shown.
            Self::AllCpus => {
                cpus::parse_list(text, "").is_ok_and(|list| list.is_empty() || list == online)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Mount;

    fn unified(root: &str) -> CgroupMounts {
        let path = PathBuf::from("/m");
        let mount = Mount { path, root: root.to_owned(), read_only: false, options: Vec::new() };
        CgroupMounts { unified: Some(mount), ..CgroupMounts::default() }
    }

    fn names(root: &str, path: &str) -> Result<Vec<String>, String> {
        let (version, path) = (InterfaceVersion::V2, path.to_owned());
        let group = Membership { version, controllers: Vec::new(), name: None, path };
        let found = folders(&group, &unified(root))?;
        Ok(found.iter().map(|(name, folder)| format!("{name} {}", folder.display())).collect())
    }

    #[test]
    fn groups_are_found_below_what_is_mounted() {
        assert_eq!(names("/", "/a/b").unwrap(), ["/a/b /m/a/b", "/a /m/a", "/ /m/"]);
        assert_eq!(names("/a", "/a/b").unwrap(), ["/a/b /m/b", "/a /m/"]);
        assert_eq!(names("/", "/").unwrap(), ["/ /m/"]);
        for outside in ["/../b", "/a/../../b"] {
            assert!(names("/", outside).unwrap_err().contains("outside"), "{outside}");
        }
        assert!(names("/a", "/b").unwrap_err().contains("outside"));
    }

    #[test]
    fn defaults_limit_nothing() {
        let online = [0, 1];
        assert!(MAX.is("max", &online) && !MAX.is("64", &online));
        assert!(NO_MEMORY_LIMIT.is("9223372036854771712", &online));
        assert!(!NO_MEMORY_LIMIT.is("67108864", &online));
        assert!(Unset::AllCpus.is("0-1", &online) && !Unset::AllCpus.is("1", &online));
        assert!(Unset::Begins("max").is("max 100000", &online));
        assert!(!Unset::Begins("max").is("50000 100000", &online));
    }
}
