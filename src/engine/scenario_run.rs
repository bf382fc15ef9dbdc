//! The run of one scenario: its cases, one after the other, each judged before the next begins.

use super::blank::blank_case;
use super::shared::Controls;
use super::surroundings::Surroundings;
use super::{EngineError, Event, Finding, case, needs};
use crate::analyze::{self, CaseContext};
use crate::record::{Case, Machine, Verdict};
use crate::scenario::{Config, Control, Scenario, open_case_of};

/// A scenario while its cases run.
pub struct ScenarioRun<'a, 'run> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// All its configs, controls included.
    pub configs: &'a [Config],
    /// The machine.
    pub machine: &'a Machine,
    /// Cases that ran.
    pub cases: Vec<Case>,
    /// What all cases of the run share.
    pub around: &'a mut Surroundings<'run>,
}

impl ScenarioRun<'_, '_> {
    /// Runs and judges the next case, or judges what an earlier scenario measured of the same control.
    pub fn run(&mut self, config: &Config, controls: &mut Controls, emit: &mut dyn FnMut(&Event)) {
        let known = controls.same_as(config);
        let is_known = known.is_some();
        let mut case = known.unwrap_or_else(|| blank_case(config, &self.machine.id));
        emit(&started(self.scenario, &case));
        let result = match is_known {
            true => self.around.signals.check(),
            false => self.measure(config, &mut case, emit),
        };
        self.judge(config, &mut case, result);
        emit(&finished(self.scenario, &case));
        if case.control == Some(Control::Sham) && case.verdict.leaks() {
            emit(&Event::Warning {
                message: "the sham leaks: this machine is too noisy now for any verdict; stop other work on it and \
                          run again"
                    .to_owned(),
            });
        }
        controls.keep(&self.scenario.name, config, &case);
        self.cases.push(case);
    }

    fn measure(
        &mut self,
        config: &Config,
        case: &mut Case,
        emit: &mut dyn FnMut(&Event),
    ) -> Result<(), EngineError> {
        self.around.signals.check()?;
        let around = &*self.around;
        needs::check(config, self.machine, around.hierarchies, around.cpus, around.allowed)?;
        case::run(config, case, self.around, emit)
    }

    fn judge(&self, config: &Config, case: &mut Case, result: Result<(), EngineError>) {
        let named = analyze::named_targets(&config.expect);
        let rules = analyze::rules_of(case, &named, &config.tolerances, self.around.seed);
        let seen = analyze::sights(case);
        case.cells = analyze::judge_cells(&case.blocks, &rules);
        case.cells.extend(seen);
        let mut drowned = None;
        match result {
            Ok(()) => {}
            Err(EngineError::Drowned(how)) => drowned = Some(how),
            Err(error) if error.is_skip() => {
                (case.verdict, case.reason) = (Verdict::Skipped, error.to_string());
            }
            Err(error) => (case.verdict, case.reason) = (Verdict::Error, error.to_string()),
        }
        analyze::judge_among(case, &self.cases, CaseContext { lost: drowned.is_some() });
        if let Some(how) = drowned {
            case.reason = format!("{} The attack had no guard around it, and {how}.", case.reason);
        }
        if case.control.is_none() {
            let open = open_case_of(config, self.configs)
                .and_then(|open| self.cases.iter().find(|case| case.config == open.name));
            analyze::apply_open(case, open);
        }
        let facts = self.machine.facts();
        analyze::judge_expectations(case, &config.expect, &config.asserts, &facts);
    }
}

/// All cases of a scenario that a machine cannot run at all.
pub fn skip_all(
    scenario: &Scenario,
    configs: &[&Config],
    (machine, reason): (&Machine, &str),
    emit: &mut dyn FnMut(&Event),
    found: &mut dyn FnMut(Finding<'_>),
) -> Vec<Case> {
    let skip = |config: &&Config| {
        let mut case = blank_case(config, &machine.id);
        (case.verdict, case.reason) = (Verdict::Skipped, reason.to_owned());
        analyze::judge_expectations(&mut case, &config.expect, &config.asserts, &machine.facts());
        case
    };
    let cases: Vec<Case> = configs.iter().map(skip).collect();
    emit(&Event::ScenarioStarted {
        scenario: scenario.name.clone(),
        file: scenario.file.clone(),
        cases: cases.len(),
    });
    for case in &cases {
        emit(&started(scenario, case));
        emit(&finished(scenario, case));
        found(Finding::Case(&scenario.name, case));
    }
    cases
}

/// That a case begins.
#[must_use]
pub fn started(scenario: &Scenario, case: &Case) -> Event {
    Event::CaseStarted {
        scenario: scenario.name.clone(),
        config: case.config.clone(),
        attacker: case.attacker.clone(),
    }
}

/// That a case is over and judged.
#[must_use]
pub fn finished(scenario: &Scenario, case: &Case) -> Event {
    Event::CaseFinished {
        scenario: scenario.name.clone(),
        config: case.config.clone(),
        verdict: case.verdict,
        reason: case.reason.clone(),
    }
}
