//! Values of the whole kernel that a scenario asks for: `sysctls`.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The first parts of names that may be set: what has to do with shared resources.
pub(super) const SUBTREES: [&str; 5] = ["fs", "kernel", "net", "user", "vm"];

/// Sysctls that a scenario sets, by name (`fs.file-max`), while a case runs. They belong to the whole kernel, not to a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Sysctls(pub BTreeMap<String, String>);

impl Sysctls {
    /// True when none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, separated by commas.
    #[must_use]
    pub fn names(&self) -> String {
        self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The kernel's file for a name (sysctl(8)); `None` for what is no name of one.
    #[must_use]
    pub fn path(name: &str) -> Option<PathBuf> {
        let legal = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c))
        };
        let parts: Vec<&str> = name.split('.').collect();
        let is_name = parts.len() > 1
            && name.len() <= 100
            && SUBTREES.contains(&parts[0])
            && parts.iter().all(|part| legal(part));
        is_name.then(|| PathBuf::from("/proc/sys").join(parts.join("/")))
    }

    /// These over those of the top of the file.
    #[must_use]
    pub(super) fn over(&self, below: &Self) -> Self {
        let mut all = below.clone();
        all.0.extend(self.0.clone());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files_and_nothing_leaves_the_tree() {
        let path = Sysctls::path("fs.file-max").unwrap();
        assert_eq!(path, PathBuf::from("/proc/sys/fs/file-max"));
        for bad in ["fs", "fs.", "fs../x", "dev.cdrom", "fs.a/b", "..fs.x", "kernel..x"] {
            assert_eq!(Sysctls::path(bad), None, "{bad}");
        }
    }
}
