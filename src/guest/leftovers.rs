//! What is left in a guest when everything should be gone.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::mounts::CGROUPS;

/// Begins the name of everything that a run makes.
const PREFIX: &str = "contain-test-";

/// Processes besides this one, and cgroups, mounts and directories with a run's name.
pub fn leftovers() -> Vec<String> {
    while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive)
    {
    }
    let processes = entries(Path::new("/proc"))
        .filter_map(|path| path.file_name()?.to_str()?.parse::<u32>().ok())
        .filter(|&pid| pid != 1)
        // The kernel's own threads have no command line, nor have the dead.
        .filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty()))
        .count();
    let mut left = Vec::new();
    if processes > 0 {
        left.push(format!("{processes} processes"));
    }
    let cgroups = Path::new(CGROUPS);
    let folders = [Path::new("/run").to_owned(), cgroups.to_owned()];
    let named = folders
        .into_iter()
        .chain(entries(cgroups).filter(|path| path.is_dir()))
        .flat_map(|folder| entries(&folder).filter(|path| is_named(path)).collect::<Vec<_>>());
    left.extend(named.map(|path| path.display().to_string()));
    let mounted = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    left.extend(
        mounted.lines().filter(|line| line.contains(PREFIX)).map(|line| format!("mount {line}")),
    );
    left
}

fn is_named(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}
