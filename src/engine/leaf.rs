//! The harness's own cgroup in a delegated subtree.
//!
//! A cgroup with processes cannot give controllers to its children (cgroup-v2.rst, "No Internal Process Constraint"), and a run without
//! root begins in the very cgroup that its node is to be a child of. So the harness and its guardian move into a leaf beside the node,
//! and back again at the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::run_directory::PREFIX;
use super::trail::{RUN, Trail};
use super::{EngineError, Entry, RunDirectory};
use crate::announce::{Announce, By, Unheard};
use crate::cgroup::{Hierarchies, Hierarchy};
use crate::guardian::Undo;
use crate::node::CONTROLLERS;

/// What stands behind the run's name in the name of the leaf.
pub const SUFFIX: &str = ".harness";

/// The kernel finishes with moved and dead processes a little after it has said so.
const REMOVE_LIMIT: Duration = Duration::from_secs(5);
const REMOVE_PAUSE: Duration = Duration::from_millis(2);

/// A leaf that the harness is in. Dropping it moves everything back and removes it.
#[derive(Debug)]
pub struct Leaf {
    subtree: PathBuf,
    path: PathBuf,
    /// Controllers that children of the subtree could use before.
    before: Vec<String>,
    /// All that were delegated.
    delegated: Vec<String>,
    gone: bool,
}

impl Leaf {
    fn of(unified: &Hierarchy, run_id: &str) -> Self {
        Self {
            subtree: unified.root.clone(),
            path: unified.root.join(format!("{PREFIX}{run_id}{SUFFIX}")),
            before: enabled(&unified.root),
            delegated: unified.controllers.clone(),
            gone: false,
        }
    }

    /// The steps of [`Leaf::settle`], printable.
    #[must_use]
    pub fn steps(hierarchies: &Hierarchies, run_id: &str) -> Vec<String> {
        let Some((_, unified)) = hierarchies.unified() else { return Vec::new() };
        let mut leaf = Self::of(unified, run_id);
        leaf.gone = true;
        leaf.making().map(|step| format!("{RUN}: {step}")).to_vec()
    }

    /// The steps of [`Leaf::leave`], printable.
    #[must_use]
    pub fn removal_steps(hierarchies: &Hierarchies, run_id: &str) -> Vec<String> {
        let Some((_, unified)) = hierarchies.unified() else { return Vec::new() };
        let mut leaf = Self::of(unified, run_id);
        leaf.gone = true;
        leaf.leaving().map(|step| format!("{RUN}: {step}")).to_vec()
    }

    fn control(&self) -> PathBuf {
        self.subtree.join("cgroup.subtree_control")
    }

    fn making(&self) -> [String; 3] {
        let (leaf, control) = (self.path.display(), self.control());
        [
            format!("create cgroup {leaf}"),
            format!("move the harness and its guardian to {leaf}"),
            format!("enable {} in {}", self.wanted(), control.display()),
        ]
    }

    fn leaving(&self) -> [String; 3] {
        let (leaf, control) = (self.path.display(), self.control());
        [
            format!("put {} back", control.display()),
            format!("move the harness and its guardian back to {}", self.subtree.display()),
            format!("remove cgroup {leaf}"),
        ]
    }

    /// What a node and its disk need, as far as it is there and not enabled yet.
    fn wanted(&self) -> String {
        let needed = CONTROLLERS.into_iter().chain(["io"]);
        let missing = needed.filter(|name| {
            let is_it = |other: &String| other == name;
            self.delegated.iter().any(is_it) && !self.before.iter().any(is_it)
        });
        signed("+", missing)
    }

    /// Tells ledger and guardian, makes the leaf, moves the harness and its guardian into it, and lets other children use the controllers.
    ///
    /// # Errors
    /// The directory or file that failed; what had been done is undone.
    pub fn settle(
        hierarchies: &Hierarchies,
        directory: &mut RunDirectory,
        trail: &mut Trail,
    ) -> Result<Option<Self>, EngineError> {
        let Some((_, unified)) = hierarchies.unified() else { return Ok(None) };
        let leaf = Self::of(unified, &directory.run_id);
        directory.ledger.note(Entry::Controllers {
            cgroup: leaf.subtree.clone(),
            before: leaf.before.clone(),
        })?;
        directory.ledger.note(Entry::Cgroup(leaf.path.clone()))?;
        let mut pids = vec![Pid::this().to_string()];
        if let Some(guardian) = trail.guardian() {
            pids.push(guardian.pid().to_string());
            // Done in reverse: who is the last moves itself out of the leaf.
            let unwanted = leaf.delegated.iter().filter(|name| !leaf.before.contains(name));
            let undo = vec![
                Undo::Cgroup { path: leaf.path.clone() },
                Undo::Write { path: leaf.subtree.join("cgroup.procs"), value: "0".to_owned() },
                Undo::Write {
                    path: leaf.control(),
                    value: signed("-", unwanted.map(String::as_str)),
                },
            ];
            guardian.expect(undo).map_err(|error| {
                EngineError::Failed(format!("the guardian cannot be told of its cgroup: {error}"))
            })?;
        }
        let [create, move_in, enable] = leaf.making();
        let mut step = |step: &str, action, path: &Path, act: &dyn Fn(&Path) -> io::Result<()>| {
            By::new(RUN, trail)
                .before(&step)
                .and_then(|()| act(path))
                .map_err(|source| EngineError::file(action, path, source))
                .map_err(|error| trail.located(error))
        };
        step(&create, "create the cgroup", &leaf.path, &|path| fs::create_dir(path))?;
        // Owned from here on: whatever fails below, it is left again. The kernel takes one process at a time.
        step(&move_in, "write", &leaf.path.join("cgroup.procs"), &|path| {
            pids.iter().try_for_each(|pid| fs::write(path, pid))
        })?;
        let wanted = leaf.wanted();
        step(&enable, "write", &leaf.control(), &|path| match wanted.as_str() {
            "" => Ok(()),
            wanted => fs::write(path, wanted),
        })?;
        Ok(Some(leaf))
    }

