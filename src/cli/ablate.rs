//! `ablate`: a run of each limited config with and without each of its controls, and what that shows.

use super::args::RunArgs;
use super::run::Measured;
use super::terminal::Terminal;
use super::{CommandError, ci, dry_run, output, run};
use crate::analyze;
use crate::report::{Format, ViewOptions, ablation_json, ablation_table};
use crate::scenario::{LeftOn, Scenario};

/// Runs the scenarios with their ablated configs, and prints which control stops what. The exit code is that of the run: a verdict
/// that turned is a finding.
///
/// # Errors
/// [`CommandError`], as `run`; a format that this command does not have.
pub fn run(args: &RunArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let as_json = match args.format {
        Format::Table => false,
        Format::Json => true,
        _ => {
            return Err(CommandError::Usage {
                message: "`ablate` prints a table or JSON".to_owned(),
                help: "use `--format table` or `--format json`, and `--export` for the record in any other format"
                    .to_owned(),
            });
        }
    };
    let mut left_on = Vec::new();
    let mut ablate = |scenarios: &mut Vec<Scenario>| left_on = ablated(scenarios);
    if args.dry_run {
        return dry_run::of(args, &mut ablate, terminal);
    }
    let Measured { outcome, exports } = run::measured(args, &mut ablate, None, terminal)?;
    let found = analyze::ablation(&outcome.report, &left_on);
    let view = ViewOptions {
        color: terminal.stdout_color,
        width: usize::from(terminal.width()),
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let code = output::write(&outcome.report, None, exports, &view, terminal, outcome.exit_code);
    let people = |text: String| if ci::on_github() { ci::disarmed(&text) } else { text };
    let text = match as_json {
        true => ablation_json(&found),
        false => people(ablation_table(&found, &view)),
    };
    Ok(output::told(terminal.result(&text), terminal, code))
}

/// Adds the ablated configs, and says what stays on, with its scenario.
fn ablated(scenarios: &mut [Scenario]) -> Vec<(String, LeftOn)> {
    scenarios
        .iter_mut()
        .flat_map(|scenario| {
            let kept = scenario.ablate();
            let name = scenario.name.clone();
            kept.into_iter().map(move |kept| (name.clone(), kept))
        })
        .collect()
}
