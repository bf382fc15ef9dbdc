//! Looking for processes of the attacker that left its cgroup.
//!
//! A process belongs to the attacker when it is in its PID namespace or has one of its user IDs: neither can be changed by
//! moving it to another cgroup.

use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cgroup::Version;
use crate::sandbox::{Sandbox, can_be_ours};

/// `PF_EXITING` of include/linux/sched.h: such a task is shown at the root of a version 1 hierarchy.
const EXITING: u64 = 0x4;

/// How often it is worth looking while blocks run: every process of the machine is asked, which takes the harness half a millisecond and more.
const INTERVAL: Duration = Duration::from_millis(250);

/// Who to look for, fixed when the sandbox starts.
#[derive(Debug)]
pub struct Lookout {
    pid_namespace: Option<u64>,
    /// Host IDs of its processes alone: a whole range, or in a pod, whose sandboxes share one, its own user. None where the other
    /// sandbox has the same.
    ids: Option<RangeInclusive<u32>>,
    /// The controllers of the hierarchies that the sandbox's group is in; empty for the unified one.
    controllers: Vec<Vec<String>>,
    group: String,
    /// The files that list the tasks in the sandbox's group, one in each hierarchy.
    lists: Vec<PathBuf>,
    /// When it looked last.
    looked: Option<Instant>,
}

impl Lookout {
    /// For this sandbox. `own_pid_namespace` tells whether its PID namespace is its own, `own_user` whether its user IDs are.
    #[must_use]
    pub fn new(sandbox: &Sandbox, own_pid_namespace: bool, own_user: bool) -> Self {
        let link = format!("/proc/{}/ns/pid", sandbox.pid);
        let pid_namespace = own_pid_namespace
            .then(|| fs::metadata(link).ok().map(|metadata| metadata.ino()))
            .flatten();
        let controllers = sandbox
            .group
            .hierarchies()
            .0
            .iter()
            .map(|hierarchy| match hierarchy.version {
                Version::V1 => hierarchy.controllers.clone(),
                Version::V2 => Vec::new(),
            })
            .collect();
        let group = sandbox.group.name();
        let ids = own_user.then(|| match sandbox.pod {
            Some(_) => sandbox.ids.workload()..=sandbox.ids.workload(),
            None => sandbox.ids.base..=sandbox.ids.last(),
        });
        // Tasks and not processes: a process is listed as long as one of its threads is there.
        let list = |version| match version {
            Version::V1 => "tasks",
            Version::V2 => "cgroup.threads",
        };
        let versions = sandbox.group.hierarchies().0.iter().map(|hierarchy| hierarchy.version);
        let lists = sandbox
            .group
            .directories()
            .zip(versions)
            .map(|(directory, version)| directory.join(list(version)))
            .collect();
        Self { pid_namespace, ids, controllers, group, lists, looked: None }
    }

    /// What [`Self::escaped`] finds, where nobody has looked for a quarter of a second; else nothing. Blocks may be much shorter: who is outside
    /// during an attack is found at its end in any case.
    pub fn escaped_by_now(&mut self) -> Vec<String> {
        if self.looked.is_some_and(|at| at.elapsed() < INTERVAL) {
            return Vec::new();
        }
        self.looked = Some(Instant::now());
        self.escaped()
    }

    /// Processes that are alive outside, each as a sentence.
    ///
    /// Who is listed in the group of every hierarchy is not looked at any further: the kernel takes long to tell the groups of one process, and a fork bomb
    /// has hundreds.
    #[must_use]
    pub fn escaped(&self) -> Vec<String> {
        let inside = self.inside();
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| inside.binary_search(pid).is_err())
            .filter_map(|pid| self.inspect(pid))
            .collect()
    }

    /// Tasks that are in the sandbox's group in every hierarchy, in order; none where one of the lists cannot be read.
    fn inside(&self) -> Vec<u32> {
        let tasks = |list: &PathBuf| -> Vec<u32> {
            let text = fs::read_to_string(list).unwrap_or_default();
            let mut all: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
            all.sort_unstable();
            all
        };
        let mut all = self.lists.iter().map(tasks);
        let first = all.next().unwrap_or_default();
        all.fold(first, |mut inside, list| {
            inside.retain(|task| list.binary_search(task).is_ok());
            inside
        })
    }

    fn inspect(&self, pid: u32) -> Option<String> {
        let folder = Path::new("/proc").join(pid.to_string());
        let user = fs::metadata(&folder).ok()?.uid();
        let has_id = self.ids.as_ref().is_some_and(|ids| ids.contains(&user));
        let mine = has_id && can_be_ours(&folder)
            || self.pid_namespace.is_some_and(|own| {
                fs::metadata(folder.join("ns/pid")).is_ok_and(|metadata| metadata.ino() == own)
            });
        if !mine {
            return None;
        }
        let groups = fs::read_to_string(folder.join("cgroup")).ok()?;
        let elsewhere = foreign_group(&groups, &self.controllers, &self.group)?;
        // Read after the groups: a task not exiting now was not exiting when its groups were read.
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        is_alive(&stat).then(|| format!("process {pid} is alive in {elsewhere}"))
    }
}

