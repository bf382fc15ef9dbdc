//! The distinct guests of a run: cases with the same guest share it.

use std::path::{Path, PathBuf};

use crate::scenario::{Config, Scenario, VmSpec};

/// One guest that cases are to run in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestPlan {
    /// Its ID in the record, such as `vm-v2`.
    pub id: String,
    /// What it is to be.
    pub spec: VmSpec,
    /// The file of its kernel; `None` for the newest of the host.
    pub kernel: Option<PathBuf>,
}

/// The guests of all configs, in the order of the run, and for each config of each scenario the place of its guest in that list;
/// `None` for the host.
#[must_use]
pub fn guests(
    scenarios: &[Scenario],
    plans: &[Vec<Config>],
    kernel: Option<&Path>,
) -> (Vec<GuestPlan>, Vec<Vec<Option<usize>>>) {
    let mut guests: Vec<GuestPlan> = Vec::new();
    let mut of = |scenario: &Scenario, config: &Config| -> Option<usize> {
        let spec = config.vm()?;
        let kernel = kernel_of(spec, scenario, kernel);
        let without_kernel = |spec: &VmSpec| VmSpec { kernel: None, ..spec.clone() };
        let same = |guest: &GuestPlan| {
            without_kernel(&guest.spec) == without_kernel(spec) && guest.kernel == kernel
        };
        Some(guests.iter().position(same).unwrap_or_else(|| {
            let base = format!("vm-{}", spec.cgroup.name());
            let taken = guests.iter().filter(|guest| guest.spec.cgroup == spec.cgroup).count();
            let id = if taken == 0 { base } else { format!("{base}-{}", taken + 1) };
            guests.push(GuestPlan { id, spec: spec.clone(), kernel });
            guests.len() - 1
        }))
    };
    let places = scenarios
        .iter()
        .zip(plans)
        .map(|(scenario, plan)| plan.iter().map(|config| of(scenario, config)).collect())
        .collect();
    (guests, places)
}

/// The kernel that the file names, relative to the file, else that of the command line.
fn kernel_of(spec: &VmSpec, scenario: &Scenario, given: Option<&Path>) -> Option<PathBuf> {
    let Some(named) = &spec.kernel else { return given.map(Path::to_owned) };
    // A shipped scenario lies in no folder: its name has none that exists.
    let folder = Path::new(&scenario.file).parent().filter(|folder| folder.is_dir());
    Some(folder.map_or_else(|| PathBuf::from(named), |folder| folder.join(named)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{parse, with_controls};

    #[test]
    fn cases_share_a_guest_and_another_guest_has_another_name() {
        let text = "version: 1\nname: m\nattacker: {workload: forkbomb}\nmachine: vm\nconfigs:\n  - name: a\n    \
                    limits: {pids: 5}\n  - {name: b, limits: {pids: 5}, machine: {vm: {cgroup: v1}}}\n  - {name: c, \
                    limits: {pids: 9}}\n  - {name: d, limits: {pids: 9}, machine: host}\n  - {name: e, limits: {pids: \
                    9}, machine: {vm: {kernel: k}}}\n";
        let scenario = parse("/tmp/m.yaml", text).unwrap_or_else(|errors| panic!("{errors}"));
        let plan = with_controls(&scenario);
        let scenarios = [scenario];
        let (guests, places) =
            guests(&scenarios, std::slice::from_ref(&plan), Some(Path::new("/k/vmlinuz")));
        let ids: Vec<&str> = guests.iter().map(|guest| guest.id.as_str()).collect();
        assert_eq!(ids, ["vm-v2", "vm-v1", "vm-v2-2"]);
        assert_eq!(guests[0].kernel.as_deref(), Some(Path::new("/k/vmlinuz")));
        assert_eq!(guests[2].kernel.as_deref(), Some(Path::new("/tmp/k")), "beside the file");
        let of = |name: &str| {
            let index = plan.iter().position(|config| config.name == name).unwrap();
            places[0][index]
        };
        assert_eq!(
            [of("a"), of("b"), of("c"), of("d"), of("e")],
            [Some(0), Some(1), Some(0), None, Some(2)]
        );
        // Every machine has controls of its own.
        let shams = plan.iter().filter(|config| config.name.starts_with("sham")).count();
        assert_eq!(shams, 4);
    }
}
