//! What is the same for all processes of an inspection: the namespaces of the process that looks, the cgroup hierarchies as it sees them, the CPUs.

use std::collections::BTreeMap;
use std::fs;

use super::super::{CgroupMounts, Cpus, Roots};
use super::namespace_link;
use crate::scenario::NamespaceKind;

/// Read once, before the first process.
#[derive(Debug)]
pub struct Surroundings {
    /// The namespaces of the caller; `None` for kinds that the kernel does not have.
    pub namespaces: BTreeMap<NamespaceKind, Option<u64>>,
    /// Where the hierarchies are mounted, or why that is not known.
    pub mounts: Result<CgroupMounts, String>,
    /// The machine's CPUs; empty where they are not known.
    pub online: Vec<u32>,
}

impl Surroundings {
    /// Reads all of it.
    #[must_use]
    pub fn read(roots: &Roots) -> Self {
        let own = |kind: NamespaceKind| {
            let link = fs::read_link(roots.proc.join("self/ns").join(kind.name())).ok()?;
            namespace_link::parse(kind, &link.to_string_lossy())
        };
        Self {
            namespaces: NamespaceKind::ALL.into_iter().map(|kind| (kind, own(kind))).collect(),
            mounts: CgroupMounts::read(roots).map_err(|error| error.to_string()),
            online: Cpus::read(roots).map(|cpus| cpus.online).unwrap_or_default(),
        }
    }
}