    /// Takes the controllers back that were not enabled before, moves everything out of the leaf, and removes it. Safe to call again.
    ///
    /// # Errors
    /// The file or directory that failed.
    pub fn leave(&mut self, to: &mut dyn Announce) -> Result<(), EngineError> {
        if self.gone {
            return Ok(());
        }
        let to = &mut By::new(RUN, to);
        let [put_back, move_out, remove] = self.leaving();
        let at = |action, path: &Path| {
            let path = path.to_owned();
            move |source| EngineError::file(action, path, source)
        };
        let control = self.control();
        to.before(&put_back)
            .and_then(|()| put_back_controllers(&self.subtree, &self.before))
            .map_err(at("write", &control))?;
        let procs = self.subtree.join("cgroup.procs");
        to.before(&move_out).and_then(|()| self.empty(&procs)).map_err(at("write", &procs))?;
        to.before(&remove)
            .and_then(|()| remove_directory(&self.path))
            .map_err(at("remove the cgroup", &self.path))?;
        self.gone = true;
        Ok(())
    }

    fn empty(&self, procs: &Path) -> io::Result<()> {
        let there = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        there.lines().try_for_each(|pid| match fs::write(procs, pid) {
            // It has ended meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            result => result,
        })
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        let _ = self.leave(&mut Unheard);
    }
}

/// Takes from the children of a cgroup the controllers that were not enabled before.
///
/// # Errors
/// `cgroup.subtree_control` that could not be written.
pub fn put_back_controllers(cgroup: &Path, before: &[String]) -> io::Result<()> {
    let now = enabled(cgroup);
    let unwanted = now.iter().filter(|name| !before.contains(name)).map(String::as_str);
    match signed("-", unwanted).as_str() {
        "" => Ok(()),
        unwanted => fs::write(cgroup.join("cgroup.subtree_control"), unwanted),
    }
}

fn enabled(cgroup: &Path) -> Vec<String> {
    let text = fs::read_to_string(cgroup.join("cgroup.subtree_control")).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn signed<'a>(sign: &str, names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("{sign}{name}")).collect::<Vec<_>>().join(" ")
}

fn remove_directory(path: &Path) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error)
                if error.kind() == io::ErrorKind::ResourceBusy
                    && begun.elapsed() < REMOVE_LIMIT =>
            {
                std::thread::sleep(REMOVE_PAUSE);
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Version;

    /// A folder with the files of a delegated cgroup, in which `memory` is enabled already.
    fn subtree() -> (tempfile::TempDir, Hierarchies) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        fs::write(root.join("cgroup.subtree_control"), "memory\n").unwrap();
        let controllers = ["cpu", "cpuset", "memory", "pids", "misc"].map(str::to_owned).to_vec();
        let group = "/user.slice".to_owned();
        let unified = Hierarchy { version: Version::V2, controllers, root, group };
        (folder, Hierarchies(vec![unified]))
    }

    #[test]
    fn the_steps_name_the_leaf_and_what_is_not_enabled_yet() {
        let (folder, hierarchies) = subtree();
        let root = folder.path().display();
        let steps = Leaf::steps(&hierarchies, "7");
        assert_eq!(steps[0], format!("run: create cgroup {root}/contain-test-7.harness"));
        assert_eq!(
            steps[2],
            format!("run: enable +cpu +cpuset +pids in {root}/cgroup.subtree_control")
        );
        assert_eq!(Leaf::removal_steps(&hierarchies, "7").len(), 3);
        assert!(Leaf::steps(&Hierarchies::default(), "7").is_empty());
    }

    #[test]
    fn only_what_was_not_enabled_before_is_taken_back() {
        let (folder, _) = subtree();
        let control = folder.path().join("cgroup.subtree_control");
        fs::write(&control, "cpu memory pids\n").unwrap();
        put_back_controllers(folder.path(), &["memory".to_owned()]).unwrap();
        assert_eq!(fs::read_to_string(&control).unwrap(), "-cpu -pids");
        fs::write(&control, "memory\n").unwrap();
        put_back_controllers(folder.path(), &["memory".to_owned()]).unwrap();
        assert_eq!(fs::read_to_string(&control).unwrap(), "memory\n", "nothing to write");
    }
}
