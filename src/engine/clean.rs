//! The janitor: removes what a dead run left, and never what a live one owns.
//!
//! A run is alive while it holds the lock in its directory; the kernel lets go of the lock when the process ends, however
//! it ends.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, umount2};
use nix::unistd::Uid;
use serde::Serialize;

use super::disk::loop_devices_of;
use super::leaf;
use super::run_directory::{LOCK, PREFIX};
use super::strays::Stray;
use super::sysctl_values::put_back_for_the_dead;
use super::{Entry, Ledger};
use crate::announce::Unheard;
use crate::cgroup::{Group, Hierarchies, Hierarchy};
use crate::sys::loop_device::detach;

const KILL_LIMIT: Duration = Duration::from_secs(10);
/// A run's directory is hidden for less than a millisecond before it gets its name.
const BEGINNING_LIMIT: Duration = Duration::from_secs(10);

/// What the janitor did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// Runs that are alive and were left alone, by ID.
    pub alive: Vec<String>,
    /// What was removed, each as a printable path.
    pub removed: Vec<String>,
    /// What could not be removed, each with the reason.
    pub failures: Vec<String>,
}

/// Removes what dead runs left below `parent` and in the hierarchies. With `dry`, only tells what is there.
#[must_use]
pub fn clean(parent: &Path, hierarchies: &Hierarchies, dry: bool) -> Cleaned {
    let mut cleaned = Cleaned::default();
    let mut known = Vec::new();
    for directory in abandoned_beginnings(parent) {
        cleaned.done(&directory, dry, |path| fs::remove_dir_all(path).map_err(|e| e.to_string()));
    }
    for directory in named_directories(parent, Uid::effective()) {
        let run_id = run_id_of(&directory);
        known.push(run_id.clone());
        match take_lock(&directory) {
            Some(lock) => {
                cleaned.dead_run(&directory, hierarchies, dry);
                drop(lock);
            }
            None => cleaned.alive.push(run_id),
        }
    }
    // A cgroup of ours without a run's directory: the directory went first, or was removed by hand.
    for hierarchy in &hierarchies.0 {
        for directory in named_directories(&hierarchy.root, Uid::effective()) {
            if !known.contains(&run_id_of(&directory)) {
                cleaned.orphan(&directory, dry);
            }
        }
    }
    cleaned
}

impl Cleaned {
    fn dead_run(&mut self, directory: &Path, hierarchies: &Hierarchies, dry: bool) {
        let before = self.failures.len();
        let (mut groups, mut images): (Vec<PathBuf>, Vec<PathBuf>) = (Vec::new(), Vec::new());
        let mut strays: Vec<Stray> = Vec::new();
        let mut subtrees: Vec<(PathBuf, Vec<String>)> = Vec::new();
        for entry in Ledger::read(directory).into_iter().rev() {
            match entry {
                Entry::Cgroup(path) => groups.push(path),
                Entry::Controllers { cgroup, before } => subtrees.push((cgroup, before)),
                Entry::Mount(path) => self.unmount(&path, dry),
                Entry::Image(path) => images.push(path),
                Entry::Process(role) => {
                    strays.push(Stray::Role { role, run_id: run_id_of(directory) });
                }
                Entry::Users { first, count } => strays.push(Stray::Users { first, count }),
                Entry::Sysctl { name, before, written } => {
                    self.sysctl((&name, &before, &written), dry)
                }
                // They end with processes, and go with the run's directory.
                Entry::Namespaces { .. } | Entry::Directory(_) | Entry::File(_) => {}
            }
        }
        let name = directory.file_name().unwrap_or_default();
        groups.extend(hierarchies.0.iter().map(|hierarchy| hierarchy.root.join(name)));
        groups.sort();
        groups.dedup();
        for path in groups {
            // The ledger is a file that others might have written: only names of ours are ever touched.
            if is_named(&path) && path.exists() {
                self.group(&path, dry);
            }
        }
        for (cgroup, before) in subtrees {
            self.controllers(&cgroup, &before, dry);
        }
        for stray in strays {
            self.strays(&stray, dry);
        }
        if !dry {
            contain_test_workloads::remove_planted(&run_id_of(directory));
        }
        self.disks(directory, &images, dry);
        // The ledger stays for another try when something else did.
        if self.failures.len() == before {
            self.done(directory, dry, |path| fs::remove_dir_all(path).map_err(|e| e.to_string()));
        }
    }

