//! `run`: load, open the exports, run, judge, write.

use super::args::{Danger, RunArgs};
use super::events::EventLines;
use super::export::{self, OpenExport};
use super::progress::{Progress, Verbosity};
use super::terminal::Terminal;
use super::{CommandError, ci::Ci, output};
use crate::analyze::ExitOptions;
use crate::engine::{self, Allowed, RunOptions, RunOutcome};
use crate::report::{Format, ViewOptions, redacted};
use crate::scenario::{self, Scenario, VmSpec};
use crate::vm::{self, VmOptions};

/// What a record says of its few and short blocks.
const QUICK: &str = "measured with --quick: four pairs of short blocks show refused operations, ceilings, and slowdowns far beyond the tolerance; \
                     what lies near it or varies is inconclusive, and that nothing leaks is shown for the calmest probes only";

/// Runs scenarios and prints the result.
///
/// # Errors
/// [`CommandError`]: scenario errors and unwritable exports before anything runs, harness errors after.
pub fn run(args: &RunArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    if args.redact && args.format == Format::Jsonl {
        return Err(CommandError::Usage {
            message: "`--redact` comes too late for events that are told while they happen"
                .to_owned(),
            help: "write them at the end, `--export jsonl=PATH`".to_owned(),
        });
    }
    let mut lines = (args.format == Format::Jsonl).then(|| EventLines::new(terminal));
    let Measured { outcome, exports } = measured(args, &mut |_| {}, lines.as_mut(), terminal)?;

    let view = ViewOptions {
        color: terminal.stdout_color,
        width: usize::from(terminal.width()),
        quiet: args.quiet,
        verbose: args.verbose,
    };
    // Events went there as they happened.
    let stdout = (args.format != Format::Jsonl).then_some(args.format);
    let code = output::write(&outcome.report, stdout, exports, &view, terminal, outcome.exit_code);
    Ci::new(args.format, true, args.no_ci).tell(&outcome.report, terminal);
    Ok(output::told(lines.map_or(Ok(()), EventLines::finish), terminal, code))
}

/// What came of a run, and the files that it is to be written to.
pub(super) struct Measured {
    pub outcome: RunOutcome,
    pub exports: Vec<OpenExport>,
}

/// Opens the exports, loads the scenarios, changes them, and runs them.
///
/// # Errors
/// As [`run`].
pub(super) fn measured(
    args: &RunArgs,
    change: &mut dyn FnMut(&mut Vec<Scenario>),
    mut lines: Option<&mut EventLines<'_>>,
    terminal: &Terminal,
) -> Result<Measured, CommandError> {
    let exports = export::open_all(&args.exports);
    let scenarios = load_for(args);
    if let (Err(export), Err(_)) = (&exports, &scenarios) {
        // Both have to be mended, so both are told; the scenarios' errors follow as those of the command.
        terminal.error(export, None);
    }
    let (mut scenarios, exports) = (scenarios?, exports?);
    change(&mut scenarios);

    let mut progress = Progress::new(terminal, verbosity(args));
    let exit = ExitOptions { must_run: args.must_run, allow_inconclusive: args.allow_inconclusive };
    let options = RunOptions { seed: args.seed, allowed: allowed(args), exit };
    let mut tell = |event: &engine::Event| {
        progress.event(event);
        if let Some(lines) = &mut lines {
            lines.event(event);
        }
    };
    let mut outcome = if vm::wants_guests(&scenarios) {
        vm::run(&scenarios, &vm_options(args, options, ablates(&scenarios)), &mut tell)?
    } else {
        engine::run(&scenarios, options, &mut tell)?
    };
    progress.clear();
    if args.quick {
        outcome.report.warnings.push(QUICK.to_owned());
    }

    if args.redact {
        outcome.report = redacted(&outcome.report)?;
    }
    Ok(Measured { outcome, exports })
}

/// Whether configs with one control less are among them.
fn ablates(scenarios: &[Scenario]) -> bool {
    scenarios.iter().flat_map(|it| &it.configs).any(|config| config.ablation.is_some())
}

/// The dangers that the arguments allow.
pub(super) fn allowed(args: &RunArgs) -> Allowed {
    Allowed {
        headroom: args.allow.contains(&Danger::Headroom),
        sysctls: args.allow.contains(&Danger::Sysctls),
    }
}

/// The scenarios of a run, each config with its machine.
pub(super) fn load_for(args: &RunArgs) -> Result<Vec<Scenario>, CommandError> {
    let mut scenarios = load(&args.paths)?;
    if let Some(vm) = unsaid(args) {
        scenarios.iter_mut().for_each(|scenario| scenario.run_in(&vm));
    }
    if args.quick {
        scenarios.iter_mut().for_each(Scenario::hurry);
    }
    let given = [("--kernel", args.kernel.is_some()), ("--modules", args.modules.is_some())];
    match given.into_iter().find(|(_, given)| *given) {
        Some((option, _)) if !vm::wants_guests(&scenarios) => Err(CommandError::Usage {
            message: format!("`{option}` is for guests, and nothing here runs in one"),
            help: "add `--vm`, or write `machine: vm` into the scenario".to_owned(),
        }),
        _ => Ok(scenarios),
    }
}

/// The guest of configs whose file names no machine.
fn unsaid(args: &RunArgs) -> Option<VmSpec> {
    args.vm.map(|cgroup| VmSpec { cgroup: cgroup.mode(), ..VmSpec::default() })
}

fn vm_options(args: &RunArgs, run: RunOptions, ablate: bool) -> VmOptions {
    VmOptions {
        run,
        unsaid: unsaid(args),
        quick: args.quick,
        ablate,
        kernel: args.kernel.clone(),
        modules: args.modules.clone(),
        ..VmOptions::default()
    }
}

/// Finds and loads the scenarios of these paths.
fn load(paths: &[String]) -> Result<Vec<Scenario>, CommandError> {
    Ok(scenario::load_all(&scenario::resolve(paths)?)?)
}

fn verbosity(args: &RunArgs) -> Verbosity {
    match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    }
}
