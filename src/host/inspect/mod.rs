//! Processes as the kernel shows them: namespaces, cgroups and their limits, users, privileges, mounts, and what they seem to run under.
//!
//! It only reads, and only what is below `/proc` and in the cgroup hierarchies, so that a fixture tree stands in for a machine. What a user
//! may not read of another user's process is a gap with its reason; the rest is shown.

mod error;
mod group_limits;
mod id_map;
mod membership;
mod mount_paths;
mod namespace_link;
mod process;
mod rlimits;
mod runtime;
mod shared;
mod stat;
mod surroundings;

use super::Roots;
use crate::record::{INSPECTION_SCHEMA, INSPECTION_VERSION, Inspection, Tool};

pub use error::InspectError;
use surroundings::Surroundings;

/// Looks at these processes, in their order; what is asked for twice is looked at once.
///
/// # Errors
/// [`InspectError`] for the first process that is not there, ends meanwhile, or whose `stat` or `status` cannot be read.
pub fn inspect(roots: &Roots, pids: &[u32]) -> Result<Inspection, InspectError> {
    let around = Surroundings::read(roots);
    let mut processes = Vec::new();
    for (index, &pid) in pids.iter().enumerate() {
        if !pids[..index].contains(&pid) {
            processes.push(process::look_at(roots, pid, &around, &mut || {})?);
        }
    }
    Ok(Inspection {
        schema: INSPECTION_SCHEMA.to_owned(),
        schema_version: INSPECTION_VERSION,
        tool: Tool {
            name: "contain-test".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        shared: shared::of(&processes),
        processes,
    })
}
