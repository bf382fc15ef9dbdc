//! How much of a CPU goes to others: a process that does nothing but read the clock, and what it misses.

use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde::Serialize;

/// Two readings of the clock follow each other within a tenth of a microsecond. What takes longer than this was spent by somebody else:
/// another process, an interrupt, the hypervisor. Ticks of the kernel itself stay below.
const PAUSE: Duration = Duration::from_micros(50);

/// What was seen of one CPU.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CpuNoise {
    /// Its number.
    pub cpu: u32,
    /// How long it was looked at, in milliseconds.
    pub looked_ms: f64,
    /// The share of that time in which it did something else, 0 to 1.
    pub taken: f64,
    /// How often it did, for more than 50 microseconds.
    pub pauses: u64,
    /// The longest of these times, in milliseconds.
    pub longest_pause_ms: f64,
}

/// Looks at these CPUs, all at once, for so long. A CPU that this process may not use is left out.
#[must_use]
pub fn noise(cpus: &[u32], duration: Duration) -> Vec<CpuNoise> {
    let looks: Vec<_> =
        cpus.iter().map(|&cpu| thread::spawn(move || look(cpu, duration))).collect();
    looks.into_iter().filter_map(|look| look.join().ok().flatten()).collect()
}

fn look(cpu: u32, duration: Duration) -> Option<CpuNoise> {
    let mut only = CpuSet::new();
    only.set(usize::try_from(cpu).ok()?).ok()?;
    // Of this thread alone, which ends with the look.
    sched_setaffinity(Pid::from_raw(0), &only).ok()?;
    let begun = Instant::now();
    let (mut last, mut pauses) = (begun, Pauses::default());
    while last.duration_since(begun) < duration {
        let now = Instant::now();
        pauses.add(now.duration_since(last));
        last = now;
    }
    let looked = last.duration_since(begun);
    Some(CpuNoise {
        cpu,
        looked_ms: milliseconds(looked),
        taken: pauses.sum.as_secs_f64() / looked.as_secs_f64(),
        pauses: pauses.count,
        longest_pause_ms: milliseconds(pauses.longest),
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[derive(Debug, Default)]
struct Pauses {
    count: u64,
    sum: Duration,
    longest: Duration,
}

impl Pauses {
    fn add(&mut self, gap: Duration) {
        if gap > PAUSE {
            self.count += 1;
            self.sum += gap;
            self.longest = self.longest.max(gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_else_took_is_counted() {
        let mut pauses = Pauses::default();
        for gap in [1, 49, 50, 200, 3000] {
            pauses.add(Duration::from_micros(gap));
        }
        assert_eq!(
            (pauses.count, pauses.sum, pauses.longest),
            (2, Duration::from_micros(3200), Duration::from_millis(3))
        );
    }

    #[test]
    fn a_look_takes_its_time_and_leaves_out_what_is_not_there() {
        let seen = noise(&[0, 1_000_000], Duration::from_millis(20));
        assert!(seen.len() <= 1, "{seen:?}");
        for cpu in seen {
            assert!(cpu.looked_ms >= 20.0 && (0.0..=1.0).contains(&cpu.taken), "{cpu:?}");
            assert!(cpu.longest_pause_ms <= cpu.looked_ms, "{cpu:?}");
        }
    }
}
