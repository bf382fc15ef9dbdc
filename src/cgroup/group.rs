//! One group: a directory of the same name in every hierarchy.

use std::fs;
use std::path::{Path, PathBuf};

use super::{CgroupError, Counters, Hierarchies, Setting, Version, file, spelling};

/// A group of this harness. What is done to it is in `change.rs`; dropping it removes nothing, the owner above does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) hierarchies: Hierarchies,
    /// Below each hierarchy's root.
    pub(super) relative: PathBuf,
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

    /// What the kernel shows for a setting now, and whether that is still what was written.
    ///
    /// # Errors
    /// No controller, or a failed read.
    pub fn still_set(&self, setting: &Setting) -> Result<(bool, String), CgroupError> {
        let seen = file::read(&self.path_of(setting)?)?;
        Ok((spelling::shows(setting, &seen), seen))
    }

    /// Which of these settings are no longer what was written: the file, and what it reads now or why it cannot be read.
    #[must_use]
    pub fn changed(&self, settings: &[Setting]) -> Vec<(String, String)> {
        let finding = |setting: &Setting| match self.still_set(setting) {
            Ok((true, _)) => None,
            Ok((false, seen)) => {
                Some(format!("{} reads {seen} though {} was written", setting.file, setting.value))
            }
            Err(error) => Some(error.to_string()),
        };
        settings.iter().filter_map(|it| Some((it.file.clone(), finding(it)?))).collect()
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

    /// The group's path below each hierarchy's root.
    #[must_use]
    pub fn relative(&self) -> &Path {
        &self.relative
    }

    /// The group as `/proc/PID/cgroup` names it to the host.
    #[must_use]
    pub fn name(&self) -> String {
        let above = self.hierarchies.unified().map_or("", |(_, unified)| unified.group.as_str());
        format!("{above}/{}", self.relative.display())
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
}
