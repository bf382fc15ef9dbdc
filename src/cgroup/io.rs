//! Limits at a block device and what was read and written there, on either version.

use super::knob::Setting;
use super::{Counters, Version};
use crate::scenario::{IoLimits, Resource};

/// Stands for the device until it is known, `MAJOR:MINOR` as the kernel has it.
pub const DEVICE: &str = "MAJOR:MINOR";

/// The settings for limits at the device, whose number is yet to be filled in.
pub(super) fn io_settings(io: &IoLimits, version: Version) -> Vec<Setting> {
    let mut list: Vec<Setting> = io
        .rates()
        .map(|(key, value)| match version {
            Version::V1 => {
                let file = format!("blkio.throttle.{}_device", v1_name(key));
                Setting::new(Resource::Disk, &file, format!("{DEVICE} {value}"), value)
            }
            Version::V2 => {
                let written = format!("{DEVICE} {key}={value}");
                Setting::new(Resource::Disk, "io.max", written, value)
            }
        })
        .collect();
    list.extend(io.weight.map(|weight| match version {
        Version::V1 => Setting::new(Resource::Disk, "blkio.bfq.weight", weight, 0),
        Version::V2 => Setting::new(Resource::Disk, "io.weight", format!("default {weight}"), 0),
    }));
    list
}

fn v1_name(key: &str) -> &'static str {
    match key {
        "rbps" => "read_bps",
        "wbps" => "write_bps",
        "riops" => "read_iops",
        _ => "write_iops",
    }
}

impl Setting {
    /// The setting with the number of the device, where it is one of a device.
    #[must_use]
    pub fn at_device(mut self, device: &str) -> Self {
        self.value = self.value.replace(DEVICE, device);
        self
    }

    /// Whether it is a limit of what goes through a block device.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(self.controller.as_str(), "io" | "blkio")
    }

    /// The same without a limit, for a rate at a device; `None` for all other settings. Only version 1 must be told so before a kill: there, what waits for its
    /// turn waits on though its task is killed.
    #[must_use]
    pub fn lifted(&self) -> Option<Self> {
        let device = self.value.split_whitespace().next()?;
        let is_rate = self.file.starts_with("blkio.throttle.");
        is_rate.then(|| Self { value: format!("{device} 0"), ..self.clone() })
    }
}

/// Whether a file of limits, a line for each device, shows what was written.
pub(super) fn shows(setting: &Setting, seen: &str) -> bool {
    let written: Vec<&str> = setting.value.split_whitespace().collect();
    seen.lines().any(|line| {
        let shown: Vec<&str> = line.split_whitespace().collect();
        shown.first() == written.first() && written.iter().all(|word| shown.contains(word))
    })
}

/// What was read from and written to a block device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Reads.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Writes.
    pub writes: u64,
    /// Bytes written.
    pub written_bytes: u64,
}

impl Traffic {
    /// Sectors of `/sys/block/*/stat` have this many bytes, whatever the device's are.
    const SECTOR: u64 = 512;

    /// Reads the line of `/sys/block/*/stat` (Documentation/block/stat.rst).
    #[must_use]
    pub fn of_device(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text.split_whitespace().map_while(|it| it.parse().ok()).collect();
        let [reads, _, read_sectors, _, writes, _, written_sectors, ..] = numbers[..] else {
            return None;
        };
        Some(Self {
            reads,
            read_bytes: read_sectors * Self::SECTOR,
            writes,
            written_bytes: written_sectors * Self::SECTOR,
        })
    }

    /// Reads `io.stat` of version 2; nothing was done where the device has no line.
    #[must_use]
    fn of_v2(text: &str, device: &str) -> Self {
        let line = text.lines().find(|line| line.split(' ').next() == Some(device));
        let of = |key: &str| {
            let value = line?.split_whitespace().find_map(|word| word.strip_prefix(key))?;
            value.strip_prefix('=')?.parse().ok()
        };
        Self {
            reads: of("rios").unwrap_or(0),
            read_bytes: of("rbytes").unwrap_or(0),
            writes: of("wios").unwrap_or(0),
            written_bytes: of("wbytes").unwrap_or(0),
        }
    }

    /// Reads `blkio.throttle.io_service_bytes` and `blkio.throttle.io_serviced` of version 1.
    #[must_use]
    fn of_v1(bytes: &str, operations: &str, device: &str) -> Self {
        let of = |text: &str, direction: &str| {
            let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            lines
                .find(|words| words.len() == 3 && words[0] == device && words[1] == direction)
                .and_then(|words| words[2].parse().ok())
                .unwrap_or(0)
        };
        Self {
            reads: of(operations, "Read"),
            read_bytes: of(bytes, "Read"),
            writes: of(operations, "Write"),
            written_bytes: of(bytes, "Write"),
        }
    }

