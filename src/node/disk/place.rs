//! Where the node's disk is kept and where it is mounted.

use std::path::{Path, PathBuf};

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::sys::statvfs::statvfs;

/// Folders besides the runtime directory that may have more room; the second is the disk of a guest that has one.
const OTHERS: [&str; 2] = ["/var/tmp", "/disk"];

/// Beside the image as much must stay free, so that a machine that is nearly full is not filled.
const SPARE: u64 = 64 << 20;

/// The file for a disk of this size of a run with this name, which keeps its things in `parent/name`. A tmpfs would keep the disk in memory, so any
/// other place that has room comes first.
#[must_use]
pub fn image_of(parent: &Path, name: &str, bytes: u64) -> PathBuf {
    let own = || parent.join(name).join("disk.img");
    let has_room = |folder: &Path| {
        statvfs(folder).is_ok_and(|status| {
            status.blocks_available().saturating_mul(status.fragment_size()) >= bytes + SPARE
        })
    };
    let in_memory =
        |folder: &Path| statfs(folder).is_ok_and(|status| status.filesystem_type() == TMPFS_MAGIC);
    let others = OTHERS.into_iter().map(Path::new).filter(|folder| folder.is_dir());
    if has_room(parent) && !in_memory(parent) {
        return own();
    }
    let elsewhere = |folder: &Path| folder.join(format!("{name}.img"));
    let roomy: Vec<&Path> = others.filter(|folder| has_room(folder)).collect();
    match roomy.iter().find(|folder| !in_memory(folder)) {
        Some(folder) => elsewhere(folder),
        None if has_room(parent) => own(),
        None => roomy.first().map_or_else(own, |folder| elsewhere(folder)),
    }
}

/// Where the disk of a run is mounted.
#[must_use]
pub fn mount_of(directory: &Path) -> PathBuf {
    directory.join("disk")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_bears_the_runs_name_wherever_it_is() {
        for bytes in [16 << 20, u64::MAX >> 1] {
            let image = image_of(Path::new("/run"), "contain-test-1", bytes);
            assert!(image.to_string_lossy().contains("/contain-test-1"), "{image:?}");
        }
    }
}
