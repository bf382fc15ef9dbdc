//! How many tasks there are, and how many the kernel allows.

use super::{HostError, Roots};

/// The machine's tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tasks {
    /// Those that there are, threads counted (`/proc/loadavg`, the second number of its fourth field).
    pub now: u64,
    /// Those that the kernel allows.
    pub most: u64,
    /// The sysctl that says so.
    pub bound: &'static str,
}

impl Tasks {
    /// Reads all of it.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] or [`HostError::Unexpected`].
    pub fn read(roots: &Roots) -> Result<Self, HostError> {
        let loadavg = roots.read_proc("loadavg")?;
        let now = loadavg.split_whitespace().nth(3).and_then(|pair| pair.split_once('/'));
        let now = number("loadavg", now.map_or("", |(_, all)| all))?;
        let pid_max = number("sys/kernel/pid_max", &roots.read_proc("sys/kernel/pid_max")?)?;
        let threads =
            number("sys/kernel/threads-max", &roots.read_proc("sys/kernel/threads-max")?)?;
        Ok(match pid_max <= threads {
            true => Self { now, most: pid_max, bound: "kernel.pid_max" },
            false => Self { now, most: threads, bound: "kernel.threads-max" },
        })
    }
}

fn number(file: &str, text: &str) -> Result<u64, HostError> {
    text.trim().parse().map_err(|_| HostError::Unexpected {
        file: format!("/proc/{file}"),
        value: text.trim().to_owned(),
        expected: "a number",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_room_for_more_tasks() {
        let tasks = Tasks::read(&Roots::default()).unwrap();
        assert!(tasks.now > 0 && tasks.now < tasks.most, "{tasks:?}");
    }
}
