//! From limits to kernel files: which file gets which value, on either version. Pure.

use super::Version;
use super::io::io_settings;
use crate::scenario::{Limits, NodeSpec, Resource};

/// The period of CPU quotas, in microseconds: the kernel's default on both versions.
pub const CPU_PERIOD_US: u64 = 100_000;

/// One value for one kernel file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The controller whose hierarchy holds the file.
    pub controller: String,
    /// The file's name.
    pub file: String,
    /// The value.
    pub value: String,
    /// True when a machine without the file, but also without swap, may go without it.
    pub only_with_swap: bool,
    /// True for a file that a scenario names itself: only the unified hierarchy has it.
    pub unified: bool,
    /// The resource it limits.
    pub resource: Resource,
    /// The limit as a number in the knob's unit; 0 where it is no amount (weights, lists).
    pub limit: u64,
}

impl Setting {
    /// The CPUs that a group may use, in the kernel's list format. It is written by [`pin`](super::Group::pin) and belongs to no
    /// amount.
    #[must_use]
    pub fn cpuset(list: &str) -> Self {
        Self::new(Resource::Cpu, "cpuset.cpus", list, 0)
    }

    pub(super) fn new(resource: Resource, file: &str, value: impl ToString, limit: u64) -> Self {
        let controller = file.split('.').next().unwrap_or(file).to_owned();
        Self {
            controller,
            file: file.to_owned(),
            value: value.to_string(),
            only_with_swap: false,
            unified: false,
            resource,
            limit,
        }
    }
}

/// The settings for a sandbox's limits, in the order in which they must be written. `version` tells the version of the
/// hierarchy that has a controller; controllers that are nowhere are taken as version 2, and fail when written.
pub fn settings(limits: &Limits, version: &dyn Fn(&str) -> Version) -> Vec<Setting> {
    let mut list = Vec::new();
    if let Some(pids) = limits.pids {
        list.push(Setting::new(Resource::Pids, "pids.max", pids, pids));
    }
    if let Some(memory) = limits.memory_bytes {
        list.extend(memory_settings(memory, limits.swap_bytes.unwrap_or(0), version("memory")));
    }
    if let Some(millis) = limits.cpu_millis {
        list.extend(quota_settings(millis, version("cpu")));
    }
    if let Some(weight) = limits.weight {
        list.push(match version("cpu") {
            // 100 is the default weight, 1024 the default shares (kernel/sched/core.c, cpu_weight_write_u64).
            Version::V1 => {
                Setting::new(Resource::Cpu, "cpu.shares", (weight * 1024).div_ceil(100).max(2), 0)
            }
            Version::V2 => Setting::new(Resource::Cpu, "cpu.weight", weight, 0),
        });
    }
    if limits.idle {
        // The same file on both versions, since 5.15 (kernel/sched/core.c, cpu_idle_write_s64).
        list.push(Setting::new(Resource::Cpu, "cpu.idle", 1, 0));
    }
    if let Some(io) = &limits.io {
        list.extend(io_settings(io, version("blkio")));
    }
    for (file, value) in &limits.unified {
        let resource = match file.split('.').next() {
            Some("memory") => Resource::Memory,
            Some("pids") => Resource::Pids,
            Some("io") => Resource::Disk,
            _ => Resource::Cpu,
        };
        let mut setting = Setting::new(resource, file, value, unified_limit(file, value));
        setting.unified = true;
        list.push(setting);
    }
    list
}

/// The amount that a file named by a scenario limits, in the unit of the limit that writes the same file; 0 for files
/// that hold no hard limit, and for `max`.
fn unified_limit(file: &str, value: &str) -> u64 {
    match file {
        "pids.max" | "memory.max" | "memory.swap.max" => value.parse().unwrap_or(0),
        "cpu.max" => {
            let mut words = value.split_whitespace().map(str::parse::<u64>);
            let quota = words.next().and_then(Result::ok).unwrap_or(0);
            let period = words.next().map_or(CPU_PERIOD_US, |word| word.unwrap_or(0));
            quota.saturating_mul(CPU_PERIOD_US).checked_div(period).unwrap_or(0)
        }
        _ => 0,
    }
}

