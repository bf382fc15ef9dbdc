//! The cases of a run while they come in, from the host and from guests, in whatever order.

use crate::analyze::{self, CaseContext};
use crate::engine::{Event, blank_case, finished, started};
use crate::record::{Case, Cleanup, Machine, ScenarioRecord, Verdict};
use crate::scenario::{Config, Scenario};

/// Every case that there is to be, and what came of it so far.
#[derive(Debug)]
pub struct Results<'a> {
    scenarios: &'a [Scenario],
    plans: &'a [Vec<Config>],
    /// For each case the place of its guest; `None` for the host.
    places: &'a [Vec<Option<usize>>],
    slots: Vec<Vec<Option<Case>>>,
    /// The machines that cases ran on, in the order of the run.
    pub machines: Vec<Machine>,
    /// What clean-up did, everywhere.
    pub cleanup: Cleanup,
    /// Every change made to the host for the run as a whole.
    pub steps: Vec<String>,
    /// The same for taking them back.
    pub tear_down: Vec<String>,
}

impl<'a> Results<'a> {
    /// Nothing so far.
    #[must_use]
    pub fn new(
        scenarios: &'a [Scenario],
        plans: &'a [Vec<Config>],
        places: &'a [Vec<Option<usize>>],
    ) -> Self {
        Self {
            scenarios,
            plans,
            places,
            slots: plans.iter().map(|plan| vec![None; plan.len()]).collect(),
            machines: Vec::new(),
            steps: Vec::new(),
            tear_down: Vec::new(),
            cleanup: Cleanup { complete: true, failures: Vec::new() },
        }
    }

    /// The places of all cases of a machine: of a guest, or of the host.
    fn of(&self, machine: Option<usize>) -> Vec<(usize, usize)> {
        let cases = |(scenario, places): (usize, &Vec<Option<usize>>)| {
            let own = (0..).zip(places.clone()).filter(move |(_, place)| *place == machine);
            own.map(move |(config, _)| (scenario, config)).collect::<Vec<_>>()
        };
        self.places.iter().enumerate().flat_map(cases).collect()
    }

    fn open(&self, machine: Option<usize>) -> Vec<(usize, usize)> {
        let mut list = self.of(machine);
        list.retain(|&(scenario, config)| self.slots[scenario][config].is_none());
        list
    }

    /// Whether a guest has cases without a result.
    #[must_use]
    pub fn is_pending(&self, guest: usize) -> bool {
        !self.open(Some(guest)).is_empty()
    }

    /// The cases of a guest without a result, by scenario and the names of their configs.
    #[must_use]
    pub fn pending(&self, guest: usize) -> Vec<(&'a Scenario, Vec<String>)> {
        self.wanted(&self.open(Some(guest)))
    }

    /// The cases of the host, by scenario and the names of their configs.
    #[must_use]
    pub fn of_host(&self) -> Vec<(&'a Scenario, Vec<String>)> {
        self.wanted(&self.of(None))
    }

    fn wanted(&self, cases: &[(usize, usize)]) -> Vec<(&'a Scenario, Vec<String>)> {
        let of = |(index, scenario): (usize, &'a Scenario)| {
            let names: Vec<String> = cases
                .iter()
                .filter(|(place, _)| *place == index)
                .map(|&(_, config)| self.plans[index][config].name.clone())
                .collect();
            (!names.is_empty()).then_some((scenario, names))
        };
        self.scenarios.iter().enumerate().filter_map(of).collect()
    }

    /// The budgets of the cases of a guest without a result, in milliseconds.
    pub fn budgets(&self, guest: usize) -> impl Iterator<Item = u64> {
        let plans = self.plans;
        let open = self.open(Some(guest));
        open.into_iter().map(move |(scenario, config)| plans[scenario][config].trials.budget_ms)
    }

    /// The cases of a scenario that a guest has a result for.
    #[must_use]
    pub fn cases_of(&self, guest: usize, scenario: &str) -> Vec<Case> {
        self.of(Some(guest))
            .into_iter()
            .filter(|&(index, _)| self.scenarios[index].name == scenario)
            .filter_map(|(index, config)| self.slots[index][config].clone())
            .collect()
    }

