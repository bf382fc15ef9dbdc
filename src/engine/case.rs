//! One case, phase by phase: set up, warm up, pairs of blocks, recovery, tear down, residue check.

use super::attack::Load;
use super::scene::Scene;
use super::stage::Stage;
use super::surroundings::Surroundings;
use super::{EngineError, Event, Phase, cpu_time, measure, recovery, residue};
use crate::record::{BlockState, Case, Outcome};
use crate::scenario::{Config, Control};

/// A process of the machine that pauses for longer has noticed something.
const LONGEST_PAUSE_MS: f64 = 1000.0;

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
    let known_before = around.trail.guardian().map_or(0, |guardian| guardian.expected());
    let mut stage = Stage { config, emit };
    stage.enter(Phase::SetUp);
    let measured = Scene::set_up(config, case, around).and_then(|mut scene| {
        let measured = experiment(&mut scene, case, around, &mut stage);
        stage.enter(Phase::TearDown);
        for error in scene.tear_down(case, around) {
            stage.say(Event::Warning { message: error.to_string() });
        }
        measured
    });
    stage.enter(Phase::ResidueCheck);
    let left =
        residue::left(around.hierarchies, &around.directory.run_id, &around.directory.name());
    // With something left the guardian must go on knowing of it.
    if left.is_empty()
        && let Some(guardian) = around.trail.guardian()
        && let Err(error) = guardian.forget(known_before)
    {
        stage.say(Event::Warning { message: format!("the guardian cannot be told: {error}") });
    }
    case.residue.extend(left);
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
        scene.switch.turn(Load::Off, &scene.node, &mut scene.attacker, around.signals)?;
        Ok(())
    });
    case.attack = scene.switch.attack();
    case.ceilings = scene.watchdog.ceilings(&scene.attacker, &scene.node);
    case.ceiling = case.ceilings.iter().find(|ceiling| ceiling.resource == case.resource).cloned();
    if !scene.watchdog.escaped.is_empty() {
        case.outcome = Some(Outcome::Escaped);
    }
    // What kept the case from being measured is said before what kept the watcher from answering.
    recovered?;
    case.watch = scene.watcher.report(around.signals)?;
    warn_of_a_machine_that_noticed(case, stage);
    Ok(())
}

/// The watcher is no part of a verdict, but nobody shall overlook it.
fn warn_of_a_machine_that_noticed(case: &Case, stage: &mut Stage<'_>) {
    let watch = &case.watch;
    if watch.failures.is_empty() && watch.longest_pause_ms < LONGEST_PAUSE_MS {
        return;
    }
    let failures: Vec<String> =
        watch.failures.iter().map(|(what, count)| format!("{what} {count} times")).collect();
    let failures = if failures.is_empty() { "none".to_owned() } else { failures.join(", ") };
    stage.say(Event::Warning {
        message: format!(
            "the machine noticed the attack of {}: failed operations outside the node: {failures}; longest pause \
             {:.0} ms",
            case.config, watch.longest_pause_ms
        ),
    });
}
