//! The pairs of blocks of a case: how many, which, and when there are enough.

use std::collections::BTreeMap;
use std::time::Instant;

use contain_test_workloads::PROBES;
use contain_test_workloads::protocol::Pace;

use super::blocks::{self, BlockResult};
use super::cpu_time::{CpuTime, Unaccounted};
use super::scene::Scene;
use super::schedule::{self, BLOCK_MS, Planned, What};
use super::stage::Stage;
use super::surroundings::Surroundings;
use super::{EngineError, Event, inject};
use crate::analyze;
use crate::record::{Block, BlockMode, BlockState, Case, Verdict};
use crate::scenario::{Config, Control, Placement, Target};

/// An open case stops once this many latency pairs are all denied.
const PLAIN_PAIRS: u32 = 4;
/// How often a case that is neither clearly contained nor clearly leaking gets fresh pairs.
const EXTENSIONS: u32 = 2;

/// What is summed up over all blocks of a case.
#[derive(Default)]
struct Tally {
    done: u32,
    unaccounted: Unaccounted,
}

/// Runs the blocks of a case: the planned ones, and more while the own resource is undecided or a slowdown waits for its
/// confirmation. False when the victim did not live to see the end of them.
///
/// # Errors
/// [`EngineError::Signal`]; an attack that cannot be switched.
pub fn pairs(
    scene: &mut Scene,
    paces: &BTreeMap<String, Pace>,
    case: &mut Case,
    around: &mut Surroundings<'_>,
    stage: &mut Stage<'_>,
) -> Result<bool, EngineError> {
    let probes = capacity_probes(stage.config, case);
    let mut tally = Tally::default();
    let plan = schedule::blocks(&probes);
    let mut lives = run_blocks(scene, &plan, paces, case, around, stage, &mut tally)?;
    for round in 0..EXTENSIONS {
        if !lives
            || inject::pairs().is_some()
            || is_settled(case, &scene.own, stage.config, around.seed)
        {
            break;
        }
        let plan = schedule::more_blocks(round, &probes);
        lives = run_blocks(scene, &plan, paces, case, around, stage, &mut tally)?;
    }
    Ok(lives)
}

/// Denials and containment need no more evidence; a slowdown is reported only when fresh pairs confirm it.
fn is_settled(case: &Case, own: &str, config: &Config, seed: u64) -> bool {
    if config.control == Some(Control::Open) && is_plain(case, own) {
        return true;
    }
    let (tolerances, own) = (&config.tolerances, case.resource);
    let rules = analyze::CellRules { own, named: &[], tolerances, seed };
    let cells = analyze::judge_cells(&case.blocks, &rules);
    let undecided = |verdict| matches!(verdict, Verdict::Inconclusive | Verdict::Degraded);
    !cells.iter().any(|cell| cell.verdict.is_some_and(undecided))
}

/// Runs the planned blocks. False when the victim did not live to see the end of them.
fn run_blocks(
    scene: &mut Scene,
    plan: &[Planned],
    paces: &BTreeMap<String, Pace>,
    case: &mut Case,
    around: &mut Surroundings<'_>,
    stage: &mut Stage<'_>,
    tally: &mut Tally,
) -> Result<bool, EngineError> {
    let planned = tally.done + u32::try_from(plan.len()).unwrap_or(0);
    for (done, next) in (tally.done..).zip(plan) {
        if scene.control == Some(Control::Open) && is_plain(case, &scene.own) {
            break;
        }
        scene.turn(next.state, around, stage)?;
        let (state, mode) = (next.state, next.mode());
        let config = stage.name();
        stage.say(Event::BlockStarted { config, state, mode, done, planned });
        let cpu_before = CpuTime::now(&scene.node.group);
        let result = blocks::measure(
            &mut scene.victim,
            around.signals,
            BLOCK_MS,
            &schedule::orders(next, paces),
        )?;
        let elapsed = result.span.1 - result.span.0;
        tally.unaccounted.add(
            state,
            CpuTime::now(&scene.node.group).unaccounted_since(&cpu_before),
            elapsed,
        );
        scene.watchdog.look(&scene.attacker, &scene.node);
        scene.watchdog.escaped.extend(scene.lookout.escaped());
        let gone = result.victim_is_gone;
        let block = recorded(scene.begun, next, result);
        let failures = block.probes.iter().flat_map(|probe| probe.failures.values()).sum();
        case.blocks.push(block);
        let config = stage.name();
        stage.say(Event::BlockFinished { config, state, mode, failures });
        if gone {
            case.blocks.extend(rest(plan, done, tally.done).map(|next| unmeasured(scene, next)));
            return Ok(false);
        }
    }
    tally.done = planned;
    case.out_of_band_cpu_seconds = tally.unaccounted.beyond_quiet();
    Ok(true)
}

