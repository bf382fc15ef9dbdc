//! User and group IDs of sandboxes.

use std::fs;
use std::path::Path;

/// The uid and gid that workloads and probes have inside a sandbox with a user namespace; of a pod, whose sandboxes share one, those
/// of the first, and each other has one more.
pub const INSIDE_ID: u32 = 1000;

/// How many IDs a sandbox's user namespace maps, where the harness has as many to give.
pub const ID_COUNT: u32 = 65_536;

/// The first host ID that sandboxes use. systemd's UID table leaves 0x70000000 to 0x7FFFFFFF unused: 4096 ranges. In a user namespace of
/// the harness's own the subordinate IDs of its user begin here.
pub const FIRST_ID: u32 = 0x7000_0000;
/// The last: 4096 ranges of 65,536.
const LAST_ID: u32 = 0x7FFF_FFFF;
/// Ranges that one run may use.
pub const RANGES_OF_A_RUN: u32 = 8;
const RUNS: u32 = 4096 / RANGES_OF_A_RUN;

/// The host IDs of one sandbox: attacker and victim never share one, unless they are in one pod. Then they share the range, and
/// neither is the other's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The host ID that is 0 inside.
    pub base: u32,
    /// How many IDs there are.
    pub count: u32,
    /// The ID that its processes have inside.
    pub inside: u32,
}

impl IdRange {
    /// The ranges of a run, one for each sandbox of a config. Runs side by side get different ones by their IDs, so that
    /// neither takes the other's processes for its own. In a user namespace of its own a run has the IDs that are mapped there, and
    /// others do not see its processes' IDs as their own.
    #[must_use]
    pub fn of_run(run_id: &str) -> [Self; RANGES_OF_A_RUN as usize] {
        let map = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let mapped = [map("/proc/self/uid_map"), map("/proc/self/gid_map")];
        match mapped.iter().map(|map| mapped_from_first(map)).min().flatten() {
            Some(count) => Self::divided(count),
            None => Self::of_number(u32::from_str_radix(run_id, 16).unwrap_or(0) % RUNS),
        }
    }

    fn of_number(number: u32) -> [Self; RANGES_OF_A_RUN as usize] {
        let range = |index: u32| {
            let base = FIRST_ID + (number * RANGES_OF_A_RUN + index) * ID_COUNT;
            Self { base, count: ID_COUNT, inside: INSIDE_ID }
        };
        std::array::from_fn(|index| range(u32::try_from(index).unwrap_or(0)))
    }

    /// As many IDs as are mapped, in equal parts.
    fn divided(mapped: u32) -> [Self; RANGES_OF_A_RUN as usize] {
        let count = (mapped / RANGES_OF_A_RUN).min(ID_COUNT);
        let range = |index: u32| Self { base: FIRST_ID + index * count, count, inside: INSIDE_ID };
        std::array::from_fn(|index| range(u32::try_from(index).unwrap_or(0)))
    }

    /// True when all of these IDs are such as sandboxes have.
    #[must_use]
    pub const fn all_contain(first: u32, count: u32) -> bool {
        first >= FIRST_ID && first <= LAST_ID && count > 0 && count - 1 <= LAST_ID - first
    }

    /// The host ID that the sandbox's workload or probes have.
    #[must_use]
    pub const fn workload(self) -> u32 {
        self.base + self.inside
    }

    /// The last host ID.
    #[must_use]
    pub const fn last(self) -> u32 {
        self.base + (self.count - 1)
    }

    /// The same range, with another user inside.
    #[must_use]
    pub const fn of_user(self, inside: u32) -> Self {
        Self { inside, ..self }
    }

    /// The same range with the user of a pod's pause process inside, the last, as Kubernetes' has it: nobody else's.
    #[must_use]
    pub const fn of_pause(self) -> Self {
        self.of_user(self.count - 1)
    }

    /// True when a host ID belongs to the range.
    #[must_use]
    pub const fn contains(self, id: u32) -> bool {
        id >= self.base && id <= self.last()
    }
}

/// How many IDs a map gives from the first of sandboxes on, in one piece (user_namespaces(7)); `None` where it maps everything, as the first
/// user namespace does, or nothing there.
fn mapped_from_first(map: &str) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let first: u32 = fields.next()?.parse().ok()?;
        let count: u32 = fields.nth(1)?.parse().ok()?;
        (first == FIRST_ID).then_some(count)
    })
}

/// Whether a process with the IDs of a sandbox can be one of this run's, by its directory in `/proc`. Another user namespace of the same user
/// may map the same IDs: whose processes are not below the own one, of those nothing may be read (ptrace(2), "Ptrace access mode checking").
#[must_use]
pub fn can_be_ours(process: &Path) -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    mapped_from_first(&map).is_none() || fs::read_link(process.join("ns/user")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sandboxes_share_an_id_and_none_leaves_the_unused_part() {
        let of = |run: &str| IdRange::of_number(u32::from_str_radix(run, 16).unwrap() % RUNS);
        for run in ["00000000", "ffffffff", "0badcafe"] {
            apart(&of(run), 0x7FFF_FFFF);
        }
        assert_ne!(of("00000001"), of("00000002"));
    }

    fn apart(ranges: &[IdRange], last: u32) {
        for (index, range) in ranges.iter().enumerate() {
            assert!(range.base >= 0x7000_0000 && range.last() <= last, "{range:?}");
            assert!(
                range.contains(range.workload()) && range.contains(range.of_pause().workload())
            );
            for other in &ranges[index + 1..] {
                assert!(!other.contains(range.base) && !other.contains(range.last()));
            }
        }
    }

    #[test]
    fn what_is_mapped_is_divided_among_sandboxes() {
        let map = "         0       1000          1\n1879048192     100000      65536\n";
        let count = mapped_from_first(map).unwrap();
        assert_eq!(count, 65_536);
        let ranges = IdRange::divided(count);
        assert_eq!(ranges[7].base, 0x7000_0000 + 7 * 8192);
        apart(&ranges, 0x7000_FFFF);
        assert_eq!(IdRange::divided(8 * 65_536 + 5), IdRange::of_number(0));
        assert_eq!(mapped_from_first("         0          0 4294967295\n"), None);
    }
}