    /// Takes a case from a guest. What the guest was not asked for, or has answered before, is not believed.
    pub fn take(&mut self, guest: usize, id: &str, scenario: &str, mut case: Case) {
        let asked = self.open(Some(guest)).into_iter().find(|&(index, config)| {
            self.scenarios[index].name == scenario && self.plans[index][config].name == case.config
        });
        let Some((scenario, config)) = asked else { return };
        id.clone_into(&mut case.machine);
        self.slots[scenario][config] = Some(case);
    }

    /// Takes what the host has measured.
    pub fn take_from_host(&mut self, records: Vec<ScenarioRecord>) {
        for record in records {
            for case in record.cases {
                let place = self.of(None).into_iter().find(|&(index, config)| {
                    self.scenarios[index].name == record.name
                        && self.plans[index][config].name == case.config
                });
                if let Some((scenario, config)) = place {
                    self.slots[scenario][config] = Some(case);
                }
            }
        }
    }

    /// Notes what clean-up in a guest did.
    pub fn cleaned(&mut self, id: &str, cleanup: Option<&Cleanup>, left: &[String]) {
        let failures = cleanup.into_iter().flat_map(|cleanup| &cleanup.failures);
        let failures: Vec<String> = failures
            .map(|failure| format!("in the guest {id}: {failure}"))
            .chain(left.iter().map(|what| format!("in the guest {id}: left behind: {what}")))
            .collect();
        self.cleanup.complete &= failures.is_empty() && cleanup.is_none_or(|it| it.complete);
        self.cleanup.failures.extend(failures);
    }

    /// Gives every case of a guest without a result this verdict, `skipped` or `error`.
    pub fn settle(
        &mut self,
        guest: usize,
        machine: &Machine,
        (verdict, reason): (Verdict, &str),
        emit: &mut dyn FnMut(&Event),
    ) {
        for (scenario, config) in self.open(Some(guest)) {
            let mut case = blank_case(&self.plans[scenario][config], &machine.id);
            (case.verdict, case.reason) = (verdict, reason.to_owned());
            emit(&started(&self.scenarios[scenario], &case));
            self.close((scenario, config), case, machine, emit);
        }
    }

    /// The guest was lost while this case ran: that is what the case found.
    pub fn lose(
        &mut self,
        guest: usize,
        machine: &Machine,
        (scenario, config): (&str, &str),
        reason: &str,
        emit: &mut dyn FnMut(&Event),
    ) {
        let place = self.open(Some(guest)).into_iter().find(|&(index, place)| {
            self.scenarios[index].name == scenario && self.plans[index][place].name == config
        });
        let Some((index, place)) = place else { return };
        let mut case = blank_case(&self.plans[index][place], &machine.id);
        let before = self.cases_of(guest, scenario);
        analyze::judge_among(&mut case, &before, CaseContext { lost: true });
        case.reason = format!("{} {reason}", case.reason);
        self.close((index, place), case, machine, emit);
    }

    fn close(
        &mut self,
        (scenario, config): (usize, usize),
        mut case: Case,
        machine: &Machine,
        emit: &mut dyn FnMut(&Event),
    ) {
        let wanted = &self.plans[scenario][config];
        analyze::judge_expectations(&mut case, &wanted.expect, &wanted.asserts, &machine.facts());
        emit(&finished(&self.scenarios[scenario], &case));
        self.slots[scenario][config] = Some(case);
    }

