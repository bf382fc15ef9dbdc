//! `list`: the shipped scenarios, the workloads and the probes.

use serde::Serialize;

use super::args::{FactsArgs, FactsFormat};
use super::terminal::Terminal;
use super::{CommandError, exit_code, table, wiring};
use crate::scenario::{Resource, Workload};

#[derive(Serialize)]
struct Listing {
    scenarios: Vec<wiring::ShippedScenario>,
    workloads: Vec<WorkloadLine>,
    probes: Vec<wiring::ProbeLine>,
}

#[derive(Clone, Serialize)]
struct WorkloadLine {
    name: &'static str,
    resource: Option<Resource>,
    summary: &'static str,
}

/// Prints what can be named in scenarios and on the command line. Always 0.
///
/// # Errors
/// [`CommandError`] when stdout cannot be written.
pub fn run(args: &FactsArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let listing = Listing {
        scenarios: wiring::shipped_scenarios(),
        workloads: Workload::ALL.map(workload_line).to_vec(),
        probes: wiring::probes(),
    };
    let text = match args.format {
        FactsFormat::Table => view(&listing, terminal.stdout_tty.then(|| terminal.width())),
        FactsFormat::Json => super::to_json(&listing)?,
    };
    terminal.result(&text)?;
    Ok(exit_code::OK)
}

fn workload_line(workload: Workload) -> WorkloadLine {
    WorkloadLine {
        name: workload.name(),
        resource: workload.resource(),
        summary: workload.summary(),
    }
}

fn view(listing: &Listing, width: Option<u16>) -> String {
    let resource = |resource: Option<Resource>| resource.map_or("-", Resource::name).to_owned();
    let scenarios: Vec<Vec<String>> =
        listing.scenarios.iter().map(|it| vec![it.name.clone(), it.summary.clone()]).collect();
    let workloads: Vec<Vec<String>> = listing
        .workloads
        .iter()
        .map(|it| vec![it.name.to_owned(), resource(it.resource), it.summary.to_owned()])
        .collect();
    let probes: Vec<Vec<String>> = listing
        .probes
        .iter()
        .map(|it| vec![it.name.clone(), resource(Some(it.resource)), it.summary.clone()])
        .collect();
    [
        table::render(&["SCENARIO", "SUMMARY"], &scenarios, width),
        table::render(&["WORKLOAD", "RESOURCE", "SUMMARY"], &workloads, width),
        table::render(&["PROBE", "RESOURCE", "SUMMARY"], &probes, width),
    ]
    .join("\n\n")
}
