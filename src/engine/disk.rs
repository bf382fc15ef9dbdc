//! The node's disk of a case: what it is to be, who is told of it before it is made, and what is left of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::specs::ids_of;
use super::{EngineError, Entry, Ledger};
use crate::guardian::Undo;
use crate::node::{DiskError, DiskPlan, can_format, image_of, mount_of};
use crate::scenario::{Config, units};
use crate::sys::loop_device;

impl From<DiskError> for EngineError {
    fn from(error: DiskError) -> Self {
        Self::file(error.action, error.path, error.source)
    }
}

/// What the node's disk is to be in a run of this ID, whose things are in `directory`; `None` for a node without one.
///
/// # Errors
/// More sandboxes than a run has IDs.
pub fn plan_of(
    config: &Config,
    run_id: &str,
    directory: &Path,
) -> Result<Option<DiskPlan>, EngineError> {
    let Some(bytes) = config.node.disk_bytes else { return Ok(None) };
    let parent = directory.parent().unwrap_or(directory);
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let owner = |index: usize| Ok::<_, EngineError>(ids_of(config, index, run_id)?.workload());
    Ok(Some(DiskPlan {
        bytes,
        image: image_of(parent, &name, bytes),
        mount: mount_of(directory),
        owners: config
            .sandboxes
            .iter()
            .enumerate()
            .map(|(index, sandbox)| Ok((sandbox.name.clone(), owner(index)?)))
            .collect::<Result<_, EngineError>>()?,
    }))
}

/// Writes down what will be made.
///
/// # Errors
/// The ledger cannot be written.
pub fn foretell(plan: &DiskPlan, ledger: &mut Ledger) -> Result<Vec<Undo>, EngineError> {
    ledger.note(Entry::Image(plan.image.clone()))?;
    ledger.note(Entry::Mount(plan.mount.clone()))?;
    Ok(vec![
        Undo::File { path: plan.image.clone() },
        Undo::Directory { path: plan.mount.clone() },
        Undo::Mount { path: plan.mount.clone() },
    ])
}

/// What the machine must have for a node's disk.
///
/// # Errors
/// [`EngineError::Unable`], with the remedy.
pub fn can_be_had(config: &Config) -> Result<(), EngineError> {
    let Some(bytes) = config.node.disk_bytes else { return Ok(()) };
    let lack = |what: &str, remedy: &str| {
        Err(EngineError::Unable(format!(
            "the node is to have a disk of {}, but {what}; remedy: {remedy}",
            units::format_bytes(bytes)
        )))
    };
    if !Path::new(loop_device::CONTROL).exists() {
        return lack(
            &format!("there are no loop devices here ({} is absent)", loop_device::CONTROL),
            "`modprobe loop`; in a container, run it with `--privileged`",
        );
    }
    if !can_format(bytes) {
        return lack("there is no mkfs.ext4 here", "`apt-get install e2fsprogs`");
    }
    Ok(())
}

/// Loop devices whose file bears this name, each with the path of the file.
#[must_use]
pub fn loop_devices_of(name: &str) -> Vec<(u32, PathBuf)> {
    let number = |entry: &fs::DirEntry| {
        entry.file_name().to_string_lossy().strip_prefix("loop")?.parse::<u32>().ok()
    };
    fs::read_dir("/sys/block")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = number(&entry)?;
            let file = fs::read_to_string(entry.path().join("loop/backing_file")).ok()?;
            // A file that was removed has ` (deleted)` behind its name.
            let file = file.trim_end().trim_end_matches(" (deleted)");
            file.contains(name).then(|| (number, PathBuf::from(file)))
        })
        .collect()
}

/// What is left of the disk of a run with this name.
#[must_use]
pub fn left(directory: &Path) -> Vec<String> {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let mount = mount_of(directory);
    let mut left: Vec<String> =
        mount.exists().then(|| format!("mount point {}", mount.display())).into_iter().collect();
    left.extend(loop_devices_of(&name).into_iter().map(|(number, _)| format!("loop{number}")));
    left
}
