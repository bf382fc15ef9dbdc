//! Through which resource an effect came: a cell speaks of its own resource.
//!
//! Whoever shares a CPU with an attacker is slower at everything. That belongs into the cpu cell, and must not make another
//! resource look leaky. Three things tell: a burner of CPU does nothing else, so whatever else it slows, it slows through
//! the CPU; a placebo, which burns as much CPU as the attack and does nothing else, shows what is left besides; and without
//! either, a victim that was starved of CPU proves nothing about another resource.

use super::cell::{CellRules, Measured};
use super::failures::Finding;
use super::pairs::FirstPairs;
use super::starved;
use super::stats::Bootstrap;
use crate::record::{Beside, BlockState, Case, Cell, Verdict, slowdown};
use crate::scenario::Resource;

/// What the judge knows of a cell besides its record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// What failed operations say.
    pub finding: Finding,
    /// Whether its speed is judged.
    pub asked: bool,
    /// Its latency, or that operations came too late, looks like a leak that fresh pairs have not confirmed.
    pub suspected_latency: bool,
    /// The same of its capacity.
    pub suspected_capacity: bool,
    /// Its latency decides nothing yet, or waits for its confirmation.
    pub wants_latency: bool,
    /// The same of its capacity.
    pub wants_capacity: bool,
    /// The probe itself waited for a CPU under attack.
    pub waits: bool,
}

/// Sets `via` and changes the verdicts of cells whose effect came through the CPU. A failed operation is never excused; one
/// that missed its deadline may be.
pub(super) fn attribute(
    cells: &mut [Cell],
    known: &[Known],
    rules: &CellRules<'_>,
    bootstrap: &mut Bootstrap,
) {
    if rules.is_sham {
        return;
    }
    let starved = starved::by_capacity(cells);
    for (cell, &known) in cells.iter_mut().zip(known) {
        if cell.resource == Resource::Cpu
            && is_slow(cell, known)
            && waits_for_others(cell, rules.apart)
        {
            cell.verdict = Some(Verdict::Inconclusive);
        }
        if cell.resource == Resource::Cpu || !is_suspect(cell, known) {
            continue;
        }
        if let Some(beside) = beside_placebo(cell, rules, bootstrap) {
            let seen = beside.verdict(known.asked);
            cell.beside_placebo = Some(beside.beside());
            if seen != Some(Verdict::Degraded) && seen != Some(Verdict::Denied) {
                cell.via = Some(Resource::Cpu);
            }
            cell.verdict = seen;
        } else if rules.own == Resource::Cpu {
            cell.via = Some(Resource::Cpu);
            cell.verdict = known.asked.then_some(Verdict::Contained);
        } else if starved || known.waits {
            cell.via = Some(Resource::Cpu);
            cell.verdict = known.asked.then_some(Verdict::Inconclusive);
        }
    }
}

/// A leak by speed: degraded, or denied by nothing but missed deadlines.
fn is_slow(cell: &Cell, known: Known) -> bool {
    match cell.verdict {
        Some(Verdict::Degraded) => true,
        Some(Verdict::Denied) => known.finding == Finding::DeniedLate,
        _ => false,
    }
}

/// See [`CellRules::apart`]; `None` too before all blocks are measured.
pub(super) fn apart(case: &Case) -> Option<f64> {
    let on = case.blocks.iter().filter(|block| block.state == BlockState::On);
    let seconds: f64 = on.map(|block| (block.end_ms - block.start_ms) / 1e3).sum();
    let measurable = case.shared_cpus == Some(0) && seconds > 0.0;
    case.out_of_band_cpu_seconds.filter(|_| measurable).map(|spent| spent / seconds)
}

/// All that a CPU probe lost it lost waiting for a CPU that the attacker may not use, and not for what the kernel did on the attacker's
/// behalf either. An attack moves third parties from its own CPUs to those of others; whose share they take there is a matter of
/// the machine, and no leak of the sandbox.
/// `apart` is that of [`CellRules`].
pub(super) fn waits_for_others(cell: &Cell, apart: Option<f64>) -> bool {
    let net = cell.net.and_then(|net| net.isol);
    let (Some(apart), Some(gross), Some(net)) = (apart, cell.isol, net) else { return false };
    let lost = 1.0 - gross.median;
    net.median >= 1.0 - cell.tolerance && lost - apart > cell.tolerance
}

/// Slower or late, judged or only shown; cells with failed operations other than missed deadlines are no suspects, and
/// neither are those that are fine.
fn is_suspect(cell: &Cell, known: Known) -> bool {
    match cell.verdict {
        None => {
            known.finding == Finding::Late
                || slowdown(cell).is_some_and(|by| by > 1.0 + cell.tolerance)
        }
        Some(Verdict::Degraded | Verdict::Inconclusive) => true,
        Some(Verdict::Denied) => known.finding == Finding::DeniedLate,
        Some(_) => false,
    }
}

/// The same probe under attack against the placebo instead of the quiet node.
fn beside_placebo(
    cell: &Cell,
    rules: &CellRules<'_>,
    bootstrap: &mut Bootstrap,
) -> Option<Measured> {
    if rules.placebo.is_empty() {
        return None;
    }
    let probe = (cell.resource, cell.probe.as_str());
    // They were measured to decide a suspicion, so all of them are fresh.
    let first = FirstPairs { latency: 0, capacity: 0 };
    let measured = Measured::of(rules.placebo, probe, (cell.tolerance, first), bootstrap);
    (measured.cell.latency_pairs + measured.cell.capacity_pairs > 0).then_some(measured)
}

impl Measured {
    /// What was measured, without what it was compared with.
    fn beside(&self) -> Beside {
        Beside {
            isol: self.cell.isol,
            mean: self.cell.lat_imp.map(|impact| impact.mean),
            p50: self.cell.lat_imp.map(|impact| impact.p50),
        }
    }
}
