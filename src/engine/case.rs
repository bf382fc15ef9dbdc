//! One case, phase by phase: set up, warm up, pairs of blocks, recovery, tear down, residue check.

use std::collections::BTreeMap;

use contain_test_workloads::protocol::Pace;

use super::attack::Load;
use super::logs::LogReader;
use super::scene::Scene;
use super::stage::Stage;
use super::surroundings::Surroundings;
use super::{
    EngineError, Event, Phase, channels, cpu_time, measure, memory_ceiling, pressure, recovery,
    residue, sights, stops,
};
use crate::record::{BlockState, Case, Outcome};
use crate::scenario::{Config, Control, FactName, FactValue, Resource};

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
    let left = residue::left(around.hierarchies, &around.directory.run_id, &around.directory.path);
    // With something left the guardian must go on knowing of it.
    if left.is_empty()
        && let Some(guardian) = around.trail.guardian()
        && let Err(error) = guardian.forget(known_before)
    {
        stage.say(Event::Warning { message: format!("the guardian cannot be told: {error}") });
    }
    case.residue.extend(left);
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
    if stage.config.looks() {
        stage.enter(Phase::Blocks);
        let neighbour = sights::look(scene, case, around)?;
        if stage.config.channels {
            channels::survey(scene, &neighbour, case, around)?;
        }
        case.watch = scene.watcher.report(around.signals)?;
        return Ok(());
    }
    let paces = scene.warm_up(case.trials.block_ms, around)?;
    scene.watcher.report(around.signals)?;
    let guard = case.node.guard;
    under_attack(scene, &paces, case, around, stage).map_err(|error| error.under_attack(guard))
}

/// The blocks, the recovery, and what the kernel and the watcher say of both.
fn under_attack(
    scene: &mut Scene,
    paces: &BTreeMap<String, Pace>,
    case: &mut Case,
    around: &mut Surroundings<'_>,
    stage: &mut Stage<'_>,
) -> Result<(), EngineError> {
    stage.enter(Phase::Blocks);
    let harness_before = cpu_time::harness();
    let measured = measure::pairs(scene, paces, case, around, stage);
    case.harness_cpu_seconds = (cpu_time::harness() - harness_before).as_secs_f64();
    scene.look_for_escaped();
    scene.watchdog.turning(BlockState::Off, &scene.attacker, &scene.node);
    let recovered = measured.and_then(|victim_lives| {
        stage.enter(Phase::Recovery);
        // In a hurry nobody waits for it.
        let is_watched = scene.control != Some(Control::Sham) && !case.trials.is_hurried();
        if victim_lives && is_watched {
            recovery::watch(scene, paces, case, around)?;
        }
        scene.switch.turn(Load::Off, &scene.node, &mut scene.attacker, around.signals)?;
        Ok(())
    });
    case.attack = scene.switch.attack();
    case.log_bytes = scene.logs.as_ref().map(LogReader::bytes);
    if case.resource == Resource::Files {
        let killed = scene.attacker.group.counters().oom_kills().map_or(0, |(_, count)| count);
        case.attack.stopped_by = stops::of(scene.switch.counts(), killed);
    }
    if case.resource == Resource::Disk {
        case.attack.stopped_by = stops::of_disk(scene.switch.counts());
    }
    case.ceilings = scene.watchdog.ceilings(&scene.attacker, &scene.node, &case.attack);
    case.ceilings.extend(scene.pod_ceilings());
    case.sidecars = scene.sidecars.recorded();
    case.facts.extend(scene.sidecars.facts());
    case.pressure = pressure::of_all(&[
        (&scene.attacker.name, &scene.attacker.group),
        (&scene.victim.name, &scene.victim.group),
        ("node", &scene.node.group),
    ]);
    case.ceiling = case.ceilings.iter().find(|ceiling| ceiling.resource == case.resource).cloned();
    case.oom_kills = memory_ceiling::oom_kills(&scene.attacker.group, &scene.victim.group);
    tell_counts(case);
    if !scene.watchdog.escaped.is_empty() {
        case.outcome = Some(Outcome::Escaped);
    }
    // What kept the case from being measured is said before what kept the watcher from answering.
    recovered.map_err(|error| of_a_dead_supervisor(error, scene))?;
    case.watch = scene.watcher.report(around.signals)?;
    warn_of_a_machine_that_noticed(case, stage);
    Ok(())
}

/// What the kernel counted, as facts that a scenario can assert.
fn tell_counts(case: &mut Case) {
    let of_ceiling = case.ceiling.as_ref().and_then(|ceiling| ceiling.count);
    let counts = [
        (FactName::CeilingCount, of_ceiling),
        (FactName::OomKills, case.oom_kills.attacker),
        (FactName::VictimOomKills, case.oom_kills.victim),
    ];
    let known = counts.into_iter().filter_map(|(fact, count)| Some((fact, count?)));
    case.facts.extend(known.map(|(fact, count)| (fact, FactValue::Number(count))));
}

/// Says why nobody answers any more when the OOM killer has taken the attacker's first process.
fn of_a_dead_supervisor(error: EngineError, scene: &Scene) -> EngineError {
    let group = &scene.attacker.group;
    let killed = group.counters().oom_kills().is_some_and(|(_, count)| count > 0);
    match error {
        EngineError::Unanswered(what) if killed && group.processes().is_empty() => {
            EngineError::Unanswered(format!(
                "{what}; the OOM killer took the sandbox's init, which is its supervisor too: no worker was left to \
                 take; remedy: a limit with room for the supervisor and one worker"
            ))
        }
        error => error,
    }
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
