//! A run: every case of every scenario, one after the other, into one record.

use std::fs;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use rand::rngs::SysRng;

use super::dangers::Allowed;
use super::guard::Guardian;
use super::leaf::Leaf;
use super::portion::{Finding, Portion, RunOptions, RunOutcome};
use super::scenario_run::{ScenarioRun, skip_all};
use super::shared::Controls;
use super::signals::Signals;
use super::surroundings::Surroundings;
use super::trail::{Part, RUN, Trail};
use super::{EngineError, Event, RunDirectory, clean, inject, needs};
use crate::analyze::{self, ExitOptions};
use crate::announce::{Announce, Unheard};
use crate::cgroup::{Hierarchies, Hierarchy, Version};
use crate::host::{self, CgroupMounts, OwnNamespace, Roots};
use crate::record::{
    Case, Cleanup, MachineKind, Report, SCHEMA, SCHEMA_VERSION, ScenarioRecord, Tool,
};
use crate::scenario::{Config, Scenario};

/// Controllers whose version 1 hierarchies the groups are made in, where they are mounted.
const CONTROLLERS: [&str; 7] = ["blkio", "cpu", "cpuacct", "cpuset", "freezer", "memory", "pids"];

/// Runs all cases of all scenarios.
///
/// # Errors
/// What kept the run from beginning: what becomes of single cases is in the record.
pub fn run(
    scenarios: &[Scenario],
    options: RunOptions,
    emit: &mut dyn FnMut(&Event),
) -> Result<RunOutcome, EngineError> {
    let portions: Vec<Portion<'_>> = scenarios.iter().map(Portion::whole).collect();
    run_portions(&portions, options, None, emit, &mut |_| {})
}

