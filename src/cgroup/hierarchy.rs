//! Which hierarchies there are, and which one has a controller.

use std::path::PathBuf;

/// The version of a hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// One hierarchy for one or a few controllers.
    V1,
    /// The unified hierarchy.
    V2,
}

/// One mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its version.
    pub version: Version,
    /// The controllers that can be used in it; empty for the unified tree of a hybrid machine.
    pub controllers: Vec<String>,
    /// Where it is mounted, or the subtree of it that this harness may use.
    pub root: PathBuf,
    /// The cgroup at the root, as `/proc/PID/cgroup` names it; empty at the top of the hierarchy.
    pub group: String,
}

/// The hierarchies that groups are made in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchies(pub Vec<Hierarchy>);

impl Hierarchies {
    /// The hierarchy that has this controller.
    #[must_use]
    pub fn with_controller(&self, controller: &str) -> Option<(usize, &Hierarchy)> {
        self.0
            .iter()
            .enumerate()
            .find(|(_, hierarchy)| hierarchy.controllers.iter().any(|name| name == controller))
    }

    /// The unified hierarchy, with or without controllers.
    #[must_use]
    pub fn unified(&self) -> Option<(usize, &Hierarchy)> {
        self.0.iter().enumerate().find(|(_, hierarchy)| hierarchy.version == Version::V2)
    }
}