/// The first hierarchy in which a process is not in `expected`, as shown in `/proc/PID/cgroup`.
fn foreign_group(text: &str, controllers: &[Vec<String>], expected: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (names, path) = (fields.next()?, fields.next()?);
        let ours = controllers.iter().any(|own| match (own.as_slice(), names) {
            ([], "") => true,
            ([], _) | (_, "") => false,
            (own, names) => names.split(',').any(|name| own.iter().any(|other| other == name)),
        });
        // A group below the sandbox's own is still inside.
        let inside = path
            .strip_prefix(expected)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let names = if names.is_empty() { "the unified hierarchy" } else { names };
        (ours && !inside).then(|| format!("{path} ({names})"))
    })
}

/// From `/proc/PID/stat` (proc_pid_stat(5)): state is field 3, flags is field 9; the name may hold anything.
fn is_alive(stat: &str) -> bool {
    let Some((_, rest)) = stat.rsplit_once(')') else { return false };
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let state = fields.first().copied().unwrap_or("X");
    let flags = fields.get(6).and_then(|flags| flags.parse::<u64>().ok()).unwrap_or(EXITING);
    !matches!(state, "Z" | "X" | "x") && flags & EXITING == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hybrid() -> Vec<Vec<String>> {
        vec![vec!["pids".to_owned()], vec!["cpu".to_owned(), "cpuacct".to_owned()], Vec::new()]
    }

    #[test]
    fn a_process_in_its_group_everywhere_has_not_escaped() {
        let text = "9:name=systemd:/\n8:pids:/run/attacker\n1:cpu,cpuacct:/run/attacker\n0::/run/attacker\n";
        assert_eq!(foreign_group(text, &hybrid(), "/run/attacker"), None);
    }

    #[test]
    fn one_hierarchy_is_enough_to_have_escaped() {
        let text = "8:pids:/\n1:cpu,cpuacct:/run/attacker\n0::/run/attacker\n";
        let found = foreign_group(text, &hybrid(), "/run/attacker");
        assert_eq!(found.as_deref(), Some("/ (pids)"));
        let text = "8:pids:/run/attacker\n0::/run/attacker2\n";
        let found = foreign_group(text, &hybrid(), "/run/attacker");
        assert_eq!(found.as_deref(), Some("/run/attacker2 (the unified hierarchy)"));
    }

    #[test]
    fn groups_below_and_other_hierarchies_do_not_count() {
        let text = "7:blkio:/\n8:pids:/run/attacker/deep\n";
        assert_eq!(foreign_group(text, &hybrid(), "/run/attacker"), None);
    }

    #[test]
    fn who_is_listed_in_every_hierarchy_is_inside_and_nobody_where_a_list_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let list = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let mut lookout = Lookout {
            pid_namespace: None,
            ids: None,
            controllers: Vec::new(),
            group: String::new(),
            lists: vec![list("pids", "1\n2\n30\n"), list("memory", "2\n30\n4\n")],
            looked: None,
        };
        assert_eq!(lookout.inside(), [2, 30]);
        lookout.lists.push(folder.path().join("none"));
        assert!(lookout.inside().is_empty());
    }

    #[test]
    fn the_dying_and_the_dead_have_not_escaped() {
        assert!(is_alive("12 (a) b) S 1 1 1 0 -1 4194304 0 0"));
        assert!(!is_alive("12 (x) Z 1 1 1 0 -1 4194304 0 0"));
        assert!(!is_alive("12 (x) R 1 1 1 0 -1 4194308 0 0"));
        assert!(!is_alive("garbage"));
    }
}
