//! `run`: load, open the exports, run, judge, write.

use super::args::{Danger, RunArgs};
use super::events::EventLines;
use super::export;
use super::progress::{Progress, Verbosity};
use super::terminal::Terminal;
use super::{CommandError, ci::Ci, output};
use crate::analyze::ExitOptions;
use crate::engine::{self, Allowed, RunOptions};
use crate::report::{Format, ViewOptions};
use crate::scenario::{self, Scenario, VmSpec};
use crate::vm::{self, VmOptions};

/// What a record says of its few and short blocks.
const QUICK: &str = "measured with --quick: few and short blocks show failures and ceilings, and of slowdowns only large ones; \
                     what they leave open is inconclusive";

/// Runs scenarios and prints the result.
///
/// # Errors
/// [`CommandError`]: scenario errors and unwritable exports before anything runs, harness errors after.
pub fn run(args: &RunArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let exports = export::open_all(&args.exports);
    let scenarios = load_for(args);
    if let (Err(export), Err(_)) = (&exports, &scenarios) {
        // Both have to be mended, so both are told; the scenarios' errors follow as those of the command.
        terminal.error(export, None);
    }
    let (scenarios, exports) = (scenarios?, exports?);

    let mut progress = Progress::new(terminal, verbosity(args));
    let mut lines = (args.format == Format::Jsonl).then(|| EventLines::new(terminal));
    let exit = ExitOptions { must_run: args.must_run, allow_inconclusive: args.allow_inconclusive };
    let options = RunOptions { seed: args.seed, allowed: allowed(args), exit };
    let mut tell = |event: &engine::Event| {
        progress.event(event);
        if let Some(lines) = &mut lines {
            lines.event(event);
        }
    };
    let mut outcome = if vm::wants_guests(&scenarios) {
        vm::run(&scenarios, &vm_options(args, options), &mut tell)?
    } else {
        engine::run(&scenarios, options, &mut tell)?
    };
    progress.clear();
    if args.quick {
        outcome.report.warnings.push(QUICK.to_owned());
    }

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

fn vm_options(args: &RunArgs, run: RunOptions) -> VmOptions {
    VmOptions {
        run,
        unsaid: unsaid(args),
        quick: args.quick,
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
