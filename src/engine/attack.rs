//! Switching the attack on and off, and being sure of both.
//!
//! On means that the workload has reached its hold state. Off means that it holds nothing and the node's counters are
//! back where they were before the first attack.

use std::time::{Duration, Instant};

use contain_test_workloads::protocol::{self, Counts, Order, Reply};

use super::EngineError;
use super::conversation::require;
use super::signals::Signals;
use crate::cgroup::Group;
use crate::node::Node;
use crate::record::{Attack, BlockState};
use crate::sandbox::Sandbox;
use crate::scenario::Burst;

/// An attack with many workers takes long to begin under a small share of a CPU, and everything takes long on an emulated machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The node must be quiet again within this time.
const QUIET_LIMIT: Duration = Duration::from_secs(5);
const QUIET_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);
/// Freed tasks and page tables are given back by RCU a little after the counters show it.
const SETTLE: Duration = Duration::from_millis(20);
/// Memory of the node may stay this far above its quiet value: per-CPU batches and caches of freed objects.
const MEMORY_SLACK: u64 = 16 << 20;

/// The node's counters when nothing is attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    attacker_pids: Option<u64>,
    node_pids: Option<u64>,
    node_memory: Option<u64>,
    /// Bytes that wait in queues of the uplink. A quiet one has none, or next to none.
    queued: Option<u64>,
}

impl Quiet {
    /// Reads them; tasks of the groups `apart`, which come and go by themselves, do not count.
    #[must_use]
    pub fn now(node: &Node, attacker: &Group, apart: &[Group]) -> Self {
        Self {
            attacker_pids: attacker.counters().pids(),
            node_pids: tasks_of(node, apart),
            node_memory: node.group.counters().memory_held(),
            queued: queued_at(node),
        }
    }

    /// What is still above its quiet value, or nothing. What is cheap to ask is asked first, and when it tells, no more is asked.
    fn disturbance(&self, node: &Node, attacker: &Group, apart: &[Group]) -> Option<String> {
        above("tasks of the attacker", attacker.counters().pids(), self.attacker_pids, 0)
            .or_else(|| above("tasks of the node", tasks_of(node, apart), self.node_pids, 0))
            .or_else(|| {
                // What a program read of its own file stays cached after its end, and is in nobody's way.
                let held = node.group.counters().memory_held();
                above("bytes of the node", held, self.node_memory, MEMORY_SLACK)
            })
            .or_else(|| above("bytes queued at links", queued_at(node), self.queued, 0))
    }
}

fn tasks_of(node: &Node, apart: &[Group]) -> Option<u64> {
    let others: u64 = apart.iter().filter_map(|group| group.counters().pids()).sum();
    node.group.counters().pids().map(|all| all.saturating_sub(others))
}

fn queued_at(node: &Node) -> Option<u64> {
    node.uplink.as_ref().and_then(|uplink| uplink.backlog().ok())
}

/// A sentence when something is more than its quiet value and a little. What is not known is not above anything.
fn above(what: &str, now: Option<u64>, quiet: Option<u64>, slack: u64) -> Option<String> {
    let (now, quiet) = now.zip(quiet)?;
    (now > quiet.saturating_add(slack)).then(|| format!("{what}: {now}, quiet {quiet}"))
}

/// What the attacker's sandbox does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Nothing: it holds nothing.
    Off,
    /// The attack.
    Attack,
    /// As many tasks, which burn CPU and do nothing else.
    Placebo {
        /// Tasks that burn.
        tasks: u64,
        /// How each of them burns.
        burst: Burst,
    },
}

impl Load {
    fn order(self) -> Order {
        match self {
            Self::Off => Order::Stop,
            Self::Attack => Order::Start,
            Self::Placebo { tasks, burst: Burst { busy_us, period_us } } => {
                Order::Placebo { tasks, burst: protocol::Burst { busy_us, period_us } }
            }
        }
    }
}

impl From<BlockState> for Load {
    fn from(state: BlockState) -> Self {
        match state {
            BlockState::Off => Self::Off,
            BlockState::On => Self::Attack,
        }
    }
}

/// The attack of one case: on or off, and what it counted.
#[derive(Debug)]
pub struct Switch {
    state: Load,
    quiet: Quiet,
    apart: Vec<Group>,
    counts: Counts,
    starts: u64,
    workers: u64,
}

