//! `list`: the shipped scenarios, the workloads and the probes.

use serde::Serialize;

use super::args::{FactsArgs, FactsFormat};
use super::terminal::Terminal;
use super::{CommandError, exit_code, table};
use crate::scenario::{self, PROBES, Resource, Workload};

#[derive(Serialize)]
struct Listing {
    scenarios: Vec<ShippedScenario>,
    workloads: Vec<WorkloadLine>,
    probes: Vec<ProbeLine>,
}

/// A scenario that the binary holds.
#[derive(Serialize)]
struct ShippedScenario {
    /// The name that `run` and `check` take.
    name: String,
    summary: String,
}

/// A probe, `resource/operation`.
#[derive(Serialize)]
struct ProbeLine {
    name: String,
    resource: Resource,
    summary: &'static str,
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
        scenarios: scenario::shipped().iter().filter_map(shipped_scenario).collect(),
        workloads: Workload::ALL.map(workload_line).to_vec(),
        probes: PROBES.iter().filter_map(|name| probe_line(name)).collect(),
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

fn shipped_scenario((name, text): &(&str, &str)) -> Option<ShippedScenario> {
    let scenario = scenario::parse(name, text).ok()?;
    Some(ShippedScenario { name: scenario.name, summary: scenario.summary.unwrap_or_default() })
}

fn probe_line(name: &str) -> Option<ProbeLine> {
    let resource = Resource::ALL
        .into_iter()
        .find(|resource| name.split('/').next() == Some(resource.name()))?;
    let summary = match name {
        "cpu/work" => "a fixed amount of integer arithmetic, about 1 ms on the quiet machine",
        "cpu/wakeup" => "a sleep of 0.1 ms, and how late it ends; shown, never judged",
        "random/getrandom" => "getrandom(2) for 32 bytes, as much as a key takes",
        "disk/fsync" => {
            "a new file of 4 KiB on the node's disk, flushed to the device, and removed"
        }
        "disk/read" => "4 KiB of a file on the node's disk that the page cache holds",
        "files/open" => "open and close of a file in the sandbox's own root",
        "files/socket" => "a socket of the family AF_UNIX, made and closed",
        "memory/fault" => "map 64 pages, write to each of them, unmap them",
        "network/udp" => "a datagram over the node's uplink, and its echo",
        "network/connect" => "a TCP connection over the node's uplink, made and reset",
        "pids/fork" => "fork, a child that ends at once, and the wait for it",
        _ => "",
    };
    Some(ProbeLine { name: name.to_owned(), resource, summary })
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
        .map(|it| vec![it.name.clone(), resource(Some(it.resource)), it.summary.to_owned()])
        .collect();
    [
        table::render(&["SCENARIO", "SUMMARY"], &scenarios, width),
        table::render(&["WORKLOAD", "RESOURCE", "SUMMARY"], &workloads, width),
        table::render(&["PROBE", "RESOURCE", "SUMMARY"], &probes, width),
    ]
    .join("\n\n")
}
