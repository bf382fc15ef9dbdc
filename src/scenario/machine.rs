//! Which machine a config runs on: the host, or a guest that is thrown away.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{CgroupMode, Config, Scenario};

/// The machine of a config.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MachineSpec {
    /// The machine that the tool itself runs on.
    Host,
    /// A throwaway guest.
    Vm(VmSpec),
}

/// What a throwaway guest is to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VmSpec {
    /// Its kernel, as written: a `vmlinuz` or a Debian package of one; `None` for what the command line or the host has.
    pub kernel: Option<String>,
    /// How its cgroups are mounted.
    pub cgroup: CgroupMode,
    /// CPUs.
    pub cpus: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Swap on a disk of its own, in bytes; 0 for none.
    pub swap_bytes: u64,
    /// An empty disk with a file system, in bytes; 0 for none.
    pub disk_bytes: u64,
    /// More parameters for its kernel.
    pub append: Option<String>,
}

impl Default for VmSpec {
    fn default() -> Self {
        Self {
            kernel: None,
            cgroup: CgroupMode::V2,
            cpus: 2,
            memory_bytes: 2 << 30,
            swap_bytes: 0,
            disk_bytes: 0,
            append: None,
        }
    }
}

/// CPUs that a guest may have.
pub const VM_CPUS: RangeInclusive<u64> = 1..=64;

/// Bytes of memory that a guest may have: a kernel, the binary and a node must fit.
pub const VM_MEMORY: RangeInclusive<u64> = 512 << 20..=1 << 40;

/// Bytes that a disk of a guest may have; 0 is no disk.
pub const VM_DISK: RangeInclusive<u64> = 16 << 20..=1 << 40;

impl Config {
    /// The guest it runs in; `None` for the host.
    #[must_use]
    pub const fn vm(&self) -> Option<&VmSpec> {
        match &self.machine {
            Some(MachineSpec::Vm(vm)) => Some(vm),
            Some(MachineSpec::Host) | None => None,
        }
    }
}

impl Scenario {
    /// Gives a guest to every config whose file names no machine.
    pub fn run_in(&mut self, vm: &VmSpec) {
        for config in &mut self.configs {
            config.machine.get_or_insert_with(|| MachineSpec::Vm(vm.clone()));
        }
    }
}