/// Runs the wanted cases of these scenarios. `guest` is the ID of the throwaway guest that this is; on a host there is none.
///
/// # Errors
/// As [`run`].
pub fn run_portions(
    portions: &[Portion<'_>],
    options: RunOptions,
    guest: Option<&str>,
    emit: &mut dyn FnMut(&Event),
    found: &mut dyn FnMut(Finding<'_>),
) -> Result<RunOutcome, EngineError> {
    let begun = Instant::now();
    let roots = Roots::default();
    let mut machine = host::machine(&roots);
    if let Some(id) = guest {
        (machine.id, machine.kind) = (id.to_owned(), MachineKind::Vm);
    }
    found(Finding::Machine(&machine));
    let unable = host::skip_reason(&machine);
    let run_id = format!("{:08x}", random()?);
    // A JSON number is exact up to 2^53 for everybody, so a seed of our own choice stays far below.
    let seed = options.seed.map_or_else(|| random().map(u64::from), Ok)?;
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        run_id: run_id.clone(),
        seed,
        started_unix_ms: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
        duration_ms: 0,
        complete: true,
        warnings: Vec::new(),
        steps: Vec::new(),
        tear_down: Vec::new(),
        machines: vec![machine],
        scenarios: Vec::new(),
        cleanup: Cleanup { complete: true, failures: Vec::new() },
    };
    let cases = portions.iter().map(|portion| portion.wanted().count()).sum();
    let mut warnings = Vec::new();
    let mut kept = |event: &Event| {
        if let Event::Warning { message } = event {
            warnings.push(message.clone());
        }
        emit(event);
    };
    kept(&Event::RunStarted { run_id: run_id.clone(), seed, cases });

    let stopped_by = if let Some(reason) = unable {
        for portion in portions {
            let wanted: Vec<&Config> = portion.wanted().collect();
            let cases = skip_all(
                portion.scenario,
                &wanted,
                (&report.machines[0], &reason),
                &mut kept,
                found,
            );
            report.scenarios.push(recorded(portion.scenario, cases));
        }
        None
    } else {
        measure(portions, (&run_id, options.allowed), &mut report, &mut kept, found)?
    };

    report.warnings = warnings;
    report.complete = stopped_by.is_none();
    report.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let exit_code = exit_code(&report, options.exit, stopped_by);
    emit(&Event::RunFinished { complete: report.complete, exit_code });
    Ok(RunOutcome { report, exit_code, stopped_by })
}

/// Runs everything on this machine. Returns the signal that ended it early.
fn measure(
    portions: &[Portion<'_>],
    (run_id, allowed): (&str, Allowed),
    report: &mut Report,
    emit: &mut dyn FnMut(&Event),
    found: &mut dyn FnMut(Finding<'_>),
) -> Result<Option<i32>, EngineError> {
    let roots = Roots::default();
    let unable = |error: host::HostError| EngineError::Unable(error.to_string());
    let mounts = host::usable_cgroups(&roots).map_err(unable)?;
    let hierarchies = hierarchies(&mounts);
    let cpus = host::Cpus::read(&roots).map_err(unable)?;
    let parent = host::runtime_directory().map_err(unable)?;
    warn_of_others(&parent, &hierarchies, emit);

    let mut signals = Signals::take()?;
    let mut trail = guarded(run_id, &mut signals, emit)?;
    let own = OwnNamespace::here(&roots);
    let quarters = own.as_ref().map(|own| own.quarters.as_path());
    let made = RunDirectory::create(&parent, quarters, run_id, &mut trail).and_then(|mut made| {
        let leaf = match &report.machines[0].rootless {
            Some(_) => Leaf::settle(&hierarchies, &mut made, &mut trail)?,
            None => None,
        };
        Ok((made, leaf))
    });
    report.steps = trail.steps().to_vec();
    if made.is_err() {
        signals.unwatch();
        trail.dismiss_guardian();
    }
    let (mut directory, mut leaf) = made?;
    let machine = report.machines[0].clone();
    let has_swap = machine.swap_bytes > 0;
    let (masked, system) = (thermal_paths(), needs::system_folders());
    let mut around = Surroundings {
        directory: &mut directory,
        trail: &mut trail,
        hierarchies: &hierarchies,
        cpus: &cpus.usable,
        online_cpus: u64::try_from(cpus.online.len()).unwrap_or(1),
        has_swap,
        masked: &masked,
        system: &system,
        signals: &mut signals,
        allowed,
        seed: report.seed,
    };
    let mut controls = Controls::default();
    for portion in portions {
        let scenario = portion.scenario;
        emit(&Event::ScenarioStarted {
            scenario: scenario.name.clone(),
            file: scenario.file.clone(),
            cases: portion.wanted().count(),
        });
        let mut running = ScenarioRun {
            scenario,
            configs: &portion.configs,
            machine: &machine,
            cases: portion.before.clone(),
            around: &mut around,
        };
        for case in &portion.before {
            let config = portion.configs.iter().find(|config| config.name == case.config);
            config.into_iter().for_each(|config| controls.keep(&scenario.name, config, case));
        }
        for config in portion.wanted() {
            running.run(config, &mut controls, emit);
            running
                .cases
                .last()
                .into_iter()
                .for_each(|case| found(Finding::Case(&scenario.name, case)));
        }
        report.scenarios.push(recorded(scenario, running.cases.split_off(portion.before.len())));
    }
    trail.begin(RUN, Part::TearDown);
    report.cleanup = clean_up(&mut directory, leaf.as_mut(), &hierarchies, &mut trail, emit);
    signals.unwatch();
    if let Err(source) = trail.before(&GUARDIAN_END) {
        let error = EngineError::file("end the guardian", "/proc/self/exe", source);
        emit(&Event::Warning { message: trail.located(error).to_string() });
    }
    report.tear_down = trail.steps().to_vec();
    if report.cleanup.complete {
        trail.dismiss_guardian();
    } else {
        // The guardian tries its own way.
        drop(trail);
    }
    // One that arrived while the last case was taken down counts as well.
    let _ = signals.check();
    Ok(signals.received())
}

/// The steps in which the guardian comes and goes.
pub const GUARDIAN_START: &str = "run: start the guardian";
/// See [`GUARDIAN_START`].
pub const GUARDIAN_END: &str = "run: end the guardian";

/// Starts the guardian, before anything else is made.
fn guarded(
    run_id: &str,
    signals: &mut Signals,
    emit: &mut dyn FnMut(&Event),
) -> Result<Trail, EngineError> {
    let mut trail = Trail::new(None);
    trail.begin(RUN, Part::SetUp);
    let program = Path::new("/proc/self/exe");
    let started = trail
        .before(&GUARDIAN_START)
        .map_err(|error| EngineError::file("start the guardian", program, error))
        .and_then(|()| Guardian::start(program, run_id))
        .map_err(|error| trail.located(error))?;
    if !started.memory_locked {
        let message = "the guardian's memory could not be locked: without CAP_IPC_LOCK it depends on the machine not \
                       running out of memory"
            .to_owned();
        emit(&Event::Warning { message });
    }
    let pidfd = started.pidfd().try_clone_to_owned();
    signals.watch(pidfd.map_err(|error| EngineError::file("watch the guardian", program, error))?);
    trail.set_guardian(started);
    Ok(trail)
}

fn recorded(scenario: &Scenario, cases: Vec<Case>) -> ScenarioRecord {
    ScenarioRecord {
        name: scenario.name.clone(),
        summary: scenario.summary.clone(),
        file: scenario.file.clone(),
        cases,
    }
}

/// The hierarchies that groups are made in: those of the controllers used, and the unified one, which can kill.
#[must_use]
pub fn hierarchies(mounts: &CgroupMounts) -> Hierarchies {
    let mut list: Vec<Hierarchy> = mounts
        .v1
        .iter()
        .filter(|mount| mount.controllers.iter().any(|name| CONTROLLERS.contains(&name.as_str())))
        .map(|mount| Hierarchy {
            version: Version::V1,
            controllers: mount.controllers.clone(),
            root: mount.path.clone(),
            group: String::new(),
        })
        .collect();
    list.extend(mounts.unified.iter().filter(|mount| !mount.read_only).map(|mount| {
        Hierarchy {
            version: Version::V2,
            // All of them, because scenarios may name files of any; what a group may use is a matter of delegation.
            controllers: mounts.unified_controllers.clone(),
            root: mount.path.clone(),
            group: mounts.group.clone(),
        }
    }));
    Hierarchies(list)
}

/// What the janitor works with on this machine.
///
/// # Errors
/// The machine's mounts or the runtime directory cannot be found.
pub fn clean_here() -> Result<super::Cleaned, EngineError> {
    let unable = |error: host::HostError| EngineError::Unable(error.to_string());
    let mounts = host::usable_cgroups(&Roots::default()).map_err(unable)?;
    let parent = host::runtime_directory().map_err(unable)?;
    Ok(clean(&parent, &hierarchies(&mounts), false))
}

/// Runs that are dead left something; those that are alive disturb the measurements.
fn warn_of_others(parent: &Path, hierarchies: &Hierarchies, emit: &mut dyn FnMut(&Event)) {
    let there = clean(parent, hierarchies, true);
    if !there.alive.is_empty() {
        let message = format!(
            "another run is going on ({}): both sit on the same CPUs, so measurements of either are not to be trusted; \
             wait for its end and run again",
            there.alive.join(", ")
        );
        emit(&Event::Warning { message });
    }
    let left = there.removed;
    if !left.is_empty() {
        let message = format!(
            "a run that was killed left {} behind: `contain-test clean` removes that",
            left.join(", ")
        );
        emit(&Event::Warning { message });
    }
}

/// Removes the run's directory and looks once more for anything with its name.
fn clean_up(
    directory: &mut RunDirectory,
    leaf: Option<&mut Leaf>,
    hierarchies: &Hierarchies,
    trail: &mut Trail,
    emit: &mut dyn FnMut(&Event),
) -> Cleanup {
    if let Some(hierarchy) = hierarchies.0.first() {
        inject::leave_behind(&hierarchy.root.join(directory.name()));
    }
    let mut failures: Vec<String> = hierarchies
        .0
        .iter()
        .map(|hierarchy| hierarchy.root.join(directory.name()))
        .filter(|path| path.exists())
        .map(|path| format!("cgroup {} is still there", path.display()))
        .collect();
    if failures.is_empty()
        && let Some(leaf) = leaf
        && let Err(error) = leaf.leave(trail)
    {
        emit(&Event::Warning { message: trail.located(error).to_string() });
        failures.extend(leaf.leave(&mut Unheard).err().map(|error| error.to_string()));
    }
    // With something left, the ledger must stay: `contain-test clean` works from it.
    if failures.is_empty()
        && let Err(error) = directory.remove(trail)
    {
        emit(&Event::Warning { message: trail.located(error).to_string() });
        // A second time, unannounced: what went wrong may have passed.
        failures.extend(directory.remove(&mut Unheard).err().map(|error| error.to_string()));
    }
    Cleanup { complete: failures.is_empty(), failures }
}

/// Directories of the machine's temperature sensors, which tell one tenant what its neighbours do.
#[must_use]
pub fn thermal_paths() -> Vec<String> {
    fs::read_dir("/sys/devices/system/cpu")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("thermal_throttle"))
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect()
}

/// Precedence: clean-up, then the signal, then what the record says.
#[must_use]
pub fn exit_code(report: &Report, options: ExitOptions, stopped_by: Option<i32>) -> u8 {
    match (analyze::exit_verdict(report, options), stopped_by) {
        (analyze::EXIT_CLEANUP, _) => analyze::EXIT_CLEANUP,
        (_, Some(signal)) => {
            analyze::EXIT_SIGNAL_BASE.saturating_add(u8::try_from(signal).unwrap_or(0))
        }
        (code, None) => code,
    }
}

/// A number from the kernel.
///
/// # Errors
/// The kernel has none.
pub fn random() -> Result<u32, EngineError> {
    SysRng
        .try_next_u32()
        .map_err(|error| EngineError::Failed(format!("no random numbers from the kernel: {error}")))
}