    /// Detaches loop devices of the run's images, and removes those that lie elsewhere than in its directory.
    fn disks(&mut self, directory: &Path, images: &[PathBuf], dry: bool) {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let is_ours = |path: &Path| {
            path.starts_with(directory)
                || path.file_name().is_some_and(|file| *file == *format!("{name}.img"))
        };
        for (number, file) in loop_devices_of(&name) {
            if is_ours(&file) {
                let device = PathBuf::from(format!("/dev/loop{number}"));
                self.done(&device, dry, |_| match detach(number) {
                    // The kernel has done it by itself meanwhile.
                    Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => Ok(()),
                    result => result.map_err(|error| error.to_string()),
                });
            }
        }
        for image in images {
            if is_ours(image) && !image.starts_with(directory) && image.is_file() {
                self.done(image, dry, |path| fs::remove_file(path).map_err(|e| e.to_string()));
            }
        }
    }

    /// A group whose run cannot be found may belong to a run in another container, whose directory is not to be seen from
    /// here: it is removed only when it is empty.
    fn orphan(&mut self, path: &Path, dry: bool) {
        let occupied = tree(path).iter().any(|group| !single(group).processes().is_empty());
        if occupied {
            self.failures.push(format!(
                "{}: processes run in it and its run is not known here: left alone",
                path.display()
            ));
        } else {
            self.group(path, dry);
        }
    }

    /// Kills processes that no cgroup of the run held.
    fn strays(&mut self, stray: &Stray, dry: bool) {
        let found = stray.found().len();
        if found == 0 {
            return;
        }
        let what = match stray {
            Stray::Users { first, .. } => {
                format!("{found} processes with user IDs from {first} on")
            }
            Stray::Role { role, .. } => format!("{found} processes in the role {role}"),
        };
        match if dry { 0 } else { stray.kill(KILL_LIMIT) } {
            0 => self.removed.push(what),
            left => self.failures.push(format!("{what}: {left} would not die")),
        }
    }

    /// Puts a value of the kernel back.
    fn sysctl(&mut self, (name, before, written): (&str, &str, &str), dry: bool) {
        match if dry { Ok(false) } else { put_back_for_the_dead(name, before, written) } {
            Ok(true) => {
                self.removed.push(format!("the value {written} of {name}: it is {before} again"))
            }
            Ok(false) => {}
            Err(error) => self.failures.push(error),
        }
    }

    /// Takes back what a run enabled in a cgroup, unless something is in there that may use it.
    fn controllers(&mut self, cgroup: &Path, before: &[String], dry: bool) {
        let file = cgroup.join("cgroup.subtree_control");
        if dry || !file.is_file() || tree(cgroup).len() > 1 {
            return;
        }
        if let Err(error) = leaf::put_back_controllers(cgroup, before) {
            self.failures.push(format!("{}: {error}", file.display()));
        }
    }

    fn unmount(&mut self, path: &Path, dry: bool) {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let text = path.to_string_lossy();
        let mounted = mounts.lines().any(|line| line.split(' ').nth(4) == Some(&*text));
        if mounted && path.parent().is_some_and(is_named) {
            self.done(path, dry, |path| {
                umount2(path, MntFlags::MNT_DETACH).map_err(|errno| errno.to_string())
            });
        }
    }

    /// Kills and removes a group's directory with everything below it.
    fn group(&mut self, path: &Path, dry: bool) {
        self.done(path, dry, |path| {
            for child in tree(path) {
                let group = single(&child);
                group.kill(KILL_LIMIT, &mut Unheard).map_err(|error| error.to_string())?;
                group.remove(&mut Unheard).map_err(|error| error.to_string())?;
            }
            Ok(())
        });
    }

    fn done(&mut self, path: &Path, dry: bool, act: impl FnOnce(&Path) -> Result<(), String>) {
        let result = if dry { Ok(()) } else { act(path) };
        match result {
            Ok(()) => self.removed.push(path.display().to_string()),
            Err(error) => self.failures.push(format!("{}: {error}", path.display())),
        }
    }
}

/// A group's directory and those of its pods and sandboxes, the deeper ones first.
fn tree(path: &Path) -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        // A link could lead anywhere.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .flat_map(|entry| tree(&entry.path()))
        .collect();
    list.push(path.to_owned());
    list
}

/// A group of one directory, whatever its hierarchy.
fn single(path: &Path) -> Group {
    let root = path.parent().unwrap_or(path).to_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = crate::cgroup::Version::V2;
    let hierarchy = Hierarchy { version, controllers: Vec::new(), root, group: String::new() };
    Group::top(Hierarchies(vec![hierarchy]), &name)
}

/// In a folder that all users share somebody else's runs are somebody else's.
fn named_directories(parent: &Path, owner: Uid) -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_named(path) && path.is_dir() && is_of(path, owner))
        .collect();
    list.sort();
    list
}

/// Directories of runs that ended before they had their name: still hidden, and old enough for no run to be at it.
fn abandoned_beginnings(parent: &Path) -> Vec<PathBuf> {
    let is_old = |path: &Path| {
        let made = fs::metadata(path).and_then(|metadata| metadata.modified());
        made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > BEGINNING_LIMIT))
    };
    let hidden = format!(".{PREFIX}");
    fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&hidden))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && is_of(path, Uid::effective()) && is_old(path))
        .collect()
}

