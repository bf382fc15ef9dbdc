//! A run on several machines: the host's cases first, then one guest after the other, into one record.

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::guest_run::GuestRun;
use super::limits::Limits;
use super::machines::guests;
use super::prepare::Workshop;
use super::results::Results;
use crate::engine::{
    self, EngineError, Event, Portion, RunOptions, RunOutcome, Signals, exit_code, random,
};
use crate::record::{Cleanup, Report, SCHEMA, SCHEMA_VERSION, Tool};
use crate::scenario::{Config, Resource, Scenario, Target, VmSpec, with_controls};

/// How to run in guests.
#[derive(Debug, Clone, Default)]
pub struct VmOptions {
    /// What every run is asked for.
    pub run: RunOptions,
    /// The guest of configs whose file names no machine, which [`Scenario::run_in`] has given them; `None` for the host.
    pub unsaid: Option<VmSpec>,
    /// Whether the scenarios have been hurried ([`Scenario::hurry`]), so that guests do the same.
    pub quick: bool,
    /// Whether the scenarios have been ablated ([`Scenario::ablate`]), so that guests do the same.
    pub ablate: bool,
    /// The kernel of guests whose file names none; `None` for the newest of the host.
    pub kernel: Option<PathBuf>,
    /// The folder of its modules; `None` for the usual places.
    pub modules: Option<PathBuf>,
    /// The binary of this tool that guests boot into; `None` for the one that runs. Tests are another program than the tool.
    pub program: Option<PathBuf>,
    /// Time limits of each guest.
    pub limits: Limits,
}

/// Whether any case of these scenarios runs in a guest.
#[must_use]
pub fn wants_guests(scenarios: &[Scenario]) -> bool {
    scenarios.iter().flat_map(|scenario| &scenario.configs).any(|config| config.vm().is_some())
}

/// Runs all cases of all scenarios, each on its machine.
///
/// # Errors
/// What kept the run from beginning: what becomes of single cases is in the record.
pub fn run(
    scenarios: &[Scenario],
    options: &VmOptions,
    emit: &mut dyn FnMut(&Event),
) -> Result<RunOutcome, EngineError> {
    let begun = Instant::now();
    let started_unix_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let run_id = format!("{:08x}", random()?);
    let seed = options.run.seed.map_or_else(|| random().map(u64::from), Ok)?;
    let plans: Vec<Vec<Config>> = scenarios.iter().map(with_controls).collect();
    let (guests, places) = guests(scenarios, &plans, options.kernel.as_deref());
    let mut results = Results::new(scenarios, &plans, &places);
    let cases = plans.iter().map(Vec::len).sum();
    let mut warnings = Vec::new();
    let mut kept = |event: &Event| {
        if let Event::Warning { message } = event {
            warnings.push(message.clone());
        }
        emit(event);
    };
    kept(&Event::RunStarted { run_id: run_id.clone(), seed, cases });

    let mut stopped_by = on_host(&mut results, &plans, scenarios, (options, seed), &mut kept)?;
    let mut signals = Signals::take()?;
    let mut workshop = Workshop::open(options.program.as_deref());
    for (index, plan) in guests.iter().enumerate() {
        let resources = resources_of(&plans, &places, index);
        let modules = options.modules.as_deref();
        let kernel = plan.kernel.as_deref();
        let prepared = match (&mut workshop, stopped_by) {
            (Ok(workshop), None) => workshop.prepare(&plan.spec, kernel, modules, &resources),
            (Ok(_), Some(signal)) => Err(super::VmError::Stopped(signal)),
            (Err(error), _) => Err(error.again()),
        };
        let results = &mut results;
        let signals = &mut signals;
        let mut guest = GuestRun { plan, index, options, seed, results, signals };
        match guest.run(prepared, &mut kept) {
            Ok(()) => {}
            Err(EngineError::Signal(signal)) => stopped_by = stopped_by.or(Some(signal)),
            Err(error) => return Err(error),
        }
    }
    // One that arrived while the last guest was ended counts as well.
    let _ = signals.check();
    stopped_by = stopped_by.or(signals.received());

    let (steps, tear_down) =
        (std::mem::take(&mut results.steps), std::mem::take(&mut results.tear_down));
    let (scenarios, machines, cleanup) = results.scenarios();
    let report = Report {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        run_id,
        seed,
        started_unix_ms,
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        complete: stopped_by.is_none(),
        machines,
        scenarios,
        warnings,
        steps,
        tear_down,
        cleanup,
    };
    let exit_code = exit_code(&report, options.run.exit, stopped_by);
    emit(&Event::RunFinished { complete: report.complete, exit_code });
    Ok(RunOutcome { report, exit_code, stopped_by })
}

/// Runs the cases of the host, if there are any. Returns the signal that ended that early.
fn on_host(
    results: &mut Results<'_>,
    plans: &[Vec<Config>],
    scenarios: &[Scenario],
    (options, seed): (&VmOptions, u64),
    emit: &mut dyn FnMut(&Event),
) -> Result<Option<i32>, EngineError> {
    let portions: Vec<Portion<'_>> = results
        .of_host()
        .into_iter()
        .filter_map(|(scenario, wanted)| {
            let index = scenarios.iter().position(|other| other.name == scenario.name)?;
            Some(Portion { scenario, configs: plans[index].clone(), wanted, before: Vec::new() })
        })
        .collect();
    if portions.is_empty() {
        return Ok(None);
    }
    let run = RunOptions { seed: Some(seed), ..options.run };
    let mut only_inner = |event: &Event| {
        if !matches!(event, Event::RunStarted { .. } | Event::RunFinished { .. }) {
            emit(event);
        }
    };
    let outcome = engine::run_portions(&portions, run, None, &mut only_inner, &mut |_| {})?;
    let Cleanup { complete, failures } = outcome.report.cleanup;
    results.cleanup.complete &= complete;
    results.cleanup.failures.extend(failures);
    results.steps.extend(outcome.report.steps);
    results.tear_down.extend(outcome.report.tear_down);
    results.machines.extend(outcome.report.machines);
    results.take_from_host(outcome.report.scenarios);
    Ok(outcome.stopped_by)
}

/// The resources that the cases of a guest are about.
fn resources_of(
    plans: &[Vec<Config>],
    places: &[Vec<Option<usize>>],
    guest: usize,
) -> Vec<Resource> {
    let own = plans.iter().flatten().zip(places.iter().flatten());
    own.filter(|(_, place)| **place == Some(guest))
        .flat_map(|(config, _)| {
            let named = config.expect.iter().filter_map(|it| match &it.target {
                Target::Own => None,
                Target::Named(resource, _) => Some(*resource),
            });
            named.chain([config.own_resource()]).collect::<Vec<_>>()
        })
        .collect()
}
