//! Killing everything in a group, and being sure of it.
//!
//! With a unified directory one write to `cgroup.kill` (Linux 5.14) reaches every process, forks in flight included.
//! Without one the freezer holds the group still while each process is signalled. A frozen version 1 task does not die,
//! so it must be thawed afterwards; thawing a version 2 group does no harm.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{CgroupError, file};

const PAUSE: Duration = Duration::from_millis(1);
const FREEZE_LIMIT: Duration = Duration::from_millis(500);

/// Kills all processes in these directories of one group (not in their children), until `limit`.
pub fn kill_all(directories: &[PathBuf], limit: Duration) -> Result<(), CgroupError> {
    let begun = Instant::now();
    loop {
        let Some((path, count)) = occupied(directories) else { return Ok(()) };
        if begun.elapsed() > limit {
            return Err(CgroupError::Undying { path, count, seconds: limit.as_secs() });
        }
        for directory in directories {
            kill_once(directory);
        }
        std::thread::sleep(PAUSE);
    }
}

fn occupied(directories: &[PathBuf]) -> Option<(PathBuf, usize)> {
    directories.iter().find_map(|directory| {
        let count = file::processes(&directory.join("cgroup.procs")).len();
        (count > 0).then(|| (directory.clone(), count))
    })
}

fn kill_once(directory: &Path) {
    let switch = directory.join("cgroup.kill");
    if switch.exists() && file::write(&switch, "1").is_ok() {
        return;
    }
    let frozen = FREEZERS.iter().find(|freezer| freezer.freeze(directory));
    for pid in file::processes(&directory.join("cgroup.procs")) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    if let Some(freezer) = frozen {
        let _ = file::write(&directory.join(freezer.file), freezer.thaw);
    }
}

/// How a group of one version is held still.
struct Freezer {
    file: &'static str,
    freeze: &'static str,
    thaw: &'static str,
    state_file: &'static str,
    frozen: &'static str,
}

const FREEZERS: [Freezer; 2] = [
    Freezer {
        file: "freezer.state",
        freeze: "FROZEN",
        thaw: "THAWED",
        state_file: "freezer.state",
        frozen: "FROZEN",
    },
    Freezer {
        file: "cgroup.freeze",
        freeze: "1",
        thaw: "0",
        state_file: "cgroup.events",
        frozen: "frozen 1",
    },
];

impl Freezer {
    /// True when a thaw is due afterwards, whether or not the freeze was complete.
    fn freeze(&self, directory: &Path) -> bool {
        let switch = directory.join(self.file);
        if !switch.exists() || file::write(&switch, self.freeze).is_err() {
            return false;
        }
        let begun = Instant::now();
        while begun.elapsed() < FREEZE_LIMIT {
            let state = file::read(&directory.join(self.state_file)).unwrap_or_default();
            if state.lines().any(|line| line == self.frozen) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }
}
