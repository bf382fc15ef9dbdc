//! Proving limits at the node's disk: by what the kernel charged to the attacker's group there, and by what the device did beside the victim.
//!
//! On cgroup v1 a write into the page cache is charged to nobody when it reaches the device. So the device itself is asked too: what it did in blocks
//! under attack beyond what it does in quiet ones, without the victim's own part, was the attack's, whoever it was charged to.

use std::time::Instant;

use crate::cgroup::{Group, Setting, Traffic, rate_key};
use crate::node::Disk;
use crate::record::{BlockMode, BlockState, Ceiling, CeilingLevel};
use crate::sandbox::Sandbox;

/// How far a rate may pass its limit, in parts of a hundred, as the kernel's selftests accept it of quotas of CPU time.
const TOLERANCE: u64 = 10;

/// The same for what the device did beyond its quiet blocks, which holds the journal's writes for attacker and victim too.
const DEVICE_TOLERANCE: u64 = 50;

/// The kernel lets pass what falls due in a slice of 100 ms, and begins with one (block/blk-throttle.c, `DFL_THROTL_SLICE`): so what is seen may hold two
/// slices more than fit into its time.
const EXTRA_MS: u64 = 200;

/// What is seen of the node's disk while a case runs: what its blocks hold, all of them together. From block to block the attack goes on, so what waits at the
/// device at the end of one waits at its beginning too; version 1 charges it when it begins to wait.
#[derive(Debug)]
pub struct IoWatch {
    device: String,
    /// The schedulers of the device, the one in use in brackets.
    schedulers: Option<String>,
    block: Option<Sample>,
    /// Charged to the attacker under attack.
    charged: Span,
    /// Done by the device under attack, and when quiet, without what was charged to the victim; in blocks of latency alone.
    on: Span,
    off: Span,
}

/// Traffic over some time.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    ms: u64,
    traffic: Traffic,
}

/// Counters at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    attacker: Traffic,
    /// Of the device, without what is charged to the victim.
    others: Traffic,
}

impl Span {
    /// In each second.
    fn rate(&self, key: &str) -> u64 {
        self.traffic.of_key(key).saturating_mul(1000) / self.ms.max(1)
    }

    fn add(&mut self, ms: u64, traffic: &Traffic) {
        self.ms += ms;
        self.traffic = self.traffic.plus(traffic);
    }

    /// Whether a limit allows it.
    fn is_within(&self, key: &str, limit: u64) -> bool {
        let allowed = limit.saturating_mul(self.ms.saturating_add(EXTRA_MS)) / 1000;
        self.traffic.of_key(key) <= allowed.saturating_mul(100 + TOLERANCE) / 100
    }
}

impl IoWatch {
    /// Begins before the first attack.
    #[must_use]
    pub fn new(disk: &Disk) -> Self {
        let none = Span::default();
        let (device, schedulers) = (disk.device.clone(), disk.schedulers());
        Self { device, schedulers, block: None, charged: none, on: none, off: none }
    }

    /// What is to be said of a weight at the disk: it is a matter of the scheduler, and a loop device uses none unless somebody chose one.
    #[must_use]
    pub fn weightless(&self, setting: &Setting) -> String {
        let is_weight = setting.file == "io.weight" || setting.file == "blkio.bfq.weight";
        let schedulers = self.schedulers.as_deref().filter(|_| is_weight);
        schedulers.filter(|them| !them.contains("[bfq]")).map_or_else(String::new, |them| {
            format!("; bfq, which knows weights, does not schedule the node's disk ({them}): it changes nothing there")
        })
    }

    fn charged_to(&self, group: &Group) -> Traffic {
        group.counters().io(&self.device).map(|(_, traffic)| traffic).unwrap_or_default()
    }

    fn sample(&self, disk: &Disk, attacker: &Group, victim: &Group) -> Option<Sample> {
        Some(Sample {
            at: Instant::now(),
            attacker: self.charged_to(attacker),
            others: disk.traffic()?.since(&self.charged_to(victim)),
        })
    }

