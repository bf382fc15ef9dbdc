//! What more would decide a case. Pure.

use super::attribution::Known;
use super::cell::{CellRules, judged_cells};
use super::failures::Finding;
use super::tolerance::resource_of_probe;
use crate::record::{Block, Verdict};
use crate::scenario::{Resource, is_judged};

/// What would decide a case that its blocks do not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Fresh pairs of latency blocks.
    pub latency: bool,
    /// Fresh pairs of capacity blocks of these probes, in the order of the report.
    pub capacity: Vec<String>,
    /// Another resource than the CPU seems slower: where attacker and victim share CPUs, only a placebo can tell why.
    pub besides_cpu: bool,
    /// The same, and its probe waited for a CPU under attack: wherever that is, only a placebo can tell why.
    pub waits_for_cpu: bool,
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
    wanted_by(blocks, rules, |known| Some((known.wants_latency, known.wants_capacity)))
}

/// The same for cells that look like a leak and for no other: what would confirm that. One kind of blocks is enough.
#[must_use]
pub fn wanted_by_suspicions(blocks: &[Block], rules: &CellRules<'_>) -> Wanted {
    wanted_by(blocks, rules, |known| match (known.suspected_latency, known.suspected_capacity) {
        (false, false) => None,
        (latency, _) => Some((latency, !latency)),
    })
}

/// `kinds` says of a cell whether latency pairs and capacity pairs would help; of one that does not count, nothing.
fn wanted_by(
    blocks: &[Block],
    rules: &CellRules<'_>,
    kinds: fn(&Known) -> Option<(bool, bool)>,
) -> Wanted {
    let mut wanted = Wanted::default();
    for (cell, known) in judged_cells(blocks, rules) {
        let Some((latency, capacity)) = kinds(&known) else { continue };
        let is_open = match cell.verdict {
            Some(Verdict::Inconclusive) => true,
            None => known.finding == Finding::Late && cell.via.is_none() && is_judged(&cell.probe),
            Some(_) => false,
        };
        if !is_open {
            continue;
        }
        wanted.besides_cpu |= cell.resource != Resource::Cpu;
        wanted.waits_for_cpu |= cell.resource != Resource::Cpu && known.waits;
        if cell.via.is_none() {
            wanted.latency |= latency;
            if capacity {
                wanted.capacity.push(cell.probe);
            }
        }
    }
    wanted
}
