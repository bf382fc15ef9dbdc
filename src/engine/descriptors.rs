//! The limit on open files of each process: what the attacker's processes have, counted from outside, and whether the limit is
//! still what was set.
//!
//! No cgroup is behind it and no counter of the kernel: `/proc/PID/fd` tells what a process has open, `/proc/PID/limits` what it may
//! have (proc_pid_fd(5), proc_pid_limits(5)), and only who is refused hears of it (EMFILE).

use std::collections::BTreeSet;
use std::fs;

use crate::record::{Attack, Ceiling, CeilingLevel};
use crate::scenario::Resource;

/// The errno of who has as many open files as a process may have (open(2)).
const REFUSAL: &str = "EMFILE";

/// What was seen of the limit so far.
#[derive(Debug)]
pub struct Descriptors {
    limit: u64,
    /// The most that one process had.
    most: u64,
    /// The most that all processes had together, and how many processes those were.
    together: (u64, usize),
    broken: BTreeSet<String>,
    /// Processes whose limit was read.
    known: BTreeSet<i32>,
}

impl Descriptors {
    /// Nothing seen yet of a limit.
    #[must_use]
    pub const fn new(limit: u64) -> Self {
        Self { limit, most: 0, together: (0, 0), broken: BTreeSet::new(), known: BTreeSet::new() }
    }

    /// Looks at these processes. One that ends meanwhile counts for nothing. The limit of each is read when it is new, and later that of the
    /// fullest: whoever has a higher one and does not use it hurts nobody.
    pub fn look(&mut self, processes: &[i32]) {
        let mut together = (0_u64, 0);
        let mut fullest = None;
        let mut limits_of = Vec::new();
        for &pid in processes {
            let Some(open) = open_files(pid) else { continue };
            self.most = self.most.max(open);
            together = (together.0.saturating_add(open), together.1 + 1);
            fullest = fullest.max(Some((open, pid)));
            if self.known.insert(pid) {
                limits_of.push(pid);
            }
        }
        limits_of.extend(fullest.map(|(_, pid)| pid));
        for pid in limits_of {
            let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
            self.broken.extend(changed(&limits, self.limit));
        }
        self.together = self.together.max(together);
    }

    /// The proof, with the refusals that the attacker counted of itself.
    #[must_use]
    pub fn ceiling(&self, attack: &Attack) -> Ceiling {
        let count = attack.refusals.get(REFUSAL).copied().unwrap_or(0);
        let (sum, processes) = self.together;
        let mut note = format!(
            "a limit of each process, not of their sum: {processes} processes had {sum} open files together"
        );
        for finding in &self.broken {
            note = format!("{finding}; {note}");
        }
        Ceiling {
            resource: Resource::Files,
            knob: "RLIMIT_NOFILE".to_owned(),
            limit: self.limit,
            peak: Some(self.most),
            peak_source: "/proc/PID/fd of the fullest process, sampled".to_owned(),
            counter: Some(format!("{REFUSAL}, counted by the attacker")),
            count: Some(count),
            kept: self.most <= self.limit && self.broken.is_empty(),
            // The errno names the level: no other limit on open files is refused with it.
            level: if self.most >= self.limit && count > 0 {
                CeilingLevel::Sandbox
            } else {
                CeilingLevel::Inferred
            },
            node_peak: None,
            note,
        }
    }
}

/// How many files a process has open. Since Linux 6.2 the size of the folder says so (fs/proc/fd.c, `proc_fd_getattr`); before, its
/// entries must be counted.
fn open_files(pid: i32) -> Option<u64> {
    let folder = format!("/proc/{pid}/fd");
    let size = fs::metadata(&folder).ok()?.len();
    if size > 0 {
        return Some(size);
    }
    let entries = fs::read_dir(&folder).ok()?.count();
    u64::try_from(entries).ok()
}

/// What is wrong with the limit that a process has, if anything. A process that has ended has none.
fn changed(limits: &str, wanted: u64) -> Option<String> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut values = line.split_whitespace().take(2);
    let (soft, hard) = (values.next()?, values.next()?);
    let is = |value: &str| value.parse::<u64>() == Ok(wanted);
    (!is(soft) || !is(hard)).then(|| {
        format!("RLIMIT_NOFILE of a process reads {soft} and {hard} though {wanted} was set")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::File;

    use super::*;

    fn own() -> i32 {
        i32::try_from(std::process::id()).expect("a process ID")
    }

    #[test]
    fn open_files_of_a_process_are_counted() {
        let before = open_files(own()).expect("the own process");
        let more: Vec<File> = (0..50).map(|_| File::open("/").expect("a folder")).collect();
        let after = open_files(own()).expect("the own process");
        // Other tests of this program open and close some meanwhile.
        assert!(after > before + 25, "{before}, then {after} with {}", more.len());
        assert_eq!(open_files(i32::MAX), None);
    }

    #[test]
    fn a_limit_is_kept_up_to_itself_and_its_refusals_name_it() {
        let mut seen = Descriptors::new(64);
        let ceiling = |seen: &Descriptors, refused: u64| {
            let refusals = BTreeMap::from([("EMFILE".to_owned(), refused)]);
            seen.ceiling(&Attack { refusals, ..Attack::default() })
        };
        (seen.most, seen.together) = (64, (6_400, 100));
        let held = ceiling(&seen, 9);
        assert_eq!((held.kept, held.level, held.count), (true, CeilingLevel::Sandbox, Some(9)));
        assert!(held.note.contains("100 processes had 6400 open files together"), "{}", held.note);
        assert_eq!(ceiling(&seen, 0).level, CeilingLevel::Inferred);
        seen.most = 65;
        assert!(!ceiling(&seen, 9).kept);
    }

    #[test]
    fn a_limit_that_reads_otherwise_is_a_breach() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            64                   64                   files     \n";
        assert_eq!(changed(limits, 64), None);
        assert!(changed(limits, 32).expect("a finding").contains("reads 64 and 64 though 32"));
        let soft = limits.replacen("64 ", "32 ", 1);
        assert!(changed(&soft, 64).is_some());
        assert_eq!(changed("", 64), None, "it has ended");
        let mut seen = Descriptors::new(1 << 30);
        seen.look(&[own()]);
        let ceiling = seen.ceiling(&Attack::default());
        assert!(!ceiling.kept && ceiling.note.contains("though"), "{}", ceiling.note);
    }
}
