//! What did not come back after a case.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::cgroup::Hierarchies;
use crate::node::node_group;
use crate::sandbox::IdRange;

/// What is still there after a case: processes with the sandboxes' user IDs, and directories of the node.
#[must_use]
pub fn left(hierarchies: &Hierarchies, run_name: &str) -> Vec<String> {
    let ranges = [IdRange::nth(0), IdRange::nth(1)];
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
        })
        .map(|entry| format!("process {}", entry.file_name().to_string_lossy()))
        .collect();
    let group = node_group(hierarchies.clone(), run_name);
    left.extend(
        group
            .directories()
            .filter(|path| path.exists())
            .map(|path| format!("cgroup {}", path.display())),
    );
    left
}
