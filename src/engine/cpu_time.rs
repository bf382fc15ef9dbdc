//! Whose CPU time it was: the machine's, the node's, the harness's.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::cgroup::Group;
use crate::record::BlockState;

/// CPU time so far, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuTime {
    machine: f64,
    node: f64,
    harness: f64,
}

impl CpuTime {
    /// Reads the three counters. Missing ones stay 0, so that differences of them do.
    #[must_use]
    pub fn now(node: &Group) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
        let node = node.counters().cpu_usage_us().unwrap_or(0) as f64 / 1e6;
        Self { machine: machine().unwrap_or(0.0), node, harness: harness().as_secs_f64() }
    }

    /// What the machine used since `earlier` that neither the node nor the harness did, in seconds.
    #[must_use]
    pub fn unaccounted_since(&self, earlier: &Self) -> f64 {
        (self.machine - earlier.machine)
            - (self.node - earlier.node)
            - (self.harness - earlier.harness)
    }
}

/// CPU time of the harness itself. What it has reaped is left out: that includes sandboxes.
#[must_use]
pub fn harness() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
}

/// Busy time of all CPUs, in seconds, from the first line of `/proc/stat` (proc_stat(5)): everything but idle and
/// waiting for I/O. Its unit is the clock tick of user space, which is 10 ms on every Linux.
fn machine() -> Option<f64> {
    busy_ticks(&fs::read_to_string("/proc/stat").ok()?).map(|ticks| ticks / 100.0)
}

fn busy_ticks(stat: &str) -> Option<f64> {
    let fields: Vec<f64> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal; guest time is part of user time already.
    let busy = [0, 1, 2, 5, 6];
    busy.into_iter().map(|index| fields.get(index).copied()).sum()
}

/// CPU time that belongs to nobody, on-blocks and off-blocks apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unaccounted {
    on: (f64, f64),
    off: (f64, f64),
}

impl Unaccounted {
    /// Adds a block.
    pub fn add(&mut self, state: BlockState, unaccounted: f64, elapsed: Duration) {
        let sum = if state == BlockState::On { &mut self.on } else { &mut self.off };
        sum.0 += unaccounted;
        sum.1 += elapsed.as_secs_f64();
    }

    /// What on-blocks show beyond what as much quiet time shows, in seconds. Not below 0: the machine's counter has a
    /// resolution of 10 ms a CPU.
    #[must_use]
    pub fn beyond_quiet(&self) -> Option<f64> {
        let usable = self.on.1 > 0.0 && self.off.1 > 0.0;
        usable.then(|| (self.on.0 - self.off.0 * self.on.1 / self.off.1).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_leaves_out_idle_iowait_steal_and_guest() {
        let stat = "cpu  100 1 20 9999 888 3 4 77 55 66\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_ticks(stat), Some(128.0));
        assert_eq!(busy_ticks("intr 1 2\n"), None);
    }
}
