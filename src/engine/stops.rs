//! What stopped an attack on open files: its errno says so, or the kernel's count of kills.

use contain_test_workloads::protocol::Counts;

use crate::record::Stop;

/// All that stopped it at one time or another. `killed` is how many of its processes the OOM killer took.
#[must_use]
pub fn of(counts: &Counts, killed: u64) -> Vec<Stop> {
    let refused = |errno: &str| counts.refusals.get(errno).is_some_and(|&count| count > 0);
    let all = [
        (Stop::Nofile, refused("EMFILE")),
        (Stop::FileMax, refused("ENFILE")),
        // Before it refuses, the kernel makes room by a kill (mm/memcontrol.c, `mem_cgroup_oom`).
        (Stop::Memory, refused("ENOMEM") || killed > 0),
        (Stop::Pids, refused("EAGAIN")),
        (Stop::Dose, counts.at_dose_cap),
    ];
    all.into_iter().filter(|(_, is)| *is).map(|(stop, _)| stop).collect()
}

/// The same of an attack on a disk.
#[must_use]
pub fn of_disk(counts: &Counts) -> Vec<Stop> {
    let full = counts.refusals.get("ENOSPC").is_some_and(|&count| count > 0);
    let all = [(Stop::DiskFull, full), (Stop::Dose, counts.at_dose_cap)];
    all.into_iter().filter(|(_, is)| *is).map(|(stop, _)| stop).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_errno_has_its_limit() {
        let of = |errno: &str, killed| {
            let refusals = BTreeMap::from([(errno.to_owned(), 1)]);
            of(&Counts { refusals, ..Counts::default() }, killed)
        };
        assert_eq!(of("EMFILE", 0), [Stop::Nofile]);
        assert_eq!(of("ENFILE", 0), [Stop::FileMax]);
        assert_eq!(of("ENOMEM", 0), [Stop::Memory]);
        assert_eq!(of("EMFILE", 3), [Stop::Nofile, Stop::Memory]);
        assert_eq!(of("EAGAIN", 0), [Stop::Pids]);
        assert!(super::of(&Counts::default(), 0).is_empty());
        let full = Counts { at_dose_cap: true, ..Counts::default() };
        assert_eq!(super::of(&full, 0), [Stop::Dose]);
    }
}
