//! What a look around speaks of.

use super::{Config, Role, Scenario, ScenarioErrors, Workload, parse};

/// The probes of a look around, `what/whose`. Only the host has devices and a kernel.
pub const SIGHTS: &[&str] = &[
    "processes/neighbour",
    "processes/host",
    "ipc/neighbour",
    "ipc/host",
    "hostname/neighbour",
    "hostname/host",
    "network/neighbour",
    "network/host",
    "mounts/neighbour",
    "mounts/host",
    "files/neighbour",
    "files/host",
    "devices/host",
    "kernel/host",
    "namespaces/neighbour",
    "namespaces/host",
    "cgroups/neighbour",
    "cgroups/host",
];

impl Config {
    /// Whether its attacker looks around instead of draining anything. Such a case needs no blocks, and neither a sham nor an open case.
    #[must_use]
    pub fn looks(&self) -> bool {
        self.sandbox(Role::Attacker)
            .and_then(|sandbox| sandbox.workload.as_ref())
            .is_some_and(|workload| workload.name == Workload::Look)
    }
}

/// Two sandboxes that read all that `/proc` and `/sys` show: with the paths hidden that engines hide, and with none.
const CHANNELS: &str = "version: 1
name: channels
node: {cpus: 1, memory: 128Mi, pids: 64}
attacker: {workload: look}
configs:
  - name: default
  - name: unmasked
";

/// The scenario of `inspect --channels`.
///
/// # Errors
/// Errors of a text of this program, which a test keeps from being there.
pub fn channels_scenario() -> Result<Scenario, ScenarioErrors> {
    let mut scenario = parse("(channels)", CHANNELS)?;
    for config in &mut scenario.configs {
        config.channels = true;
        let masked = config.name == "default";
        config.sandboxes.iter_mut().for_each(|sandbox| sandbox.masked_paths = masked);
    }
    Ok(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenario_of_channels_is_one() {
        let scenario = channels_scenario().expect("a scenario");
        let masked: Vec<bool> =
            scenario.configs.iter().map(|it| it.sandboxes[0].masked_paths).collect();
        assert_eq!(masked, [true, false]);
        assert!(
            scenario.configs.iter().all(|it| it.looks() && it.channels && it.control.is_none())
        );
    }
}
