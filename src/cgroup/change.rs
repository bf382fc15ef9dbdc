//! What is done to a group: made, limited, emptied, removed. Each change is announced before it is made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{CgroupError, Group, GroupStep, Setting, Version, file, kill, spelling};
use crate::announce::Announce;

/// Removal is tried again for this long: the kernel finishes with dead processes a little after their end.
const REMOVE_LIMIT: Duration = Duration::from_secs(5);
const REMOVE_PAUSE: Duration = Duration::from_millis(2);

impl Group {
    /// The steps of [`Group::create`].
    #[must_use]
    pub fn create_steps(&self) -> Vec<GroupStep> {
        let mut steps = Vec::new();
        for (hierarchy, path) in self.hierarchies.0.iter().zip(self.directories()) {
            steps.push(GroupStep::Create { path: path.clone() });
            let is_cpuset = hierarchy.controllers.iter().any(|name| name == "cpuset");
            if is_cpuset && hierarchy.version == Version::V1 {
                let copy = |knob| GroupStep::Inherit { file: path.join(knob) };
                steps.extend(["cpuset.mems", "cpuset.cpus"].map(copy));
            }
        }
        steps
    }

    /// Creates the directories, and makes a version 1 cpuset usable by copying its parent's CPUs and memory nodes:
    /// a new one is empty and takes no process.
    ///
    /// # Errors
    /// The directory or file that could not be made or written.
    pub fn create(&self, to: &mut dyn Announce) -> Result<(), CgroupError> {
        for step in self.create_steps() {
            match &step {
                GroupStep::Create { path } => {
                    to.before(&step)
                        .and_then(|()| fs::create_dir(path))
                        .map_err(|source| CgroupError::Create { path: path.clone(), source })?;
                }
                GroupStep::Inherit { file } => {
                    let value = file::read(&of_parent(file))?;
                    announced_write(file, &value, &step, to)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The step of [`Group::delegate`]; `None` where there is nothing to do.
    #[must_use]
    pub fn delegate_step(&self, controllers: &[&str]) -> Option<GroupStep> {
        let (_, hierarchy) = self.hierarchies.unified()?;
        let file = hierarchy.root.join(&self.relative).join("cgroup.subtree_control");
        // What is there already is not written again: at the top this file may belong to somebody else.
        let enabled = file::read(&file).unwrap_or_default();
        let wanted: Vec<String> = controllers
            .iter()
            .filter(|name| hierarchy.controllers.iter().any(|own| own == *name))
            .filter(|name| !enabled.split_whitespace().any(|enabled| enabled == **name))
            .map(|name| format!("+{name}"))
            .collect();
        (!wanted.is_empty()).then(|| GroupStep::Enable { file, value: wanted.join(" ") })
    }

    /// Lets children of this group use the controllers (`cgroup.subtree_control`; nothing to do on version 1).
    ///
    /// # Errors
    /// The file that could not be written; `EBUSY` there means that the group holds processes of its own.
    pub fn delegate(&self, controllers: &[&str], to: &mut dyn Announce) -> Result<(), CgroupError> {
        let step = self.delegate_step(controllers);
        let Some(step @ GroupStep::Enable { file, value }) = &step else { return Ok(()) };
        announced_write(file, value, step, to)
    }

    /// The step of [`Group::set`] and [`Group::pin`].
    #[must_use]
    pub fn set_step(&self, setting: &Setting) -> GroupStep {
        // Where no hierarchy has it the file's name must do: setting it will say so.
        let file = self.path_of(setting).unwrap_or_else(|_| PathBuf::from(&setting.file));
        GroupStep::Set { file, value: setting.value.clone() }
    }

    /// Writes a setting and reads it back. True when it is in force, false when it was skipped because the machine has
    /// neither the file nor swap.
    ///
    /// # Errors
    /// No controller or no such file, a failed write, or a value that does not read back.
    pub fn set(
        &self,
        setting: &Setting,
        has_swap: bool,
        to: &mut dyn Announce,
    ) -> Result<bool, CgroupError> {
        let path = self.path_of(setting)?;
        if setting.only_with_swap && !has_swap && !path.exists() {
            return Ok(false);
        }
        // Shares of a disk are a matter of how the kernel was built.
        let may_lack = setting.unified || setting.is_io();
        if may_lack && !path.exists() {
            return Err(CgroupError::NoFile { path });
        }
        announced_write(&path, &setting.value, &self.set_step(setting), to)?;
        let seen = file::read(&path)?;
        if spelling::shows(setting, &seen) {
            return Ok(true);
        }
        Err(CgroupError::NotInForce { path, written: setting.value.clone(), seen })
    }

    /// Writes a setting without reading it back.
    ///
    /// # Errors
    /// No controller, or a failed write.
    pub fn write(&self, setting: &Setting, to: &mut dyn Announce) -> Result<(), CgroupError> {
        announced_write(&self.path_of(setting)?, &setting.value, &self.set_step(setting), to)
    }

    /// Pins the group to CPUs, in the kernel's list format.
    ///
    /// # Errors
    /// No controller, a failed write, or a value that does not read back.
    pub fn pin(&self, cpus: &str, to: &mut dyn Announce) -> Result<(), CgroupError> {
        let setting = Setting::cpuset(cpus);
        let path = self.path_of(&setting)?;
        announced_write(&path, cpus, &self.set_step(&setting), to)?;
        let seen = file::read(&path)?;
        if spelling::same_list(cpus, &seen) {
            return Ok(());
        }
        Err(CgroupError::NotInForce { path, written: cpus.to_owned(), seen })
    }

    /// The steps that empty and remove the group.
    #[must_use]
    pub fn removal_steps(&self) -> Vec<GroupStep> {
        let mut steps = vec![self.kill_step()];
        steps.extend(self.directories().map(|path| GroupStep::Remove { path }));
        steps
    }

    fn kill_step(&self) -> GroupStep {
        GroupStep::Kill { group: Path::new("/").join(&self.relative) }
    }

    /// Kills everything in the group and waits until it is empty.
    ///
    /// # Errors
    /// [`CgroupError::Undying`] when something lives on.
    pub fn kill(&self, limit: Duration, to: &mut dyn Announce) -> Result<(), CgroupError> {
        let directories: Vec<PathBuf> = self.directories().collect();
        to.before(&self.kill_step()).map_err(|source| CgroupError::Kill {
            path: Path::new("/").join(&self.relative),
            source,
        })?;
        kill::kill_all(&directories, limit)
    }

    /// Removes the directories; those that are gone already count as removed.
    ///
    /// # Errors
    /// The first directory that would not go, after trying for five seconds; the others are removed all the same.
    pub fn remove(&self, to: &mut dyn Announce) -> Result<(), CgroupError> {
        let mut first_error = None;
        for path in self.directories() {
            let step = GroupStep::Remove { path: path.clone() };
            let removed = to
                .before(&step)
                .map_err(|source| CgroupError::Remove { path: path.clone(), source })
                .and_then(|()| remove_directory(&path));
            if let Err(error) = removed {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}

/// The same file of the parent group.
fn of_parent(file: &Path) -> PathBuf {
    let directory = file.parent().unwrap_or(file);
    directory.parent().unwrap_or(directory).join(file.file_name().unwrap_or_default())
}

fn announced_write(
    path: &Path,
    value: &str,
    step: &GroupStep,
    to: &mut dyn Announce,
) -> Result<(), CgroupError> {
    to.before(step).map_err(|source| CgroupError::Write {
        path: path.to_owned(),
        value: value.to_owned(),
        source,
    })?;
    file::write(path, value)
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
