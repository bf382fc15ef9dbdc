//! One directory of a cgroup with its files open, so that what is in it can be killed without opening anything more.

use std::cell::RefCell;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{OFlag, open};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

/// How often it is looked whether the freezer has stopped everything, and how long in between.
const FREEZE_LOOKS: u32 = 50;
const FREEZE_PAUSE: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Debug)]
pub struct Armed {
    /// `cgroup.kill`, from Linux 5.14 on in a unified tree.
    switch: Option<File>,
    /// `freezer.state` of version 1.
    freezer: Option<File>,
    processes: Processes,
}

impl Armed {
    /// Opens the files of a directory that exists.
    ///
    /// # Errors
    /// `cgroup.procs` that cannot be opened.
    pub fn new(directory: &Path) -> Result<Self, String> {
        let open = |name: &str, read: bool| {
            OpenOptions::new().write(true).read(read).open(directory.join(name)).ok()
        };
        Ok(Self {
            switch: open("cgroup.kill", false),
            freezer: open("freezer.state", true),
            processes: Processes::open(&directory.join("cgroup.procs"))?,
        })
    }

    /// Whether no process is in it; a directory that is gone is empty.
    pub fn is_empty(&self) -> bool {
        let mut any = false;
        self.processes.each(|_| any = true);
        !any
    }

    /// Kills what is in it now. Called again until it is empty.
    pub fn kill(&self) {
        if let Some(switch) = &self.switch
            && switch.write_at(b"1", 0).is_ok()
        {
            return;
        }
        // Held still, nothing forks away from its killer. A frozen task of version 1 dies only once it is thawed.
        if let Some(freezer) = &self.freezer {
            let _ = freezer.write_at(b"FROZEN", 0);
            for _ in 0..FREEZE_LOOKS {
                let mut state = [0; 16];
                if freezer.read_at(&mut state, 0).is_ok() && state.starts_with(b"FROZEN") {
                    break;
                }
                std::thread::sleep(FREEZE_PAUSE);
            }
        }
        self.processes.each(|pid| {
            let _ = kill(pid, Signal::SIGKILL);
        });
        if let Some(freezer) = &self.freezer {
            let _ = freezer.write_at(b"THAWED", 0);
        }
    }
}

/// A file of process IDs. On version 1 an open file goes on showing the list that it showed first, for as long as somebody reads it
/// once a second (`cgroup_pidlist_start` of kernel/cgroup/cgroup-v1.c), so it is opened anew for each look; the old descriptor
/// is given back before.
#[derive(Debug)]
struct Processes {
    path: CString,
    file: RefCell<Option<File>>,
}

impl Processes {
    fn open(path: &Path) -> Result<Self, String> {
        let file =
            File::open(path).map_err(|error| format!("cannot open {}: {error}", path.display()))?;
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        Ok(Self { path, file: RefCell::new(Some(file)) })
    }

    /// Calls back for each process that is there now.
    fn each(&self, mut found: impl FnMut(Pid)) {
        let mut held = self.file.borrow_mut();
        *held = None;
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        *held = open(self.path.as_c_str(), flags, Mode::empty()).ok().map(File::from);
        let Some(file) = held.as_ref() else { return };
        let (mut buffer, mut at, mut number) = ([0; 4096], 0, 0_i32);
        while let Ok(count @ 1..) = file.read_at(&mut buffer, at) {
            for byte in buffer.iter().take(count) {
                if byte.is_ascii_digit() {
                    number = number.saturating_mul(10).saturating_add(i32::from(byte - b'0'));
                } else {
                    // 0 would be the own process group, and stands for processes that cannot be seen from here.
                    if number > 0 {
                        found(Pid::from_raw(number));
                    }
                    number = 0;
                }
            }
            at += u64::try_from(count).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn every_process_that_the_file_names_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let sleep = || Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let mut children = [sleep(), sleep()];
        let list: String = children.iter().map(|child| format!("{}\n", child.id())).collect();
        fs::write(folder.path().join("cgroup.procs"), list).unwrap();
        let armed = Armed::new(folder.path()).unwrap();
        assert!(!armed.is_empty());
        armed.kill();
        for child in &mut children {
            assert!(!child.wait().unwrap().success());
        }
        fs::write(folder.path().join("cgroup.procs"), "").unwrap();
        assert!(armed.is_empty());
        fs::remove_file(folder.path().join("cgroup.procs")).unwrap();
        assert!(armed.is_empty(), "what is gone is empty");
    }

    #[test]
    fn the_switch_is_used_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cgroup.procs"), "").unwrap();
        fs::write(folder.path().join("cgroup.kill"), "").unwrap();
        Armed::new(folder.path()).unwrap().kill();
        assert_eq!(fs::read_to_string(folder.path().join("cgroup.kill")).unwrap(), "1");
    }
}