fn is_of(path: &Path, owner: Uid) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.uid() == owner.as_raw())
}

fn is_named(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
}

fn run_id_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    name.strip_suffix(leaf::SUFFIX).unwrap_or(name).to_owned()
}

/// The lock of a run that is dead; `None` while the run holds it.
fn take_lock(directory: &Path) -> Option<Option<Flock<fs::File>>> {
    let Ok(file) = fs::File::open(directory.join(LOCK)) else { return Some(None) };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_run_is_left_alone_and_a_dead_one_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let live = parent.path().join("contain-test-live");
        let dead = parent.path().join("contain-test-dead");
        let stranger = parent.path().join("something-else");
        for directory in [&live, &dead, &stranger] {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join(LOCK), "").unwrap();
        }
        let file = fs::File::open(live.join(LOCK)).unwrap();
        let held = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        let none = Hierarchies::default();

        let seen = clean(parent.path(), &none, true);
        assert_eq!(seen.removed, [dead.display().to_string()]);
        assert!(dead.exists(), "a dry look removes nothing");

        let cleaned = clean(parent.path(), &none, false);
        assert_eq!(cleaned.alive, ["live"]);
        assert_eq!(cleaned.removed, [dead.display().to_string()]);
        assert!(live.exists() && stranger.exists() && !dead.exists());
        assert!(
            clean(parent.path(), &none, false).removed.is_empty(),
            "a second time there is nothing"
        );
        drop(held);
    }

    #[test]
    fn what_died_before_it_had_a_name_is_removed_once_it_is_old() {
        let parent = tempfile::tempdir().unwrap();
        let (old, new) =
            (parent.path().join(".contain-test-1"), parent.path().join(".contain-test-2"));
        for directory in [&old, &new] {
            fs::create_dir(directory).unwrap();
        }
        let long_ago = std::time::SystemTime::now() - 2 * BEGINNING_LIMIT;
        fs::File::open(&old).unwrap().set_modified(long_ago).unwrap();
        let cleaned = clean(parent.path(), &Hierarchies::default(), false);
        assert_eq!(cleaned.removed, [old.display().to_string()]);
        assert!(new.exists() && !old.exists());
    }

    #[test]
    fn a_directory_of_somebody_else_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let own = parent.path().join("contain-test-1");
        fs::create_dir(&own).unwrap();
        let me = Uid::effective();
        assert_eq!(named_directories(parent.path(), me), [own]);
        let other = Uid::from_raw(me.as_raw() + 1);
        assert!(named_directories(parent.path(), other).is_empty());
    }

    #[test]
    fn what_a_run_enabled_in_a_cgroup_of_others_is_taken_back_once_it_is_empty() {
        let parent = tempfile::tempdir().unwrap();
        let subtree = parent.path().join("subtree");
        let node = subtree.join("somebody");
        fs::create_dir_all(&node).unwrap();
        let control = subtree.join("cgroup.subtree_control");
        fs::write(&control, "cpu pids\n").unwrap();
        let dead = parent.path().join("contain-test-1");
        let before = vec!["pids".to_owned()];
        let again = || {
            fs::create_dir(&dead).unwrap();
            let mut ledger = Ledger::create(&dead).unwrap();
            let entry = Entry::Controllers { cgroup: subtree.clone(), before: before.clone() };
            ledger.note(entry).unwrap();
            assert!(clean(parent.path(), &Hierarchies::default(), false).failures.is_empty());
            fs::read_to_string(&control).unwrap()
        };
        assert_eq!(again(), "cpu pids\n", "somebody may use it");
        fs::remove_dir(&node).unwrap();
        assert_eq!(again(), "-cpu");
    }

    #[test]
    fn the_leaf_of_a_harness_belongs_to_its_run() {
        assert_eq!(run_id_of(Path::new("/x/contain-test-0badcafe.harness")), "0badcafe");
        assert_eq!(run_id_of(Path::new("/x/contain-test-0badcafe")), "0badcafe");
    }

    #[test]
    fn a_ledger_cannot_point_at_what_is_not_ours() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join("contain-test-1");
        let precious = parent.path().join("precious");
        fs::create_dir(&dead).unwrap();
        fs::create_dir(&precious).unwrap();
        let mut ledger = Ledger::create(&dead).unwrap();
        ledger.note(Entry::Cgroup(precious.clone())).unwrap();
        ledger.note(Entry::Mount("/".into())).unwrap();
        let cleaned = clean(parent.path(), &Hierarchies::default(), false);
        assert_eq!(cleaned.removed, [dead.display().to_string()]);
        assert!(precious.exists());
    }
}
