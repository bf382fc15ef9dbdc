//! How long a process waited for a CPU: ready to run, and not running.
//!
//! The second number of `/proc/PID/schedstat`, in nanoseconds (Documentation/scheduler/sched-stats.rst). The kernel adds to it
//! when the task gets its CPU, so whoever reads its own has it up to date. A zombie still has its number.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use nix::unistd::Pid;

/// Reads the own wait of the calling process, again and again.
pub struct OwnDelay {
    file: File,
}

impl OwnDelay {
    /// Nothing where the kernel does not tell.
    pub fn open() -> Option<Self> {
        let own = Self { file: File::open("/proc/self/schedstat").ok()? };
        own.read()?;
        Some(own)
    }

    /// Since the process began, in nanoseconds.
    pub fn read(&self) -> Option<u64> {
        let mut text = [0; 96];
        let length = self.file.read_at(&mut text, 0).ok()?;
        second_number(std::str::from_utf8(text.get(..length)?).ok()?)
    }
}

/// The whole wait of a child that has ended and was not reaped yet, in nanoseconds.
pub fn of_child(child: Pid) -> Option<u64> {
    second_number(&fs::read_to_string(format!("/proc/{child}/schedstat")).ok()?)
}

fn second_number(text: &str) -> Option<u64> {
    text.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{self, Fork};
    use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};

    #[test]
    fn the_second_number_is_the_wait() {
        assert_eq!(second_number("123 456 7\n"), Some(456));
        assert_eq!(second_number("123"), None);
        assert_eq!(second_number(""), None);
    }

    #[test]
    fn a_process_and_its_dead_child_can_be_read() {
        let own = OwnDelay::open().expect("a kernel with CONFIG_SCHED_INFO");
        let before = own.read().unwrap();
        let Ok(Fork::Parent(child)) = raw::fork().map(|fork| match fork {
            Fork::Child => raw::exit_now(0),
            parent @ Fork::Parent(_) => parent,
        }) else {
            panic!("no child");
        };
        waitid(Id::Pid(child), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        assert!(of_child(child).is_some());
        waitpid(child, None).unwrap();
        assert!(of_child(child).is_none());
        assert!(own.read().unwrap() >= before);
    }
}
