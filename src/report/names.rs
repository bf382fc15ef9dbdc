//! What a case is called. Its config is enough, unless the scenario ran on several machines.

use crate::record::{Case, ScenarioRecord};

/// True when the cases of a scenario must name their machines.
pub(super) fn several_machines<'a>(cases: impl IntoIterator<Item = &'a Case>) -> bool {
    let mut machines = cases.into_iter().map(|case| case.machine.as_str());
    let first = machines.next();
    machines.any(|machine| Some(machine) != first)
}

/// `pids-64`, or `pids-64 on vm-5.10`. Text from files, not yet escaped.
pub(super) fn case_name(scenario: &ScenarioRecord, case: &Case) -> String {
    match several_machines(&scenario.cases) {
        true => format!("{} on {}", case.config, case.machine),
        false => case.config.clone(),
    }
}
