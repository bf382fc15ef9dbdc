//! `run --dry-run`: what a run would do here. It changes nothing and needs no right.

use std::fmt::Write as _;

use super::args::RunArgs;
use super::terminal::Terminal;
use super::{CommandError, exit_code, run, table};
use crate::engine::{self, DryCase, DryLimit, DryRun};
use crate::report::{Format, escaped};
use crate::scenario::Scenario;

/// Prints the steps and the limits of every case. 0 when they could be planned, also where they could not run.
///
/// # Errors
/// [`CommandError`]: scenario errors, a format that is none for plans, a machine whose cgroups cannot be read.
pub fn dry_run(args: &RunArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    of(args, &mut |_| {}, terminal)
}

/// The same for scenarios that are changed before they are run.
///
/// # Errors
/// As [`dry_run`].
pub fn of(
    args: &RunArgs,
    change: &mut dyn FnMut(&mut Vec<Scenario>),
    terminal: &Terminal,
) -> Result<u8, CommandError> {
    let as_json = match args.format {
        Format::Table => false,
        Format::Json => true,
        _ => {
            return Err(CommandError::Usage {
                message: "--dry-run has no result, so this format cannot show it".to_owned(),
                help: "use `--format table` or `--format json` with it".to_owned(),
            });
        }
    };
    let mut scenarios = run::load_for(args)?;
    change(&mut scenarios);
    let plan = engine::dry_run(&scenarios, run::allowed(args))?;
    let text = match as_json {
        true => super::to_json(&plan)?,
        false => view(&plan, terminal.stdout_tty.then(|| terminal.width())),
    };
    terminal.result(&text)?;
    Ok(exit_code::OK)
}

fn view(plan: &DryRun, width: Option<u16>) -> String {
    let mut text = format!(
        "Nothing was changed. {} stands for the ID of a run, which also decides the IDs of its users.\n",
        plan.run_id
    );
    // Writing to a string cannot fail.
    if let Some(reason) = &plan.unable {
        let _ = writeln!(text, "This machine cannot run it: {}", escaped(reason));
    }
    text.push_str("\nThe run as a whole\n");
    text.push_str(&numbered(&plan.steps));
    text.push_str("and at its end\n");
    text.push_str(&numbered(&plan.tear_down));
    for scenario in &plan.scenarios {
        for case in &scenario.cases {
            let _ = writeln!(
                text,
                "\n{} / {} ({}), {}",
                escaped(&scenario.name),
                escaped(&case.config),
                workload(case),
                escaped(&scenario.file)
            );
            text.push_str(&case_text(case, width));
        }
    }
    text
}

fn workload(case: &DryCase) -> String {
    let mut text = case.attacker.unwrap_or("no workload").to_owned();
    if let Some(kind) = case.kind {
        let _ = write!(text, ", kind {kind}");
    }
    if case.threads > 1 {
        let _ = write!(text, ", {} threads", case.threads);
    }
    if let Some(burst) = case.burst {
        let _ = write!(text, ", {} µs in every {} µs", burst.busy_us, burst.period_us);
    }
    for (key, value) in &case.options {
        let _ = write!(text, ", {key} {value}");
    }
    if let Some(memory) = case.memory {
        let _ = write!(text, ", {memory}");
    }
    text
}

fn case_text(case: &DryCase, width: Option<u16>) -> String {
    let mut text = String::new();
    if let Some(reason) = &case.unable {
        let _ = writeln!(text, "This case would be skipped: {}", escaped(reason));
    }
    text.push_str(&numbered(&case.steps));
    text.push_str("and at its end\n");
    text.push_str(&numbered(&case.tear_down));
    let rows: Vec<Vec<String>> = case.limits.iter().map(row).collect();
    let _ = writeln!(text, "{}", table::render(&["OF", "LIMIT", "BECOMES", "VALUE"], &rows, width));
    text
}

fn numbered(steps: &[String]) -> String {
    let line = |(number, step): (usize, &String)| format!("{number:4}  {}\n", escaped(step));
    (1..).zip(steps).map(line).collect()
}

fn row(limit: &DryLimit) -> Vec<String> {
    let knob = limit.path.as_ref().map_or(limit.knob.clone(), |path| path.display().to_string());
    let note = if limit.note.is_empty() { String::new() } else { format!(" ({})", limit.note) };
    vec![
        escaped(&limit.of).into_owned(),
        limit.limit.to_owned(),
        escaped(&knob).into_owned(),
        escaped(&format!("{}{note}", limit.value)).into_owned(),
    ]
}
