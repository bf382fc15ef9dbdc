//! How many pairs of blocks a case needs: those it begins with, and what more would decide it. Pure.

use super::cell::{CellRules, judged_cells};
use super::failures::Finding;
use super::tolerance::resource_of_probe;
use crate::record::{Block, Verdict};
use crate::scenario::{Resource, Trials};

/// Pairs of latency blocks that a case begins with.
pub const LATENCY_PAIRS: u32 = 10;
/// Pairs of capacity blocks that a case begins with, for each probe that has them.
pub const CAPACITY_PAIRS: u32 = 6;

/// How many pairs of each kind a case begins with. Pairs with these numbers and above are *fresh*: measured because the
/// first ones did not settle the case, and not seen when the suspicion arose that they are to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPairs {
    /// Pairs of latency blocks.
    pub latency: u32,
    /// Pairs of capacity blocks of each probe.
    pub capacity: u32,
}

impl FirstPairs {
    /// What the scenario asks for, else [`LATENCY_PAIRS`] and [`CAPACITY_PAIRS`].
    #[must_use]
    pub fn of(trials: &Trials) -> Self {
        trials.pairs.map_or(Self { latency: LATENCY_PAIRS, capacity: CAPACITY_PAIRS }, |pairs| {
            Self { latency: pairs, capacity: pairs }
        })
    }
}

/// What would decide a case that its blocks do not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Fresh pairs of latency blocks.
    pub latency: bool,
    /// Fresh pairs of capacity blocks of these probes, in the order of the report.
    pub capacity: Vec<String>,
    /// Another resource than the CPU seems slower: where attacker and victim share CPUs, only a placebo can tell why.
    pub besides_cpu: bool,
}

impl Wanted {
    /// True when every cell is decided: denied, contained, or slower and confirmed.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        !self.latency && self.capacity.is_empty() && !self.besides_cpu
    }

    /// Only what would decide the cpu cells.
    #[must_use]
    pub fn of_cpu(&self) -> Self {
        let is_of_cpu = |probe: &&String| resource_of_probe(probe) == Some(Resource::Cpu);
        Self {
            capacity: self.capacity.iter().filter(is_of_cpu).cloned().collect(),
            ..Self::default()
        }
    }
}

/// What would decide the cells of a case: nothing for those that are denied or contained, fresh pairs of the kind that leaves
/// a cell undecided or only suspected.
#[must_use]
pub fn wanted(blocks: &[Block], rules: &CellRules<'_>) -> Wanted {
    let mut wanted = Wanted::default();
    for (cell, known) in judged_cells(blocks, rules) {
        let is_open = match cell.verdict {
            Some(Verdict::Inconclusive) => true,
            None => known.finding == Finding::Late && cell.via.is_none(),
            Some(_) => false,
        };
        if !is_open {
            continue;
        }
        wanted.besides_cpu |= cell.resource != Resource::Cpu;
        if cell.via.is_none() {
            wanted.latency |= known.wants_latency;
            if known.wants_capacity {
                wanted.capacity.push(cell.probe);
            }
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenario_may_say_how_many() {
        let own = FirstPairs { latency: LATENCY_PAIRS, capacity: CAPACITY_PAIRS };
        assert_eq!(FirstPairs::of(&Trials::default()), own);
        let six = Trials { pairs: Some(6), ..Trials::default() };
        assert_eq!(FirstPairs::of(&six), FirstPairs { latency: 6, capacity: 6 });
    }
}
