//! Processes of a dead run that its cgroups do not hold any more, found by what nobody but this program gives a process: the
//! user IDs of its sandboxes, or a hidden role with the run's ID.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sandbox::IdRange;

const PAUSE: Duration = Duration::from_millis(2);

/// What processes are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stray {
    /// Those with a user ID of this range.
    Users {
        /// The first.
        first: u32,
        /// How many.
        count: u32,
    },
    /// Those whose command line is this program's name, a hidden role and a run's ID.
    Role {
        /// The role, such as `__watcher`.
        role: String,
        /// The run's ID.
        run_id: String,
    },
}

impl Stray {
    /// False for what may be anybody's: a ledger is a file that others might have written.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Users { first, count } => IdRange::all_contain(*first, *count),
            Self::Role { role, run_id } => role.starts_with("__") && !run_id.is_empty(),
        }
    }

    /// The processes that there are, zombies not counted: they hold nothing but their ID.
    #[must_use]
    pub fn found(&self) -> Vec<i32> {
        if !self.is_ours() {
            return Vec::new();
        }
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| self.matches(&Path::new("/proc").join(i32::to_string(pid))))
            .collect()
    }

    fn matches(&self, process: &Path) -> bool {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        if command.is_empty() {
            return false;
        }
        match self {
            Self::Users { first, count } => fs::metadata(process)
                .is_ok_and(|it| it.uid() >= *first && it.uid() - first < *count),
            Self::Role { role, run_id } => {
                let mut words = command.split(|&byte| byte == 0);
                // The name may come with a path in front.
                words.next().is_some_and(|name| name.ends_with(b"contain-test"))
                    && words.next() == Some(role.as_bytes())
                    && words.next() == Some(run_id.as_bytes())
            }
        }
    }

    /// Kills them until there are none. The number of those that would not die in time.
    #[must_use]
    pub fn kill(&self, limit: Duration) -> usize {
        let begun = Instant::now();
        loop {
            let found = self.found();
            if found.is_empty() || begun.elapsed() > limit {
                return found.len();
            }
            for pid in found {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn only_ids_that_sandboxes_have_are_ever_looked_for() {
        assert!(!Stray::Users { first: 0, count: 1 }.is_ours());
        assert!(!Stray::Users { first: 0x7000_0000, count: u32::MAX }.is_ours());
        assert!(Stray::Users { first: 0x7000_0000, count: 65_536 }.is_ours());
        assert!(Stray::Users { first: 0, count: 1 }.found().is_empty());
    }

    #[test]
    fn a_role_is_known_by_its_command_line() {
        let run_id = format!("test-{}", std::process::id());
        let role = |id: &str| Stray::Role { role: "__watcher".to_owned(), run_id: id.to_owned() };
        let mut child = Command::new("sh")
            .arg0("contain-test")
            .args(["-c", "read x", "__watcher"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        assert!(role(&run_id).found().is_empty(), "another program's words are none of ours");
        child.kill().unwrap();
        child.wait().unwrap();
        // `sleep` takes its first argument for a time, and lives on.
        let mut child = Command::new("sleep").arg0("contain-test").args(["60"]).spawn().unwrap();
        let ours = Stray::Role { role: "60".to_owned(), run_id: String::new() };
        assert!(!ours.is_ours() && ours.found().is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