    /// What came after `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            reads: self.reads.saturating_sub(earlier.reads),
            read_bytes: self.read_bytes.saturating_sub(earlier.read_bytes),
            writes: self.writes.saturating_sub(earlier.writes),
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            reads: self.reads + other.reads,
            read_bytes: self.read_bytes + other.read_bytes,
            writes: self.writes + other.writes,
            written_bytes: self.written_bytes + other.written_bytes,
        }
    }

    /// The number that a limit on this key speaks of: `rbps`, `wbps`, `riops` or `wiops`.
    #[must_use]
    pub fn of_key(&self, key: &str) -> u64 {
        match key {
            "rbps" => self.read_bytes,
            "wbps" => self.written_bytes,
            "riops" => self.reads,
            _ => self.writes,
        }
    }
}

/// The key of scenarios that a setting of a rate comes from; `None` for all others.
#[must_use]
pub fn rate_key(setting: &Setting) -> Option<&'static str> {
    let keys = ["rbps", "wbps", "riops", "wiops"];
    keys.into_iter().find(|key| match setting.file.as_str() {
        "io.max" => setting.value.contains(&format!(" {key}=")),
        file => file.contains(&format!(".{}_device", v1_name(key))),
    })
}

impl Counters<'_> {
    /// What the group has done at a block device, `MAJOR:MINOR`, and the file that says so. Version 1 counts only at devices where some group has a limit,
    /// on newer kernels; before anything was done, it says nothing.
    #[must_use]
    pub fn io(self, device: &str) -> Option<(&'static str, Traffic)> {
        if self.version_of("blkio") == Version::V1 {
            let file = "blkio.throttle.io_service_bytes";
            let bytes = self.text("blkio", file)?;
            let operations = self.text("blkio", "blkio.throttle.io_serviced")?;
            return Some((file, Traffic::of_v1(&bytes, &operations, device)));
        }
        Some(("io.stat", Traffic::of_v2(&self.text("io", "io.stat")?, device)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(io: &IoLimits, version: Version) -> Vec<String> {
        let at = |setting: Setting| setting.at_device("7:0");
        io_settings(io, version)
            .into_iter()
            .map(at)
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect()
    }

    #[test]
    fn every_rate_has_its_file() {
        let io = IoLimits {
            rbps: Some(1),
            wbps: Some(2),
            riops: Some(3),
            wiops: Some(4),
            weight: Some(50),
        };
        assert_eq!(
            written(&io, Version::V1),
            [
                "blkio.throttle.read_bps_device=7:0 1",
                "blkio.throttle.write_bps_device=7:0 2",
                "blkio.throttle.read_iops_device=7:0 3",
                "blkio.throttle.write_iops_device=7:0 4",
                "blkio.bfq.weight=50",
            ]
        );
        assert_eq!(
            written(&io, Version::V2),
            [
                "io.max=7:0 rbps=1",
                "io.max=7:0 wbps=2",
                "io.max=7:0 riops=3",
                "io.max=7:0 wiops=4",
                "io.weight=default 50",
            ]
        );
        for version in [Version::V1, Version::V2] {
            let keys: Vec<_> = io_settings(&io, version).iter().filter_map(rate_key).collect();
            assert_eq!(keys, ["rbps", "wbps", "riops", "wiops"]);
        }
    }

    #[test]
    fn limits_read_back_in_the_line_of_their_device() {
        let io = IoLimits { wbps: Some(2 << 20), ..IoLimits::default() };
        let of = |version| io_settings(&io, version).remove(0).at_device("7:1");
        let (v1, v2) = (of(Version::V1), of(Version::V2));
        assert!(shows(&v1, "7:0 5\n7:1 2097152\n"));
        assert!(!shows(&v1, "7:0 2097152\n") && !shows(&v1, ""));
        assert!(shows(&v2, "7:1 rbps=max wbps=2097152 riops=max wiops=max\n"));
        assert!(!shows(&v2, "7:0 rbps=max wbps=2097152 riops=max wiops=max\n"));
        assert!(!shows(&v2, "7:1 rbps=max wbps=20971520 riops=max wiops=max\n"));
        assert_eq!(v1.lifted().map(|it| it.value).as_deref(), Some("7:1 0"));
        assert_eq!(v2.lifted(), None);
    }

    #[test]
    fn counters_are_read_in_the_kernels_forms() {
        let bytes = "254:0 Read 9\n7:0 Read 4096\n7:0 Write 8192\n7:0 Sync 8192\nTotal 12288\n";
        let operations = "7:0 Read 1\n7:0 Write 2\nTotal 3\n";
        let traffic = Traffic { reads: 1, read_bytes: 4096, writes: 2, written_bytes: 8192 };
        assert_eq!(Traffic::of_v1(bytes, operations, "7:0"), traffic);
        let text = "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:0 rbytes=4096 wbytes=8192 rios=1 wios=2\n";
        assert_eq!(Traffic::of_v2(text, "7:0"), traffic);
        assert_eq!(Traffic::of_v2(text, "7:9"), Traffic::default());
        let line = "    11  0  8  2  7  1  16  9  0  12  11  0  0  0  0  3  1\n";
        let device = Traffic { reads: 11, read_bytes: 4096, writes: 7, written_bytes: 8192 };
        assert_eq!(Traffic::of_device(line), Some(device));
        assert_eq!(Traffic::of_device("1 2 3"), None);
        assert_eq!(device.since(&traffic).writes, 5);
    }
}