    /// A block begins.
    pub fn block_begins(&mut self, disk: &Disk, attacker: &Group, victim: &Group) {
        self.block = self.sample(disk, attacker, victim);
    }

    /// It is over. In blocks of capacity the victim may be what writes most.
    pub fn block_ends(
        &mut self,
        disk: &Disk,
        (attacker, victim): (&Group, &Group),
        (state, mode): (BlockState, BlockMode),
    ) {
        let (Some(before), Some(now)) = (self.block.take(), self.sample(disk, attacker, victim))
        else {
            return;
        };
        let ms = u64::try_from((now.at - before.at).as_millis()).unwrap_or(u64::MAX);
        if state == BlockState::On {
            self.charged.add(ms, &now.attacker.since(&before.attacker));
        }
        if mode == BlockMode::Latency {
            let span = if state == BlockState::On { &mut self.on } else { &mut self.off };
            span.add(ms, &now.others.since(&before.others));
        }
    }

    /// The ceiling of a rate at the disk.
    #[must_use]
    pub fn ceiling(&self, setting: &Setting, attacker: &Sandbox) -> Option<Ceiling> {
        let key = rate_key(setting)?;
        let limit = setting.limit;
        let (file, _) = attacker.group.counters().io(&self.device)?;
        let charged = self.charged.rate(key);
        let by_charge = self.charged.is_within(key, limit);
        let device = self.on.rate(key).saturating_sub(self.off.rate(key));
        let by_device = self.on.ms == 0 || device <= most_of_device(limit, self.on.ms);
        // What is held at its limit comes near it.
        let is_used_up = charged >= limit / 10 * 7;
        let uncharged = match by_device {
            true => "",
            false => {
                "; what was charged to nobody no limit of the group could hold: cgroup v1 knows only what a task itself sends to the device"
            }
        };
        Some(Ceiling {
            resource: setting.resource,
            knob: format!("{} {key}", setting.file),
            limit,
            peak: Some(if by_device { charged } else { charged.max(device) }),
            peak_source: match by_device {
                true => format!("{file} of device {}, over all blocks under attack", self.device),
                false => format!(
                    "/sys/dev/block/{}/stat, less the quiet blocks and the victim",
                    self.device
                ),
            },
            counter: Some(format!("{file} {}", self.device)),
            count: None,
            kept: by_charge && by_device,
            level: match is_used_up && by_device {
                true => CeilingLevel::Sandbox,
                false => CeilingLevel::Inferred,
            },
            node_peak: None,
            note: format!(
                "in each second: {charged} charged to the attacker over {} ms under attack; {device} done by the device beyond its quiet blocks and without the \
                 victim's{uncharged}",
                self.charged.ms
            ),
        })
    }
}

/// What the device may do in each second beyond its quiet blocks, seen over `ms`: with as many slices more as what is charged, which are much in a short time.
fn most_of_device(limit: u64, ms: u64) -> u64 {
    let with_slices = limit.saturating_mul(ms.saturating_add(EXTRA_MS)) / ms.max(1);
    with_slices.saturating_mul(100 + DEVICE_TOLERANCE) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_seen_for_a_short_time_may_hold_its_slices() {
        assert_eq!(most_of_device(8 << 20, 200), 24 << 20);
        assert_eq!(most_of_device(1_000, 2_000), 1_650);
    }

    #[test]
    fn a_limit_allows_two_slices_and_a_tenth_more() {
        let of = |written_bytes| Span {
            ms: 800,
            traffic: Traffic { written_bytes, ..Traffic::default() },
        };
        assert!(of(1_100_000).is_within("wbps", 1_000_000));
        assert!(!of(1_100_001).is_within("wbps", 1_000_000));
        assert_eq!(of(400_000).rate("wbps"), 500_000);
        assert!(of(u64::MAX).is_within("rbps", 1));
    }
}
