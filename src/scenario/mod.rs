//! Scenarios: YAML to a typed model, with every error located. This room never looks at the machine.
//!
//! The way of a file: `find` (where it is) → `yaml` (a located tree) → `decode` (what it says, a file for each part) → `layers` (base and config laid
//! over each other) and `matrix` (combinations of values over both) → `validate` (what makes no sense together) → the model → `expand` (controls added).

mod ablate;
mod capabilities;
mod condition;
mod decode;
mod diagnostic;
mod eater;
mod expand;
mod expectations;
mod find;
mod io;
mod kind;
mod layers;
mod limits;
mod links;
mod machine;
mod matrix;
mod memory;
mod model;
mod namespaces;
mod node;
mod node_parts;
mod pods;
mod random_source;
mod resource;
mod restart;
mod schema;
mod seccomp;
mod service;
mod shipped;
mod sight;
mod sysctls;
mod tolerances;
mod trials;
pub mod units;
mod users;
mod validate;
mod words;
mod workload;
mod written;
mod yaml;

pub use ablate::{Ablation, LeftOn};
pub use capabilities::{CAPABILITY_NAMES, Capabilities};
pub use condition::{CgroupMode, Comparison, Condition, KernelBound, MachineFacts};
pub use decode::limits::KEYS as LIMIT_KEYS;
pub(crate) use diagnostic::did_you_mean;
pub use diagnostic::{Diagnostic, ScenarioErrors};
pub use expand::{open_case_of, sham_of, with_controls};
pub use expectations::{Assertion, Expectation, ExpectedWord, FactName, FactValue, Target};
pub use find::{FindError, Source, load, load_all, resolve};
pub use io::IoLimits;
pub use kind::WorkloadKind;
pub use limits::{Limits, NetLimits};
pub use machine::{MachineSpec, VM_CPUS, VM_DISK, VM_MEMORY, VmSpec};
pub use memory::{MemorySpec, OomChoice};
pub use model::{
    Config, Control, NODE_CPUS, NODE_DISK, NODE_MEMORY, NODE_PIDS, NODE_UPLINK, NodeSpec,
    Placement, Position, Role, SandboxSpec, Scenario,
};
pub use namespaces::{NamespaceKind, Namespaces, Sharing};
pub use node_parts::part_of;
pub use pods::{PodSpec, group_name as pod_group_name};
pub use random_source::RandomSource;
pub use resource::Resource;
pub use restart::{Backoff, KUBELET_BACKOFF_MS, RestartPolicy};
pub use schema::{SCHEMA_ID, scenario_data, scenario_schema};
pub use seccomp::Seccomp;
pub use service::{SERVICE_OPERATION, Service, ServiceCheck};
pub use shipped::shipped;
pub use sight::{SIGHTS, channels_scenario};
pub use sysctls::Sysctls;
pub use tolerances::Tolerances;
pub use trials::Trials;
pub use users::SandboxUser;
pub use workload::{Burst, PROBES, Workload, WorkloadSpec, is_judged};

/// Reads the text of a scenario; `file_name` is only used in messages and kept in the result.
///
/// # Errors
/// Every error of the text, in the order of their places.
pub fn parse(file_name: &str, text: &str) -> Result<Scenario, ScenarioErrors> {
    read(file_name, text).map(|(scenario, _)| scenario)
}

/// Reads a scenario and tells where its name stands, for errors that need several files to be seen.
fn read(file: &str, text: &str) -> Result<(Scenario, diagnostic::Spot), ScenarioErrors> {
    // A byte order mark is neither part of the first line nor a column.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = diagnostic::Problems::default();
    let found = yaml::parse(text, &mut problems)
        .and_then(|root| decode::file(&root, &mut problems))
        .and_then(|written| {
            let configs = matrix::expand(&written, &mut problems);
            validate::check(&written, &configs, &mut problems);
            let name = written.name.as_ref()?.spot;
            Some((layers::scenario(&written, (file, text), &configs)?, name))
        });
    match found {
        Some(found) if problems.is_empty() => Ok(found),
        _ => {
            if problems.is_empty() {
                // Whatever is missing was reported; should that ever be forgotten, a silent success is the worst answer.
                problems.add(diagnostic::Spot::FILE, "the scenario is incomplete");
            }
            Err(problems.into_errors(file, text))
        }
    }
}
