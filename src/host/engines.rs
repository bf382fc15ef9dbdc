//! Programs of others that start sandboxes, where this machine has them.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// By the names of their programs. They are looked for and never started.
const PROGRAMS: [&str; 12] = [
    "docker",
    "podman",
    "containerd",
    "runc",
    "crun",
    "youki",
    "runsc",
    "kata-runtime",
    "bwrap",
    "nsjail",
    "systemd-run",
    "systemd-nspawn",
];

/// A program that starts sandboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Engine {
    /// Its name.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// Looks for them in the folders of a search path, such as the variable `PATH`; the first hit of each counts.
#[must_use]
pub fn engines(search_path: &OsStr) -> Vec<Engine> {
    let folders: Vec<PathBuf> =
        std::env::split_paths(search_path).filter(|it| it.is_absolute()).collect();
    let find = |name: &'static str| {
        let path = folders.iter().map(|folder| folder.join(name)).find(|path| is_program(path))?;
        Some(Engine { name, path })
    };
    PROGRAMS.into_iter().filter_map(find).collect()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn programs_are_found_in_the_order_of_the_path_and_other_files_are_not() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let put = |folder: &Path, name: &str, mode: u32| {
            let path = folder.join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        put(first.path(), "runc", 0o755);
        put(first.path(), "crun", 0o644);
        put(second.path(), "runc", 0o755);
        put(second.path(), "docker", 0o755);
        let path =
            std::env::join_paths([first.path(), second.path(), Path::new("relative")]).unwrap();
        let found = engines(&path);
        let names: Vec<&str> = found.iter().map(|engine| engine.name).collect();
        assert_eq!(names, ["docker", "runc"]);
        assert!(found[1].path.starts_with(first.path()));
    }
}
