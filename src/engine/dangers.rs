//! What could hurt the machine is refused, with the numbers, until somebody allows it or it runs in a throwaway machine.

use super::EngineError;
use crate::host::{Memory, Roots, Tasks};
use crate::scenario::Config;

/// Memory that a node must leave to the machine, in bytes.
const MEMORY_RESERVE: u64 = 256 << 20;

/// Tasks that a node must leave to the machine.
const TASKS_RESERVE: u64 = 512;

/// The dangers that somebody has allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// A node that may take more than the machine has to spare.
    pub headroom: bool,
    /// Values of the whole kernel (`sysctls`).
    pub sysctls: bool,
}

impl Allowed {
    /// Everything, for a machine that may be lost.
    pub const ALL: Self = Self { headroom: true, sysctls: true };
}

/// Refuses a config that is dangerous here.
///
/// # Errors
/// [`EngineError::Unable`], with the numbers and what would allow it.
pub fn check(config: &Config, allowed: Allowed) -> Result<(), EngineError> {
    if !allowed.sysctls && !config.sysctls.is_empty() {
        return Err(EngineError::Unable(format!(
            "it sets {} of the whole kernel, for everything that runs on it: {}",
            config.sysctls.names(),
            remedy("sysctls")
        )));
    }
    if allowed.headroom {
        return Ok(());
    }
    let roots = Roots::default();
    // What cannot be read is no reason to refuse: the requirements have said so before.
    if let Ok(memory) = Memory::read(&roots) {
        memory_headroom(config.node.memory_bytes, memory.available_bytes)?;
    }
    Tasks::read(&roots).map_or(Ok(()), |tasks| tasks_headroom(config.node.pids, &tasks))
}

fn memory_headroom(node: u64, available: u64) -> Result<(), EngineError> {
    if available >= node.saturating_add(MEMORY_RESERVE) {
        return Ok(());
    }
    Err(EngineError::Unable(format!(
        "the node may take {} MiB and {} MiB must stay free, but only {} MiB are available: give the node less memory \
         (`node: {{memory: …}}`), free some, or {}",
        node >> 20,
        MEMORY_RESERVE >> 20,
        available >> 20,
        remedy("headroom")
    )))
}

fn tasks_headroom(node: u64, tasks: &Tasks) -> Result<(), EngineError> {
    let free = tasks.most.saturating_sub(tasks.now);
    if free >= node.saturating_add(TASKS_RESERVE) {
        return Ok(());
    }
    Err(EngineError::Unable(format!(
        "the node may take {node} tasks and {TASKS_RESERVE} must stay free, but of the {} that this kernel allows ({}) \
         {} are taken: give the node fewer (`node: {{pids: …}}`), or {}",
        tasks.most,
        tasks.bound,
        tasks.now,
        remedy("headroom")
    )))
}

fn remedy(danger: &str) -> String {
    format!("run it in a throwaway machine (`--vm`), or allow it here with `--allow {danger}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    #[test]
    fn what_would_not_fit_is_refused_with_the_numbers() {
        assert!(memory_headroom(512 << 20, 768 << 20).is_ok());
        let error = memory_headroom(512 << 20, 700 << 20).unwrap_err();
        assert!(error.is_skip());
        for part in ["512 MiB", "256 MiB", "700 MiB", "--allow headroom", "--vm"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        let tasks = Tasks { now: 100, most: 1000, bound: "kernel.pid_max" };
        assert!(tasks_headroom(388, &tasks).is_ok());
        let error = tasks_headroom(389, &tasks).unwrap_err().to_string();
        assert!(error.contains("389 tasks") && error.contains("kernel.pid_max"), "{error}");
    }

    #[test]
    fn sysctls_need_somebody_who_allows_them() {
        let text = "version: 1\nname: s\nattacker: {workload: forkbomb}\nsysctls: {kernel.pid_max: 4096}\nconfigs:\n  \
                    - name: open\n";
        let config = &parse("s.yaml", text).unwrap().configs[0];
        let error = check(config, Allowed { headroom: true, sysctls: false }).unwrap_err();
        assert!(error.to_string().contains("kernel.pid_max") && error.is_skip(), "{error}");
        assert!(error.to_string().contains("--allow sysctls"), "{error}");
        assert!(check(config, Allowed::ALL).is_ok());
    }
}
