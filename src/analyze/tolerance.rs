//! Tolerances and floors: how much slower is still no leak.

use crate::scenario::Resource;

/// Latency that grew by no more than this is no leak whatever the ratio says: 5 microseconds, a few cache misses and a
/// timer's rounding on an operation of ten microseconds.
pub const LATENCY_FLOOR_NS: f64 = 5_000.0;

/// The same for forks that a light probe makes one by one: 50 microseconds. Between two of them its CPU falls idle and
/// its caches grow cold, and how cold depends on whatever else runs on the machine: 20 to 30 microseconds were seen beside
/// four tasks that hardly run, while forks back to back were not slowed at all. That is no matter of process IDs, and
/// the capacity probe, whose caches stay warm, has no such floor.
pub const FORK_LATENCY_FLOOR_NS: f64 = 50_000.0;

/// The same for round trips over an uplink: two processes on one CPU wake each other, whose caches are as cold, and a frame of the
/// neighbour that happens to be on the link first takes 85 microseconds of a link of 10 Mbit a second, however few there are.
pub const TRIP_LATENCY_FLOOR_NS: f64 = 50_000.0;

/// CPU throughput: a saturating probe repeats within 2 to 3 % from block to block, and the kernel's own selftests
/// accept 10 % for its quota.
const CPU: f64 = 0.10;

/// Fork, memory, open and random numbers: with 10 % a quiet machine cannot be told from itself within ten pairs, with
/// 25 % it can.
const OPERATION: f64 = 0.25;

/// Flushes to disk vary by 35 to 45 % on a machine at rest.
const FLUSH: f64 = 0.50;

/// The resource that a probe speaks of, from its name `resource/operation`; `None` for a name of another form.
#[must_use]
pub fn resource_of_probe(probe: &str) -> Option<Resource> {
    let (resource, operation) = probe.split_once('/')?;
    if operation.is_empty() {
        return None;
    }
    Resource::ALL.into_iter().find(|known| known.name() == resource)
}

/// What a probe of a look around speaks of, from its name `what/whose`.
#[must_use]
pub(super) fn resource_of_sight(probe: &str) -> Option<Resource> {
    let (what, _) = probe.split_once('/')?;
    Resource::every().find(|known| known.name() == what)
}

/// The tolerance of everything measured on a resource, as a share: 0.25 is 25 %.
#[must_use]
pub const fn tolerance_of(resource: Resource) -> f64 {
    match resource {
        Resource::Cpu => CPU,
        Resource::Disk => FLUSH,
        Resource::Memory
        | Resource::Network
        | Resource::Files
        | Resource::Pids
        | Resource::Random => OPERATION,
        // Nothing is measured in time.
        Resource::View
        | Resource::Processes
        | Resource::Ipc
        | Resource::Hostname
        | Resource::Mounts
        | Resource::Devices
        | Resource::Kernel
        | Resource::Namespaces
        | Resource::Cgroups => OPERATION,
    }
}

/// The lowest `rate_on / rate_off` that still counts as contained on a resource.
#[must_use]
pub fn capacity_tolerance(resource: Resource) -> f64 {
    1.0 - tolerance_of(resource)
}

/// How much a probe's latency may grow at least, in nanoseconds, whatever the ratio.
#[must_use]
pub const fn latency_floor_ns(resource: Resource) -> f64 {
    match resource {
        Resource::Pids => FORK_LATENCY_FLOOR_NS,
        Resource::Network => TRIP_LATENCY_FLOOR_NS,
        _ => LATENCY_FLOOR_NS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_name_their_resource() {
        assert_eq!(resource_of_probe("pids/fork"), Some(Resource::Pids));
        assert_eq!(resource_of_probe("cpu/work"), Some(Resource::Cpu));
        for bad in ["pids", "pids/", "/fork", "", "Pids/fork", "gpu/work"] {
            assert_eq!(resource_of_probe(bad), None, "{bad}");
        }
    }

    #[test]
    fn tolerances_are_the_documented_ones() {
        assert!((tolerance_of(Resource::Cpu) - 0.10).abs() < 1e-9);
        assert!((tolerance_of(Resource::Pids) - 0.25).abs() < 1e-9);
        assert!((tolerance_of(Resource::Disk) - 0.50).abs() < 1e-9);
        assert!((capacity_tolerance(Resource::Cpu) - 0.90).abs() < 1e-9);
    }
}