    /// The scenarios of the record, each with its cases in the order of their plan.
    #[must_use]
    pub fn scenarios(self) -> (Vec<ScenarioRecord>, Vec<Machine>, Cleanup) {
        let record = |(scenario, cases): (&Scenario, Vec<Option<Case>>)| ScenarioRecord {
            name: scenario.name.clone(),
            summary: scenario.summary.clone(),
            file: scenario.file.clone(),
            cases: cases.into_iter().flatten().collect(),
        };
        let scenarios = self.scenarios.iter().zip(self.slots).map(record).collect();
        (scenarios, self.machines, self.cleanup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Roots, machine};
    use crate::scenario::{parse, with_controls};
    use crate::vm::machines::guests;

    const TEXT: &str = "version: 1\nname: s\nattacker: {workload: forkbomb}\nmachine: vm\nconfigs:\n  - {name: open, \
                        expect: leaks}\n  - {name: held, limits: {pids: 64}, expect: contained}\n  - {name: here, \
                        machine: host}\n";

    fn with(act: impl FnOnce(&mut Results<'_>, &[Vec<Config>])) {
        let scenarios = [parse("/s.yaml", TEXT).unwrap_or_else(|errors| panic!("{errors}"))];
        let plans = [with_controls(&scenarios[0])];
        let (_, places) = guests(&scenarios, &plans, None);
        act(&mut Results::new(&scenarios, &plans, &places), &plans);
    }

    fn names(pending: &[(&Scenario, Vec<String>)]) -> Vec<String> {
        pending.iter().flat_map(|(_, names)| names.clone()).collect()
    }

    fn measured(plans: &[Vec<Config>], name: &str) -> Case {
        let config = plans[0].iter().find(|config| config.name == name).unwrap();
        Case { verdict: Verdict::Contained, ..blank_case(config, "whatever it says") }
    }

    #[test]
    fn every_machine_has_its_own_cases() {
        with(|results, plans| {
            assert_eq!(names(&results.pending(0)), ["sham", "open", "held"]);
            assert_eq!(names(&results.of_host()), ["sham-2", "here"]);
            results.take(0, "vm-v2", "s", measured(plans, "open"));
            assert_eq!(names(&results.pending(0)), ["sham", "held"]);
            assert_eq!(results.cases_of(0, "s")[0].machine, "vm-v2");
        });
    }

    #[test]
    fn a_guest_is_not_believed_what_it_was_not_asked() {
        with(|results, plans| {
            results.take(0, "vm-v2", "s", measured(plans, "here"));
            results.take(0, "vm-v2", "other", measured(plans, "open"));
            results.take(0, "vm-v2", "s", measured(plans, "open"));
            let again = Case { verdict: Verdict::Breached, ..measured(plans, "open") };
            results.take(0, "vm-v2", "s", again);
            let cases = results.cases_of(0, "s");
            assert_eq!(cases.len(), 1);
            assert_eq!(cases[0].verdict, Verdict::Contained);
        });
    }

    #[test]
    fn a_case_that_was_lost_leaks_and_the_rest_is_settled() {
        with(|results, _| {
            let machine = machine(&Roots::default());
            let mut events = Vec::new();
            let mut emit = |event: &Event| events.push(event.clone());
            results.lose(0, &machine, ("s", "open"), "It was killed.", &mut emit);
            let open = results.cases_of(0, "s").remove(0);
            assert_eq!(open.verdict, Verdict::Lost);
            assert!(open.reason.ends_with("It was killed."), "{}", open.reason);
            assert_eq!(open.expectations[0].met, Some(true));
            results.settle(0, &machine, (Verdict::Skipped, "no more"), &mut emit);
            assert!(!results.is_pending(0));
            let held = results.cases_of(0, "s").remove(2);
            assert_eq!((held.verdict, held.reason.as_str()), (Verdict::Skipped, "no more"));
            assert_eq!(held.expectations[0].met, None);
            let finished = events.iter().filter(|it| matches!(it, Event::CaseFinished { .. }));
            assert_eq!(finished.count(), 3);
        });
    }

    #[test]
    fn what_is_left_in_a_guest_is_a_failed_clean_up() {
        with(|results, _| {
            let done = Cleanup { complete: true, failures: Vec::new() };
            results.cleaned("vm-v2", Some(&done), &[]);
            assert!(results.cleanup.complete);
            results.cleaned("vm-v2", Some(&done), &["2 processes".to_owned()]);
            assert!(!results.cleanup.complete);
            assert_eq!(results.cleanup.failures, ["in the guest vm-v2: left behind: 2 processes"]);
        });
    }
}
