//! What did not come back after a case.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::cgroup::Hierarchies;
use crate::node::node_group;
use crate::sandbox::{IdRange, can_be_ours};

/// What is still there after a case of the run with this directory: processes with the sandboxes' user IDs, directories of the node, and its disk.
#[must_use]
pub fn left(hierarchies: &Hierarchies, run_id: &str, directory: &Path) -> Vec<String> {
    let ranges = IdRange::of_run(run_id);
    let mut left: Vec<String> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
                && entry
                    .metadata()
                    .is_ok_and(|metadata| ranges.iter().any(|range| range.contains(metadata.uid())))
                && can_be_ours(&entry.path())
        })
        .map(|entry| format!("process {}", entry.file_name().to_string_lossy()))
        .collect();
    left.extend(super::disk::left(directory));
    let run_name = directory.file_name().unwrap_or_default().to_string_lossy();
    let group = node_group(hierarchies.clone(), &run_name);
    left.extend(
        group
            .directories()
            .filter(|path| path.exists())
            .map(|path| format!("cgroup {}", path.display())),
    );
    left
}
