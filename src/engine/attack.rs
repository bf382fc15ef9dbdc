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

const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// The node must be quiet again within this time.
const QUIET_LIMIT: Duration = Duration::from_secs(5);
const QUIET_PAUSE: Duration = Duration::from_millis(2);
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
}

impl Quiet {
    /// Reads them.
    #[must_use]
    pub fn now(node: &Node, attacker: &Group) -> Self {
        Self {
            attacker_pids: attacker.counters().pids(),
            node_pids: node.group.counters().pids(),
            node_memory: node.group.counters().memory(),
        }
    }

    /// What is still above its quiet value, or nothing.
    fn disturbance(&self, now: &Self) -> Option<String> {
        let above = |now: Option<u64>, quiet: Option<u64>, slack: u64| match (now, quiet) {
            (Some(now), Some(quiet)) if now > quiet.saturating_add(slack) => Some((now, quiet)),
            _ => None,
        };
        let say = |what: &str, (now, quiet): (u64, u64)| format!("{what}: {now}, quiet {quiet}");
        above(now.attacker_pids, self.attacker_pids, 0)
            .map(|pair| say("tasks of the attacker", pair))
            .or_else(|| {
                above(now.node_pids, self.node_pids, 0).map(|pair| say("tasks of the node", pair))
            })
            .or_else(|| {
                above(now.node_memory, self.node_memory, MEMORY_SLACK)
                    .map(|pair| say("bytes of the node", pair))
            })
    }
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
    counts: Counts,
    starts: u64,
    held: u64,
}

impl Switch {
    /// Off, as a case begins.
    #[must_use]
    pub fn new(quiet: Quiet) -> Self {
        Self { state: Load::Off, quiet, counts: Counts::default(), starts: 0, held: 0 }
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
        self.held = if to == Load::Attack { self.counts.held } else { self.held };
        self.state = to;
        Ok(())
    }

    /// What the attack held when it had reached its hold state the last time.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    fn wait_until_quiet(
        &self,
        node: &Node,
        attacker: &Group,
        signals: &mut Signals,
    ) -> Result<(), EngineError> {
        let begun = Instant::now();
        while let Some(what) = self.quiet.disturbance(&Quiet::now(node, attacker)) {
            signals.check()?;
            if begun.elapsed() > QUIET_LIMIT {
                return Err(EngineError::Failed(format!(
                    "the node did not become quiet within 5 s of the attack's end: {what}"
                )));
            }
            std::thread::sleep(QUIET_PAUSE);
        }
        std::thread::sleep(SETTLE);
        Ok(())
    }

    /// What the attacker counted of itself.
    #[must_use]
    pub fn attack(&self) -> Attack {
        Attack {
            operations: self.counts.operations,
            refusals: self.counts.refusals.clone(),
            peak: self.counts.peak,
            respawns: self.counts.respawns,
            starts: self.starts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_too_many_is_a_disturbance_and_a_little_memory_is_not() {
        let quiet =
            Quiet { attacker_pids: Some(1), node_pids: Some(4), node_memory: Some(1 << 20) };
        assert_eq!(quiet.disturbance(&quiet), None);
        let one_more = Quiet { attacker_pids: Some(2), ..quiet };
        assert!(quiet.disturbance(&one_more).unwrap().contains("tasks of the attacker: 2"));
        let batch = Quiet { node_memory: Some(9 << 20), ..quiet };
        assert_eq!(quiet.disturbance(&batch), None);
        let held = Quiet { node_memory: Some(100 << 20), ..quiet };
        assert!(quiet.disturbance(&held).is_some());
    }
}