/// The blocks of a plan after the one numbered `done`, where the plan's first is numbered `first`.
fn rest(plan: &[Planned], done: u32, first: u32) -> impl Iterator<Item = &Planned> {
    let ran = usize::try_from(done - first).unwrap_or(usize::MAX).saturating_add(1);
    plan.iter().skip(ran)
}

/// A block that a dead victim never ran: its windows count as missing, not as if they had never been planned.
fn unmeasured(scene: &Scene, planned: &Planned) -> Block {
    let now = Instant::now();
    let probes = match &planned.what {
        What::Latency => PROBES.map(blocks::missing).to_vec(),
        What::Capacity(probe) => vec![blocks::missing(probe)],
    };
    recorded(scene.begun, planned, BlockResult { probes, span: (now, now), victim_is_gone: true })
}

fn recorded(begun: Instant, planned: &Planned, result: BlockResult) -> Block {
    let since = |at: Instant| (at - begun).as_secs_f64() * 1e3;
    Block {
        pair: planned.pair,
        state: planned.state,
        mode: planned.mode(),
        start_ms: since(result.span.0),
        end_ms: since(result.span.1),
        attacker_cpu_seconds: None,
        probes: result.probes,
    }
}

/// The probes that get capacity blocks: those of the own resource, of resources that `expect` names, and of cpu when
/// attacker and victim share CPUs.
fn capacity_probes(config: &Config, case: &Case) -> Vec<String> {
    let named = |resource: &str| {
        resource == case.resource.name()
            || config.expect.iter().any(|expectation| match &expectation.target {
                Target::Own => false,
                Target::Named(named, _) => named.name() == resource,
            })
            || (resource == "cpu" && case.placement == Placement::Together)
    };
    PROBES
        .into_iter()
        .filter(|probe| probe.split('/').next().is_some_and(named))
        .map(str::to_owned)
        .collect()
}

/// The probe of a case's own resource.
#[must_use]
pub fn own_probe(case: &Case) -> String {
    let prefix = format!("{}/", case.resource.name());
    PROBES.into_iter().find(|probe| probe.starts_with(&prefix)).unwrap_or(PROBES[0]).to_owned()
}

/// True when every operation of the own probe failed in the first on-blocks, and none in the off-blocks beside them.
fn is_plain(case: &Case, own: &str) -> bool {
    let samples = |wanted: BlockState| {
        case.blocks
            .iter()
            .filter(move |block| block.mode == BlockMode::Latency && block.state == wanted)
            .filter_map(|block| block.probes.iter().find(|probe| probe.probe == own))
    };
    let pairs = u32::try_from(samples(BlockState::On).count()).unwrap_or(0);
    pairs >= PLAIN_PAIRS
        && samples(BlockState::Off).count() == samples(BlockState::On).count()
        && samples(BlockState::On).all(|sample| sample.attempts > 0 && sample.done == 0)
        && samples(BlockState::Off).all(|sample| sample.failures.is_empty() && !sample.missing)
}
