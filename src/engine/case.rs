//! One case, phase by phase: set up, warm up, pairs of blocks, recovery, tear down, residue check.

use super::scene::Scene;
use super::signals::Signals;
use super::stage::Stage;
use super::{EngineError, Event, Phase, RunDirectory, cpu_time, measure, recovery, residue};
use crate::cgroup::Hierarchies;
use crate::record::{BlockState, Case, Outcome};
use crate::scenario::{Config, Control};

/// What all cases of a run share.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The run's directory, with its ledger.
    pub directory: &'a mut RunDirectory,
    /// The hierarchies for groups.
    pub hierarchies: &'a Hierarchies,
    /// CPUs that may be used.
    pub cpus: &'a [u32],
    /// Whether the machine has swap.
    pub has_swap: bool,
    /// Paths to hide besides the usual ones.
    pub masked: &'a [String],
    /// The signals.
    pub signals: &'a mut Signals,
    /// The seed of the run.
    pub seed: u64,
}

/// Runs one case and fills the measured parts of its record. The record holds what was measured up to the error.
///
/// # Errors
/// [`EngineError::Signal`]; anything that kept the case from being measured. Clean-up has been done in all cases; what
/// it could not do is in the case's residue.
pub fn run(
    config: &Config,
    case: &mut Case,
    around: &mut Surroundings<'_>,
    emit: &mut dyn FnMut(&Event),
) -> Result<(), EngineError> {
    let harness_before = cpu_time::harness();
    let mut stage = Stage { config, emit };
    stage.enter(Phase::SetUp);
    let measured = Scene::set_up(config, case, around).and_then(|mut scene| {
        let measured = experiment(&mut scene, case, around, &mut stage);
        stage.enter(Phase::TearDown);
        scene.tear_down(case);
        measured
    });
    stage.enter(Phase::ResidueCheck);
    case.residue.extend(residue::left(around.hierarchies, &around.directory.name()));
    case.harness_cpu_seconds = (cpu_time::harness() - harness_before).as_secs_f64();
    measured
}

/// Everything between set-up and tear-down. What was measured is in the record even when it ends early.
fn experiment(
    scene: &mut Scene,
    case: &mut Case,
    around: &mut Surroundings<'_>,
    stage: &mut Stage<'_>,
) -> Result<(), EngineError> {
    stage.enter(Phase::WarmUp);
    scene.look_around(case, around)?;
    let paces = scene.warm_up(around)?;
    scene.watcher.report(around.signals)?;
    stage.enter(Phase::Blocks);
    let measured = measure::pairs(scene, &paces, case, around, stage);
    scene.watchdog.turning(BlockState::Off, &scene.attacker.group);
    let recovered = measured.and_then(|victim_lives| {
        stage.enter(Phase::Recovery);
        if victim_lives && scene.control != Some(Control::Sham) {
            recovery::watch(scene, &paces, case, around)?;
        }
        scene.switch.turn(BlockState::Off, &scene.node, &mut scene.attacker, around.signals)?;
        Ok(())
    });
    case.attack = scene.switch.attack();
    case.ceilings = scene.watchdog.ceilings(&scene.attacker, &scene.node);
    case.ceiling = case.ceilings.iter().find(|ceiling| ceiling.resource == case.resource).cloned();
    if !scene.watchdog.escaped.is_empty() {
        case.outcome = Some(Outcome::Escaped);
    }
    if !matches!(recovered, Err(EngineError::Signal(_))) {
        case.watch = scene.watcher.report(around.signals)?;
    }
    recovered
}
