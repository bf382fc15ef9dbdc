//! The proof of the limits of a sandbox's link: what the link itself says that it has sent, over stretches of attack.
//!
//! What a system call accepted says nothing, for the queue behind it may throw it away. The counters are read behind the limit, at the
//! link whose bucket it is, and the bucket tells how often a packet had to wait.

use std::time::Instant;

use crate::node::uplink::{Bucket, Direction, Flow};
use crate::node::{Node, Uplink};
use crate::record::{BlockState, Ceiling, CeilingLevel};
use crate::scenario::Resource;

/// A rate may be passed by this share, in percent, as the kernel's selftests allow for a quota of CPU.
const TOLERANCE_PERCENT: u64 = 10;
/// A rate counts as used up from this share of it on, in percent.
const NEAR_PERCENT: u64 = 90;

/// What is seen of the limits of one sandbox's link, and of the uplink.
#[derive(Debug, Default)]
pub struct Seen {
    /// At the beginning of the stretch of attack that goes on.
    open: Option<(Instant, Now)>,
    stretches: Vec<Stretch>,
    /// Before the first attack.
    first: Option<Now>,
    last: Option<Now>,
}

/// What the kernel says at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Now {
    flows: Vec<Flow>,
    uplink_bytes: u64,
}

/// From one start of the attack to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    elapsed_us: u64,
    /// Bytes of each flow.
    bytes: Vec<u64>,
    uplink_bytes: u64,
}

impl Seen {
    /// Before the attack is switched on or off: a stretch of attack begins, goes on, or is over.
    pub fn turning(&mut self, to: BlockState, sandbox: &str, uplink: &Uplink) {
        let Some(now) = now(sandbox, uplink) else { return };
        if self.first.is_none() {
            self.first = Some(now.clone());
        }
        self.last = Some(now.clone());
        match (to, &self.open) {
            (BlockState::On, None) => self.open = Some((Instant::now(), now)),
            (BlockState::Off, Some((begun, before))) => {
                let elapsed_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                let bytes = now.flows.iter().zip(&before.flows);
                self.stretches.push(Stretch {
                    elapsed_us: elapsed_us.max(1),
                    bytes: bytes.map(|(now, old)| now.bytes.saturating_sub(old.bytes)).collect(),
                    uplink_bytes: now.uplink_bytes.saturating_sub(before.uplink_bytes),
                });
                self.open = None;
            }
            _ => {}
        }
    }

    /// A sentence for each limit that is not in force any more, with its knob.
    #[must_use]
    pub fn look(sandbox: &str, uplink: &Uplink) -> Vec<(String, String)> {
        // A sandbox that is gone has taken its link along, and with it whatever could pass the limit.
        let Ok(flows) = uplink.flows(sandbox) else { return Vec::new() };
        let changed = |flow: &Flow| flow.in_force != Some(flow.bits_per_second / 8 * 8);
        let finding = |flow: Flow| {
            let reads = match flow.in_force {
                Some(bits) => format!("reads {bits} bits a second"),
                None => "is gone".to_owned(),
            };
            let (knob, asked) = (knob(flow.direction), flow.bits_per_second);
            (
                knob.to_owned(),
                format!("{knob} of {} {reads} though {asked} was asked for", flow.link),
            )
        };
        flows.into_iter().filter(changed).map(finding).collect()
    }

    /// The ceilings of all limits of the link.
    #[must_use]
    pub fn ceilings(&self, node: &Node) -> Vec<Ceiling> {
        let Some((last, first)) = self.last.as_ref().zip(self.first.as_ref()) else {
            return Vec::new();
        };
        let capacity = node.spec.uplink_bits_per_second.unwrap_or(u64::MAX);
        let of = |(index, flow): (usize, &Flow)| {
            let before = first.flows.get(index).map(|flow| flow.counted).unwrap_or_default();
            let waited = flow.counted.overlimits.saturating_sub(before.overlimits);
            let dropped = flow.counted.drops.saturating_sub(before.drops);
            self.ceiling(index, flow, (waited, dropped), capacity)
        };
        last.flows.iter().enumerate().map(of).collect()
    }