/// The settings for a node's capacity: tasks, and memory without swap. None for a node without a guard.
pub fn node_settings(node: &NodeSpec, version: &dyn Fn(&str) -> Version) -> Vec<Setting> {
    if !node.guard {
        return Vec::new();
    }
    let limits = Limits {
        pids: Some(node.pids),
        memory_bytes: Some(node.memory_bytes),
        ..Limits::default()
    };
    settings(&limits, version)
}

fn memory_settings(memory: u64, swap: u64, version: Version) -> Vec<Setting> {
    let new = |file: &str, value: u64| Setting::new(Resource::Memory, file, value, value);
    let (limit, mut with_swap) = match version {
        // memsw counts both together and may not be below the limit, so it comes second.
        Version::V1 => (
            new("memory.limit_in_bytes", memory),
            new("memory.memsw.limit_in_bytes", memory.saturating_add(swap)),
        ),
        Version::V2 => (new("memory.max", memory), new("memory.swap.max", swap)),
    };
    with_swap.only_with_swap = true;
    vec![limit, with_swap]
}

fn quota_settings(millis: u64, version: Version) -> Vec<Setting> {
    let quota = millis * CPU_PERIOD_US / 1000;
    match version {
        Version::V1 => vec![
            Setting::new(Resource::Cpu, "cpu.cfs_period_us", CPU_PERIOD_US, 0),
            Setting::new(Resource::Cpu, "cpu.cfs_quota_us", quota, quota),
        ],
        Version::V2 => {
            let value = format!("{quota} {CPU_PERIOD_US}");
            vec![Setting::new(Resource::Cpu, "cpu.max", value, quota)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(limits: &Limits, version: Version) -> Vec<String> {
        settings(limits, &|_| version)
            .into_iter()
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect()
    }

    #[test]
    fn memory_takes_swap_away_unless_told_otherwise() {
        let limits = Limits { memory_bytes: Some(64 << 20), ..Limits::default() };
        assert_eq!(
            written(&limits, Version::V1),
            ["memory.limit_in_bytes=67108864", "memory.memsw.limit_in_bytes=67108864"]
        );
        assert_eq!(written(&limits, Version::V2), ["memory.max=67108864", "memory.swap.max=0"]);
        let limits = Limits { swap_bytes: Some(1 << 20), ..limits };
        assert_eq!(
            written(&limits, Version::V1),
            ["memory.limit_in_bytes=67108864", "memory.memsw.limit_in_bytes=68157440"]
        );
        assert_eq!(
            written(&limits, Version::V2),
            ["memory.max=67108864", "memory.swap.max=1048576"]
        );
    }

    #[test]
    fn half_a_cpu_is_half_a_period() {
        let limits = Limits { cpu_millis: Some(500), weight: Some(100), ..Limits::default() };
        assert_eq!(
            written(&limits, Version::V1),
            ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpu.shares=1024"]
        );
        assert_eq!(written(&limits, Version::V2), ["cpu.max=50000 100000", "cpu.weight=100"]);
    }

    #[test]
    fn files_named_by_a_scenario_have_ceilings_where_they_are_hard_limits() {
        let of = unified_limit;
        assert_eq!((of("pids.max", "64"), of("pids.max", "max")), (64, 0));
        assert_eq!((of("memory.max", "1048576"), of("memory.high", "1048576")), (1 << 20, 0));
        assert_eq!(of("memory.swap.max", "1048576"), 1 << 20);
        assert_eq!((of("cpu.max", "30000 60000"), of("cpu.max", "20000")), (50_000, 20_000));
        assert_eq!((of("cpu.max", "max 100000"), of("cpu.max", "1 0")), (0, 0));
    }

    #[test]
    fn no_limits_write_nothing() {
        assert!(written(&Limits::default(), Version::V1).is_empty());
    }
}
