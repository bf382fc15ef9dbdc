//! One group: a directory of the same name in every hierarchy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{CgroupError, Counters, Hierarchies, Setting, Version, file, kill, spelling};

/// Removal is tried again for this long: the kernel finishes with dead processes a little after their end.
const REMOVE_LIMIT: Duration = Duration::from_secs(5);
const REMOVE_PAUSE: Duration = Duration::from_millis(2);

/// A group of this harness. It is removed by [`Group::remove`]; dropping it removes nothing, the owner above does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    hierarchies: Hierarchies,
    /// Below each hierarchy's root.
    relative: PathBuf,
}

impl Group {
    /// The group of this name at the top of every hierarchy, which need not exist yet.
    #[must_use]
    pub fn top(hierarchies: Hierarchies, name: &str) -> Self {
        Self { hierarchies, relative: PathBuf::from(name) }
    }

    /// The child group of this name, which need not exist yet.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self { hierarchies: self.hierarchies.clone(), relative: self.relative.join(name) }
    }

    /// The hierarchies that it has directories in.
    #[must_use]
    pub const fn hierarchies(&self) -> &Hierarchies {
        &self.hierarchies
    }

    /// The group's directories, one in each hierarchy.
    pub fn directories(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.hierarchies.0.iter().map(|hierarchy| hierarchy.root.join(&self.relative))
    }

    /// Creates the directories, and makes a version 1 cpuset usable by copying its parent's CPUs and memory nodes:
    /// a new one is empty and takes no process.
    ///
    /// # Errors
    /// The directory or file that could not be made or written.
    pub fn create(&self) -> Result<(), CgroupError> {
        for (hierarchy, path) in self.hierarchies.0.iter().zip(self.directories()) {
            fs::create_dir(&path)
                .map_err(|source| CgroupError::Create { path: path.clone(), source })?;
            let is_cpuset = hierarchy.controllers.iter().any(|name| name == "cpuset");
            if is_cpuset && hierarchy.version == Version::V1 {
                let parent = path.parent().unwrap_or(&hierarchy.root);
                for knob in ["cpuset.mems", "cpuset.cpus"] {
                    file::write(&path.join(knob), &file::read(&parent.join(knob))?)?;
                }
            }
        }
        Ok(())
    }

    /// Lets children of this group use the controllers (`cgroup.subtree_control`; nothing to do on version 1).
    ///
    /// # Errors
    /// The file that could not be written; `EBUSY` there means that the group holds processes of its own.
    pub fn delegate(&self, controllers: &[&str]) -> Result<(), CgroupError> {
        let Some((_, hierarchy)) = self.hierarchies.unified() else { return Ok(()) };
        let wanted: Vec<String> = controllers
            .iter()
            .filter(|name| hierarchy.controllers.iter().any(|own| own == *name))
            .map(|name| format!("+{name}"))
            .collect();
        let path = hierarchy.root.join(&self.relative).join("cgroup.subtree_control");
        if wanted.is_empty() {
            return Ok(());
        }
        // What is there already is not written again: at the top this file may belong to somebody else.
        let enabled = file::read(&path)?;
        let is_enabled = |wanted: &String| {
            enabled.split_whitespace().any(|name| Some(name) == wanted.strip_prefix('+'))
        };
        if wanted.iter().all(is_enabled) {
            return Ok(());
        }
        file::write(&path, &wanted.join(" "))
    }

    /// Writes a setting and reads it back. True when it is in force, false when it was skipped because the machine has
    /// neither the file nor swap.
    ///
    /// # Errors
    /// No controller or no such file, a failed write, or a value that does not read back.
    pub fn set(&self, setting: &Setting, has_swap: bool) -> Result<bool, CgroupError> {
        let path = self.path_of(setting)?;
        if setting.only_with_swap && !has_swap && !path.exists() {
            return Ok(false);
        }
        if setting.unified && !path.exists() {
            return Err(CgroupError::NoFile { path });
        }
        file::write(&path, &setting.value)?;
        let seen = file::read(&path)?;
        if spelling::shows(setting, &seen) {
            return Ok(true);
        }
        Err(CgroupError::NotInForce { path, written: setting.value.clone(), seen })
    }

    /// What the kernel shows for a setting now, and whether that is still what was written.
    ///
    /// # Errors
    /// No controller, or a failed read.
    pub fn still_set(&self, setting: &Setting) -> Result<(bool, String), CgroupError> {
        let seen = file::read(&self.path_of(setting)?)?;
        Ok((spelling::shows(setting, &seen), seen))
    }

    /// Pins the group to CPUs, in the kernel's list format.
    ///
    /// # Errors
    /// No controller, a failed write, or a value that does not read back.
    pub fn pin(&self, cpus: &str) -> Result<(), CgroupError> {
        let path = self.file("cpuset", "cpuset.cpus")?;
        file::write(&path, cpus)?;
        let seen = file::read(&path)?;
        if spelling::same_list(cpus, &seen) {
            return Ok(());
        }
        Err(CgroupError::NotInForce { path, written: cpus.to_owned(), seen })
    }

    /// The path of a file in the hierarchy of its controller.
    ///
    /// # Errors
    /// [`CgroupError::NoController`].
    pub fn file(&self, controller: &str, name: &str) -> Result<PathBuf, CgroupError> {
        let (_, hierarchy) = self.hierarchies.with_controller(controller).ok_or_else(|| {
            CgroupError::NoController { controller: controller.to_owned(), knob: name.to_owned() }
        })?;
        Ok(hierarchy.root.join(&self.relative).join(name))
    }

    /// The path of the file that a setting is written to.
    ///
    /// # Errors
    /// [`CgroupError::NoController`], or [`CgroupError::NotUnified`] for a file of version 2 on version 1.
    pub fn path_of(&self, setting: &Setting) -> Result<PathBuf, CgroupError> {
        if setting.unified && self.version_of(&setting.controller) == Version::V1 {
            return Err(CgroupError::NotUnified {
                controller: setting.controller.clone(),
                file: setting.file.clone(),
            });
        }
        self.file(&setting.controller, &setting.file)
    }

    /// The version of the hierarchy that has a controller; version 2 when none has.
    #[must_use]
    pub fn version_of(&self, controller: &str) -> Version {
        self.hierarchies.with_controller(controller).map_or(Version::V2, |(_, home)| home.version)
    }

    /// The `tasks` files of version 1 hierarchies, opened for a process of one thread that joins by writing 0.
    ///
    /// A write to `cgroup.procs` must keep every process of the machine from forking meanwhile, and waits for an RCU
    /// grace period first: milliseconds. A thread that moves itself needs no such lock (`cgroup_procs_write_start` in
    /// kernel/cgroup/cgroup.c, since Linux 5.5).
    ///
    /// # Errors
    /// The file that could not be opened.
    pub fn open_v1_tasks(&self) -> Result<Vec<fs::File>, CgroupError> {
        self.each_of(Version::V1)
            .map(|path| {
                let path = path.join("tasks");
                fs::OpenOptions::new()
                    .write(true)
                    .open(&path)
                    .map_err(|source| CgroupError::Read { path, source })
            })
            .collect()
    }

    /// The directory in the unified hierarchy, opened for `CLONE_INTO_CGROUP`.
    ///
    /// # Errors
    /// The directory that could not be opened.
    pub fn open_unified(&self) -> Result<Option<fs::File>, CgroupError> {
        self.each_of(Version::V2)
            .map(|path| fs::File::open(&path).map_err(|source| CgroupError::Read { path, source }))
            .next()
            .transpose()
    }

    fn each_of(&self, version: Version) -> impl Iterator<Item = PathBuf> + '_ {
        self.hierarchies
            .0
            .iter()
            .filter(move |hierarchy| hierarchy.version == version)
            .map(|hierarchy| hierarchy.root.join(&self.relative))
    }

    /// The group's counters.
    #[must_use]
    pub fn counters(&self) -> Counters<'_> {
        Counters::new(self)
    }

    /// How long its tasks had to wait for `cpu`, `memory` or `io`; `None` without a unified hierarchy or PSI.
    #[must_use]
    pub fn pressure(&self, resource: &str) -> Option<super::Pressure> {
        let path = self.each_of(Version::V2).next()?.join(format!("{resource}.pressure"));
        super::Pressure::parse(&file::read(&path).ok()?)
    }

    /// The group's path below each hierarchy's root, as `/proc/PID/cgroup` shows it to the host.
    #[must_use]
    pub fn relative(&self) -> &Path {
        &self.relative
    }

    /// The processes in any of the group's directories, children not included.
    #[must_use]
    pub fn processes(&self) -> Vec<i32> {
        let mut all: Vec<i32> = self
            .directories()
            .flat_map(|path| file::processes(&path.join("cgroup.procs")))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Kills everything in the group and waits until it is empty.
    ///
    /// # Errors
    /// [`CgroupError::Undying`] when something lives on.
    pub fn kill(&self, limit: Duration) -> Result<(), CgroupError> {
        kill::kill_all(&self.directories().collect::<Vec<_>>(), limit)
    }

    /// Removes the directories; those that are gone already count as removed.
    ///
    /// # Errors
    /// The directory that would not go, after trying for five seconds.
    pub fn remove(&self) -> Result<(), CgroupError> {
        let mut first_error = None;
        for path in self.directories() {
            if let Err(error) = remove_directory(&path) {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}

fn remove_directory(path: &Path) -> Result<(), CgroupError> {
    let begun = Instant::now();
    loop {
        match fs::remove_dir(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error)
                if error.kind() == io::ErrorKind::ResourceBusy
                    && begun.elapsed() < REMOVE_LIMIT =>
            {
                std::thread::sleep(REMOVE_PAUSE);
            }
            Err(source) => return Err(CgroupError::Remove { path: path.to_owned(), source }),
        }
    }
}