    fn ceiling(
        &self,
        index: usize,
        flow: &Flow,
        (waited, dropped): (u64, u64),
        capacity: u64,
    ) -> Ceiling {
        let limit = flow.bits_per_second;
        let kept = self.stretches.iter().all(|stretch| stretch.is_within(index, limit));
        // What the uplink carries to the node is not watched: nothing that attacks loads it unasked.
        let node_peak = match flow.direction {
            Direction::Egress => self.stretches.iter().map(Stretch::uplink_rate).max(),
            Direction::Ingress => None,
        };
        let near = |rate: Option<u64>, most: u64| {
            rate.is_some_and(|rate| rate >= most / 100 * NEAR_PERCENT)
        };
        let peak = self.stretches.iter().map(|stretch| stretch.rate(index)).max();
        Ceiling {
            resource: Resource::Network,
            knob: knob(flow.direction).to_owned(),
            limit,
            peak,
            peak_source: "tx_bytes of the link, over the busiest stretch of attack".to_owned(),
            counter: Some("tbf overlimits".to_owned()),
            count: Some(waited),
            kept,
            // Both counters are the limit's own, so a full uplink, which the victim may have filled, proves nothing against them.
            level: match (near(peak, limit) && waited > 0, near(node_peak, capacity)) {
                (true, _) => CeilingLevel::Sandbox,
                (false, true) => CeilingLevel::Node,
                (false, false) => CeilingLevel::Inferred,
            },
            node_peak,
            note: format!(
                "bits a second, Ethernet headers included, read at the node's end behind the limit; it let {} bytes go at once, and \
                 threw {dropped} packets away",
                Bucket::of_bits(limit).burst()
            ),
        }
    }
}

impl Stretch {
    /// Bits a second of a flow.
    fn rate(&self, index: usize) -> u64 {
        self.per_second(self.bytes.get(index).copied().unwrap_or(0))
    }

    /// Bits a second on the uplink.
    fn uplink_rate(&self) -> u64 {
        self.per_second(self.uplink_bytes)
    }

    fn per_second(&self, bytes: u64) -> u64 {
        let bits = u128::from(bytes) * 8 * 1_000_000 / u128::from(self.elapsed_us);
        u64::try_from(bits).unwrap_or(u64::MAX)
    }

    /// Whether a rate allows it, with the burst that had gathered before.
    fn is_within(&self, index: usize, bits: u64) -> bool {
        let bytes = self.bytes.get(index).copied().unwrap_or(0);
        let bucket = Bucket::of_bits(bits);
        let given = u128::from(bucket.bytes_per_second) * u128::from(self.elapsed_us) / 1_000_000;
        let most = given * u128::from(100 + TOLERANCE_PERCENT) / 100;
        u128::from(bytes) <= most + u128::from(bucket.burst())
    }
}

fn now(sandbox: &str, uplink: &Uplink) -> Option<Now> {
    let flows = uplink.flows(sandbox).ok()?;
    let (uplink_bytes, _) = uplink.carried().ok()?;
    (!flows.is_empty()).then_some(Now { flows, uplink_bytes })
}

/// The name of a limit, the same in every run.
const fn knob(direction: Direction) -> &'static str {
    match direction {
        Direction::Egress => "tbf egress",
        Direction::Ingress => "tbf ingress",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(bytes: u64) -> Stretch {
        Stretch { elapsed_us: 500_000, bytes: vec![bytes], uplink_bytes: 2 * bytes }
    }

    #[test]
    fn a_rate_may_be_passed_by_a_tenth_and_a_burst() {
        // 10 Mbit/s are 625,000 bytes in half a second, and the burst is 6,250.
        assert!(stretch(625_000).is_within(0, 10_000_000));
        assert!(stretch(687_500 + 6_250).is_within(0, 10_000_000));
        assert!(!stretch(687_500 + 6_251).is_within(0, 10_000_000));
        assert_eq!(stretch(625_000).rate(0), 10_000_000);
        assert_eq!(stretch(625_000).uplink_rate(), 20_000_000);
    }

    #[test]
    fn whose_limit_it_was_depends_on_the_uplink() {
        let counted = crate::node::uplink::Counted::default();
        let flow = Flow {
            direction: Direction::Egress,
            link: "ct-0badcafeao".to_owned(),
            bits_per_second: 10_000_000,
            in_force: Some(10_000_000),
            bytes: 0,
            counted,
        };
        let seen = Seen { stretches: vec![stretch(620_000)], ..Seen::default() };
        let of = |waited, capacity| seen.ceiling(0, &flow, (waited, 3), capacity).level;
        assert_eq!(of(5, 100_000_000), CeilingLevel::Sandbox);
        assert_eq!(of(5, 20_000_000), CeilingLevel::Sandbox, "whoever filled the uplink");
        assert_eq!(of(0, 20_000_000), CeilingLevel::Node, "nothing waited for the own limit");
        assert_eq!(of(0, 100_000_000), CeilingLevel::Inferred, "nothing ever waited");
        let ceiling = seen.ceiling(0, &flow, (5, 3), 100_000_000);
        assert!(ceiling.kept && ceiling.note.contains("threw 3 packets away"));
        assert_eq!(ceiling.peak, Some(9_920_000));
    }
}