impl Switch {
    /// Off, as a case begins. Tasks of the groups `apart` have nothing to do with the attack.
    #[must_use]
    pub fn new(node: &Node, attacker: &Group, apart: Vec<Group>) -> Self {
        let quiet = Quiet::now(node, attacker, &apart);
        Self { state: Load::Off, quiet, apart, counts: Counts::default(), starts: 0, workers: 0 }
    }

    /// Whether the attacker does something now that would end if it were switched to `load`.
    #[must_use]
    pub fn would_end(&self, load: Load) -> bool {
        self.state != Load::Off && self.state != load
    }

    /// Switches, if needed. Returns how long that took, or nothing when it was so already.
    ///
    /// # Errors
    /// [`EngineError::Signal`]; an attack that does not reach its hold state; a node that does not become quiet.
    pub fn turn(
        &mut self,
        to: Load,
        node: &Node,
        attacker: &mut Sandbox,
        signals: &mut Signals,
    ) -> Result<Option<Duration>, EngineError> {
        if self.state == to {
            return Ok(None);
        }
        let begun = Instant::now();
        // From one load to another the way leads over none.
        if self.state != Load::Off {
            self.order(Load::Off, attacker, signals)?;
            self.wait_until_quiet(node, &attacker.group, signals)?;
        }
        if to != Load::Off {
            self.order(to, attacker, signals)?;
        }
        Ok(Some(begun.elapsed()))
    }

    fn order(
        &mut self,
        to: Load,
        attacker: &mut Sandbox,
        signals: &mut Signals,
    ) -> Result<(), EngineError> {
        let order = to.order();
        match (require(attacker, signals, &order, ANSWER_LIMIT)?, to) {
            // What a placebo holds is no attack.
            (Reply::Holding(_), Load::Placebo { .. }) => {}
            (Reply::Holding(counts) | Reply::Stopped(counts), _) => self.counts = counts,
            (other, _) => {
                return Err(EngineError::Failed(format!(
                    "sandbox `{}` answered {other:?} to {order:?}",
                    attacker.name
                )));
            }
        }
        self.starts += u64::from(to == Load::Attack);
        self.workers = if to == Load::Attack { self.counts.workers } else { self.workers };
        self.state = to;
        Ok(())
    }

    /// How many workers the attack had when it had reached its hold state the last time.
    #[must_use]
    pub const fn workers(&self) -> u64 {
        self.workers
    }

    fn wait_until_quiet(
        &self,
        node: &Node,
        attacker: &Group,
        signals: &mut Signals,
    ) -> Result<(), EngineError> {
        let begun = Instant::now();
        while let Some(what) = self.quiet.disturbance(node, attacker, &self.apart) {
            signals.check()?;
            if begun.elapsed() > QUIET_LIMIT {
                return Err(EngineError::Unanswered(format!(
                    "the node did not become quiet within 5 s of the attack's end: {what}"
                )));
            }
            // Who has waited for long can wait a little longer, and each look costs CPU time.
            std::thread::sleep((begun.elapsed() / 8).clamp(QUIET_PAUSE, LONGEST_PAUSE));
        }
        std::thread::sleep(SETTLE);
        Ok(())
    }

    /// What the attacker said the last time that it was asked.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What the attacker counted of itself.
    #[must_use]
    pub fn attack(&self) -> Attack {
        Attack {
            operations: self.counts.operations,
            refusals: self.counts.refusals.clone(),
            peak: self.counts.peak,
            peak_bytes: self.counts.peak_bytes,
            respawns: self.counts.respawns,
            kills: self.counts.kills,
            starts: self.starts,
            stopped_by: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_too_many_is_a_disturbance_and_a_little_memory_is_not() {
        let tasks = |now: u64| above("tasks of the attacker", Some(now), Some(1), 0);
        assert_eq!((tasks(1), tasks(0)), (None, None));
        assert_eq!(tasks(2).unwrap(), "tasks of the attacker: 2, quiet 1");
        let memory =
            |now: u64| above("bytes of the node", Some(now << 20), Some(1 << 20), MEMORY_SLACK);
        assert_eq!(memory(9), None);
        assert!(memory(100).is_some());
        assert_eq!(above("bytes queued at links", Some(106), None, 0), None);
        assert_eq!(above("bytes queued at links", None, Some(0), 0), None);
        assert!(above("bytes queued at links", Some(106), Some(0), 0).is_some());
    }
}
