//! The kernel's own counters of a group, on either version.

use super::{Group, Version, file};

/// The highest usage of a resource, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peak {
    /// The highest usage, in the resource's unit.
    pub value: u64,
    /// The kernel's file.
    pub file: &'static str,
}

/// Time that tasks of a group had to wait for something since the group was made, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    /// At least one of them.
    pub some_us: u64,
    /// All of them that were not idle.
    pub full_us: u64,
}

impl Pressure {
    /// Reads the text of a file such as `cpu.pressure`; `None` without a line for `some`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let total = |kind: &str| {
            let line = text.lines().find(|line| line.split(' ').next() == Some(kind))?;
            line.split(' ').find_map(|word| word.strip_prefix("total=")?.parse().ok())
        };
        // Before 5.13 the file of the CPU had no line for `full`.
        Some(Self { some_us: total("some")?, full_us: total("full").unwrap_or(0) })
    }
}

/// Reads counters of one group. Everything is `None` where the kernel does not offer it.
#[derive(Debug, Clone, Copy)]
pub struct Counters<'a> {
    group: &'a Group,
}

impl<'a> Counters<'a> {
    pub(super) const fn new(group: &'a Group) -> Self {
        Self { group }
    }

    pub(super) fn version_of(self, controller: &str) -> Version {
        self.group.version_of(controller)
    }

    pub(super) fn text(self, controller: &str, name: &str) -> Option<String> {
        file::read(&self.group.file(controller, name).ok()?).ok()
    }

    fn number(self, controller: &str, name: &str) -> Option<u64> {
        file::number(&self.group.file(controller, name).ok()?)
    }

    fn keyed(self, controller: &str, name: &str, key: &str) -> Option<u64> {
        file::keyed_number(&self.group.file(controller, name).ok()?, key)
    }

    /// Tasks now: `pids.current`.
    #[must_use]
    pub fn pids(self) -> Option<u64> {
        self.number("pids", "pids.current")
    }

    /// The most tasks there ever were: `pids.peak`.
    #[must_use]
    pub fn pids_peak(self) -> Option<Peak> {
        let value = self.number("pids", "pids.peak")?;
        Some(Peak { value, file: "pids.peak" })
    }

    /// Refused forks. `pids.events.local` counts those that hit this group's own limit where the kernel has it;
    /// `pids.events` counts, by kernel, those of processes here or those that hit a limit here or below.
    #[must_use]
    pub fn pids_refusals(self) -> Option<(&'static str, u64)> {
        if let Some(count) = self.keyed("pids", "pids.events.local", "max") {
            return Some(("pids.events.local max", count));
        }
        self.keyed("pids", "pids.events", "max").map(|count| ("pids.events max", count))
    }

    /// Memory now, in bytes.
    #[must_use]
    pub fn memory(self) -> Option<u64> {
        match self.group.version_of("memory") {
            Version::V1 => self.number("memory", "memory.usage_in_bytes"),
            Version::V2 => self.number("memory", "memory.current"),
        }
    }

    /// Memory now but for cached files, in bytes: those go as soon as somebody needs the room. Files of a tmpfs are not among them, for
    /// nothing else holds what is in them (`inactive_file` and `active_file` of `memory.stat`, of the whole tree; on version 1 with
    /// `total_` in front).
    #[must_use]
    pub fn memory_held(self) -> Option<u64> {
        let keys = match self.group.version_of("memory") {
            Version::V1 => ["total_inactive_file", "total_active_file"],
            Version::V2 => ["inactive_file", "active_file"],
        };
        let cached = |key: &str| self.keyed("memory", "memory.stat", key).unwrap_or(0);
        let all = self.memory()?;
        Some(all.saturating_sub(keys.into_iter().map(cached).sum()))
    }

    /// The most memory there ever was, in bytes.
    #[must_use]
    pub fn memory_peak(self) -> Option<Peak> {
        let file = match self.group.version_of("memory") {
            Version::V1 => "memory.max_usage_in_bytes",
            Version::V2 => "memory.peak",
        };
        Some(Peak { value: self.number("memory", file)?, file })
    }

    /// How often the memory limit was hit. `failcnt` stays 0 when memory and swap have the same limit: then the
    /// combined one counts.
    #[must_use]
    pub fn memory_refusals(self) -> Option<(&'static str, u64)> {
        match self.group.version_of("memory") {
            Version::V1 => {
                let plain = self.number("memory", "memory.failcnt")?;
                let with_swap = self.number("memory", "memory.memsw.failcnt").unwrap_or(0);
                Some(if with_swap > plain {
                    ("memory.memsw.failcnt", with_swap)
                } else {
                    ("memory.failcnt", plain)
                })
            }
            Version::V2 => self
                .keyed("memory", "memory.events", "max")
                .map(|count| ("memory.events max", count)),
        }
    }

    /// Processes of the group that the OOM killer took, whoever's limit was hit: `oom_kill` of `memory.oom_control` on version 1
    /// (since 4.13), of `memory.events` on version 2, children included there.
    #[must_use]
    pub fn oom_kills(self) -> Option<(&'static str, u64)> {
        match self.group.version_of("memory") {
            Version::V1 => self
                .keyed("memory", "memory.oom_control", "oom_kill")
                .map(|count| ("memory.oom_control oom_kill", count)),
            Version::V2 => self
                .keyed("memory", "memory.events", "oom_kill")
                .map(|count| ("memory.events oom_kill", count)),
        }
    }

    /// CPU time used, in microseconds, children included.
    #[must_use]
    pub fn cpu_usage_us(self) -> Option<u64> {
        if let Some(nanoseconds) = self.number("cpuacct", "cpuacct.usage") {
            return Some(nanoseconds / 1000);
        }
        self.keyed("cpu", "cpu.stat", "usage_usec")
    }

    /// CPU time used on each CPU, in nanoseconds, by the CPU's number; version 1 only (`cpuacct.usage_percpu`).
    #[must_use]
    pub fn cpu_usage_by_cpu(self) -> Option<Vec<u64>> {
        let text = file::read(&self.group.file("cpuacct", "cpuacct.usage_percpu").ok()?).ok()?;
        text.split_whitespace().map(|word| word.parse().ok()).collect()
    }

    /// How often the kernel counted something under this key of a file such as `memory.events`.
    #[must_use]
    pub fn event(self, controller: &str, name: &str, key: &str) -> Option<u64> {
        self.keyed(controller, name, key)
    }

    /// Swap now, in bytes; version 2 only (`memory.swap.current`).
    #[must_use]
    pub fn swap(self) -> Option<u64> {
        self.number("memory", "memory.swap.current")
    }

    /// The most swap there ever was, in bytes; version 2 only, since 6.5 (`memory.swap.peak`).
    #[must_use]
    pub fn swap_peak(self) -> Option<Peak> {
        let file = "memory.swap.peak";
        Some(Peak { value: self.number("memory", file)?, file })
    }

    /// Periods in which the CPU quota stopped the group.
    #[must_use]
    pub fn cpu_throttled(self) -> Option<u64> {
        self.keyed("cpu", "cpu.stat", "nr_throttled")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_read_in_the_kernels_form() {
        let text = "some avg10=1.53 avg60=0.30 avg300=0.06 total=212345\nfull avg10=0.00 avg60=0.00 avg300=0.00 \
                    total=77\n";
        assert_eq!(Pressure::parse(text), Some(Pressure { some_us: 212_345, full_us: 77 }));
        let old = "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n";
        assert_eq!(Pressure::parse(old), Some(Pressure { some_us: 5, full_us: 0 }));
        assert_eq!(Pressure::parse(""), None);
    }
}
