//! The pairs of blocks of a case: how many, which, and when there are enough.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contain_test_workloads::PROBES;
use contain_test_workloads::protocol::Pace;

use super::attack::Load;
use super::blocks::{self, BlockResult};
use super::cpu_time::{CpuTime, Unaccounted};
use super::placebo::{self, Asked};
use super::scene::Scene;
use super::schedule::{self, Planned, What};
use super::stage::Stage;
use super::surroundings::Surroundings;
use super::{EngineError, Event, inject};
use crate::analyze::{self, Wanted};
use crate::record::{Block, BlockMode, BlockState, Case};
use crate::scenario::{Config, Control, Placement, Resource, Target, is_judged};

/// An open case stops once this many latency pairs are all denied.
const PLAIN_PAIRS: u32 = 4;

/// A case while its blocks run.
pub struct Course<'a, 'run, 'stage> {
    /// What exists.
    pub scene: &'a mut Scene,
    /// How often each probe runs.
    pub paces: &'a BTreeMap<String, Pace>,
    /// What all cases share.
    pub around: &'a mut Surroundings<'run>,
    /// Where events go.
    pub stage: &'a mut Stage<'stage>,
    /// The probes that get capacity blocks.
    pub capacity: Vec<String>,
    /// Blocks that ran.
    done: u32,
    /// CPU time of the machine that belongs to nobody.
    unaccounted: Unaccounted,
    begun: Instant,
}

/// Runs the blocks of a case: the planned ones, and more while the own resource is undecided or a slowdown waits for its
/// confirmation, as long as there is time. False when the victim did not live to see the end of them.
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
    let capacity = capacity_probes(&scene.probes, stage.config, case);
    let (done, unaccounted, begun) = (0, Unaccounted::default(), Instant::now());
    let mut course = Course { scene, paces, around, stage, capacity, done, unaccounted, begun };
    // An open case may be plain by its latency alone, and then nothing else is measured.
    let may_stop = course.scene.control == Some(Control::Open);
    let plan = schedule::blocks(&course.capacity, &case.trials, may_stop);
    let mut lives = course.measured(&plan, case)?;
    let budget = Duration::from_millis(case.trials.budget_ms);
    // One round of fresh pairs is run in any case, for without it no slowdown could be confirmed.
    let mut is_first = true;
    while lives && inject::pairs().is_none() && (is_first || course.begun.elapsed() < budget) {
        is_first = false;
        if course.stage.config.control == Some(Control::Open) && is_plain(case, &course.scene.own) {
            if is_late_alone(case, &course.scene.own) {
                // What was only late counts once fresh pairs show it too.
                let wanted = Wanted { latency: true, ..Wanted::default() };
                let plan = schedule::more_blocks(&wanted, &case.blocks, &case.trials);
                lives = course.measured_whole(&plan, case)?;
            }
            break;
        }
        let mut wanted = course.wanted(case);
        if may_ask_a_placebo(case, &wanted) {
            // What the victim lost of the CPU itself is confirmed by pairs of its own.
            let plan = schedule::more_blocks(&wanted.of_cpu(), &case.blocks, &case.trials);
            lives = course.measured(&plan, case)?;
            if !lives {
                break;
            }
            match placebo::measure(&mut course, case)? {
                Asked::Measured => continue,
                Asked::VictimGone => {
                    lives = false;
                    break;
                }
                Asked::None => wanted = course.wanted(case),
            }
        }
        let plan = schedule::more_blocks(&wanted, &case.blocks, &case.trials);
        if plan.is_empty() {
            break;
        }
        lives = course.measured(&plan, case)?;
    }
    case.out_of_band_cpu_seconds = course.unaccounted.beyond_quiet();
    case.attack_cpu =
        (case.control != Some(Control::Sham)).then(|| received(&case.blocks)).flatten();
    Ok(lives)
}

