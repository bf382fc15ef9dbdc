//! The harness of a guest: the ordinary engine on the cases that the host has written down, with everything it finds said at once.

use std::cell::RefCell;

use super::voice::{Voice, now_ms};
use crate::engine::{Allowed, Finding, Portion, RunOptions, run_portions};
use crate::scenario::{Scenario, parse, with_controls};
use crate::vm::job::{Job, PATH, RunTask, Task};
use crate::vm::link::Said;

/// Runs what the job says, as a process of its own: init must live when this does not.
///
/// # Errors
/// What kept the cases from being run at all; the host has been told, too.
pub fn run() -> Result<(), String> {
    let mut voice = Voice::open()?;
    let result = job().and_then(|task| run_task(&task, &mut voice));
    if let Err(reason) = &result {
        voice.say(&Said::Failed { reason: reason.clone() });
    }
    result
}

fn job() -> Result<RunTask, String> {
    match read_job()?.task {
        Task::Run(task) => Ok(task),
        Task::Execute { .. } => Err("the job is no run".to_owned()),
    }
}

/// Reads what the host has written down.
///
/// # Errors
/// The file is not there, or says something else.
pub fn read_job() -> Result<Job, String> {
    let text = std::fs::read(PATH).map_err(|error| format!("cannot read {PATH}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("cannot understand {PATH}: {error}"))
}

fn run_task(task: &RunTask, voice: &mut Voice) -> Result<(), String> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for part in &task.parts {
        let mut scenario = parse(&part.file, &part.text).map_err(|errors| errors.to_string())?;
        task.unsaid.iter().for_each(|vm| scenario.run_in(vm));
        if task.quick {
            scenario.hurry();
        }
        if task.ablate {
            // What stays on was told on the host.
            let _ = scenario.ablate();
        }
        scenarios.push(scenario);
    }
    let portions: Vec<Portion<'_>> = scenarios
        .iter()
        .zip(&task.parts)
        .map(|(scenario, part)| Portion {
            scenario,
            configs: with_controls(scenario),
            wanted: part.wanted.clone(),
            before: part.before.clone(),
        })
        .collect();
    let options =
        RunOptions { seed: Some(task.seed), allowed: Allowed::ALL, ..RunOptions::default() };
    // Events and findings come from two places of the engine, and go down one line.
    let voice = RefCell::new(voice);
    let outcome = run_portions(
        &portions,
        options,
        Some(&task.machine),
        &mut |event| voice.borrow_mut().say(&Said::Event(event.clone())),
        &mut |finding| {
            let said = match finding {
                Finding::Machine(machine) => {
                    Said::Machine { at_ms: now_ms(), machine: Box::new(machine.clone()) }
                }
                Finding::Case(scenario, case) => {
                    Said::Case { scenario: scenario.to_owned(), case: Box::new(case.clone()) }
                }
            };
            voice.borrow_mut().say(&said);
        },
    )
    .map_err(|error| error.to_string())?;
    voice.borrow_mut().say(&Said::Done { cleanup: outcome.report.cleanup });
    Ok(())
}
