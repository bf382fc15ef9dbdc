//! Killing everything in a group, and being sure of it.
//!
//! With a unified directory one write to `cgroup.kill` reaches every process, forks in flight included. Without one the
//! freezer holds the group still while each process is signalled. A frozen version 1 task does not die, so it must be
//! thawed afterwards.

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
    let freezer = directory.join("freezer.state");
    let frozen = freezer.exists() && freeze(&freezer);
    for pid in file::processes(&directory.join("cgroup.procs")) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    if frozen {
        let _ = file::write(&freezer, "THAWED");
    }
}

/// True when a thaw is due afterwards, whether or not the freeze was complete.
fn freeze(freezer: &Path) -> bool {
    if file::write(freezer, "FROZEN").is_err() {
        return false;
    }
    let begun = Instant::now();
    while begun.elapsed() < FREEZE_LIMIT {
        if file::read(freezer).is_ok_and(|state| state == "FROZEN") {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    true
}