impl Course<'_, '_, '_> {
    /// What would decide the cells as they stand.
    fn wanted(&self, case: &Case) -> Wanted {
        let config = self.stage.config;
        let named = analyze::named_targets(&config.expect);
        let rules = analyze::rules_of(case, &named, &config.tolerances, self.around.seed);
        match config.trials.is_hurried() {
            // In a hurry only what looks like a leak gets a second look; the rest stays undecided.
            true => analyze::wanted_by_suspicions(&case.blocks, &rules),
            false => analyze::wanted(&case.blocks, &rules),
        }
    }

    /// Runs planned blocks with the attack on and off into the case, an open one until its denial is plain. False when the victim did
    /// not live to see the end of them.
    fn measured(&mut self, plan: &[Planned], case: &mut Case) -> Result<bool, EngineError> {
        let stops = self.scene.control == Some(Control::Open);
        self.run(plan, case, stops)
    }

    /// The same to their end.
    fn measured_whole(&mut self, plan: &[Planned], case: &mut Case) -> Result<bool, EngineError> {
        self.run(plan, case, false)
    }

    fn run(
        &mut self,
        plan: &[Planned],
        case: &mut Case,
        stops_when_plain: bool,
    ) -> Result<bool, EngineError> {
        let planned = self.done + u32::try_from(plan.len()).unwrap_or(0);
        for (index, next) in plan.iter().enumerate() {
            if stops_when_plain && is_plain(case, &self.scene.own) {
                break;
            }
            let (block, gone) = self.block(next, next.state.into(), planned)?;
            case.blocks.push(block);
            if gone {
                let rest = plan.get(index + 1..).unwrap_or_default();
                case.blocks.extend(rest.iter().map(|next| unmeasured(self.scene, next)));
                return Ok(false);
            }
        }
        self.done = planned;
        Ok(true)
    }

    /// Runs one block under a load, one of `planned`. The second is true when the victim is gone.
    pub fn block(
        &mut self,
        next: &Planned,
        load: Load,
        planned: u32,
    ) -> Result<(Block, bool), EngineError> {
        let scene = &mut *self.scene;
        scene.turn(load, self.around, self.stage)?;
        let (state, mode) = (next.state, next.mode());
        let (config, done) = (self.stage.name(), self.done);
        self.stage.say(Event::BlockStarted { config, state, mode, done, planned });
        let received_before = scene.attacker.group.counters().cpu_usage_us();
        let cpu_before = CpuTime::now(&scene.node.group);
        let orders = schedule::orders(next, self.paces);
        let length = self.stage.config.trials.block_ms;
        let disk = scene.disk.as_ref();
        scene.watchdog.block_begins(disk, &scene.attacker.group, &scene.victim.group);
        let (logs, attacker) = (&mut scene.logs, &mut scene.attacker);
        let (sidecars, pods) = (&mut scene.sidecars, &scene.pods);
        let result = blocks::measure_while(
            &mut scene.victim,
            self.around.signals,
            length,
            &orders,
            scene.net,
            &mut || {
                let logs = logs.as_mut().map(|logs| logs.look(attacker));
                [logs, sidecars.tend(pods)].into_iter().flatten().min()
            },
        )?;
        let what = (state, mode);
        let groups = (&scene.attacker.group, &scene.victim.group);
        scene.watchdog.block_ends(scene.disk.as_ref(), groups, what);
        let received_after = scene.attacker.group.counters().cpu_usage_us();
        let elapsed = result.span.1 - result.span.0;
        if load == Load::from(state) {
            let unaccounted = CpuTime::now(&scene.node.group).unaccounted_since(&cpu_before);
            self.unaccounted.add(state, unaccounted, elapsed);
        }
        scene.look_at_limits();
        let gone = result.victim_is_gone;
        let mut block = recorded(scene.begun, next, result);
        block.attacker_cpu_seconds = received_before.zip(received_after).map(|(before, after)| {
            Duration::from_micros(after.saturating_sub(before)).as_secs_f64()
        });
        let failures = block.probes.iter().flat_map(|probe| probe.failures.values()).sum();
        self.done += 1;
        let config = self.stage.name();
        self.stage.say(Event::BlockFinished { config, state, mode, failures });
        Ok((block, gone))
    }
}

/// Where the victim shares its CPU, with the attack or with others, only a placebo can tell whether the attack slows another
/// resource than that. A burner of CPU is a placebo itself, and a sham burns nothing.
fn may_ask_a_placebo(case: &Case, wanted: &Wanted) -> bool {
    let shares = wanted.besides_cpu && case.placement == Placement::Together;
    (shares || wanted.waits_for_cpu)
        && case.resource != Resource::Cpu
        && case.control != Some(Control::Sham)
}

/// A block that a dead victim never ran: its windows count as missing, not as if they had never been planned.
fn unmeasured(scene: &Scene, planned: &Planned) -> Block {
    let now = Instant::now();
    let probes = match &planned.what {
        What::Latency => scene.probes.iter().map(|probe| blocks::missing(probe)).collect(),
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
/// attacker and victim share CPUs. A sham has those of all that it stands for.
fn capacity_probes(probes: &[String], config: &Config, case: &Case) -> Vec<String> {
    let named = |resource: &str| {
        resource == case.resource.name()
            || case.stands_for.iter().any(|other| other.name() == resource)
            || config.expect.iter().any(|expectation| match &expectation.target {
                Target::Own => false,
                Target::Named(named, _) => named.name() == resource,
            })
            || (resource == "cpu" && case.placement == Placement::Together)
    };
    let wanted = |probe: &&String| is_judged(probe) && probe.split('/').next().is_some_and(named);
    probes.iter().filter(wanted).cloned().collect()
}

/// CPU time that the attacker received under attack, as a share of one CPU. A probe that saturates the CPU competes for it, so
/// its blocks come first.
fn received(blocks: &[Block]) -> Option<f64> {
    let share = |block: &Block| {
        let seconds = (block.end_ms - block.start_ms) / 1e3;
        block.attacker_cpu_seconds.filter(|_| seconds > 0.0).map(|cpu| cpu / seconds)
    };
    let on = || blocks.iter().filter(|block| block.state == BlockState::On);
    let of_cpu = |block: &&Block| {
        let prefix = format!("{}/", Resource::Cpu);
        block.mode == BlockMode::Capacity
            && block.probes.iter().any(|it| it.probe.starts_with(&prefix))
    };
    let saturated: Vec<f64> = on().filter(of_cpu).filter_map(share).collect();
    let all: Vec<f64> = on().filter_map(share).collect();
    analyze::median(if saturated.is_empty() { &all } else { &saturated })
}

/// The probe of a case's own resource.
#[must_use]
pub fn own_probe(case: &Case) -> String {
    let prefix = format!("{}/", case.resource.name());
    PROBES.into_iter().find(|probe| probe.starts_with(&prefix)).unwrap_or(PROBES[0]).to_owned()
}

/// True when the operations of the own probe failed by their deadline alone.
fn is_late_alone(case: &Case, own: &str) -> bool {
    let samples = case.blocks.iter().flat_map(|block| &block.probes);
    samples
        .filter(|sample| sample.probe == own)
        .flat_map(|sample| sample.failures.keys())
        .all(|errno| errno == "ETIME")
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
