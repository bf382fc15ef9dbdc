//! What a file says, value by value with its place, before the layers of base and config are laid over each other.

use std::collections::BTreeMap;

use super::diagnostic::Spot;
use super::matrix::Matrix;
use super::sysctls::Sysctls;
use super::{
    Assertion, Burst, Capabilities, CgroupMode, Condition, Expectation, IoLimits, Namespaces,
    OomChoice, Placement, RandomSource, Resource, RestartPolicy, SandboxUser, Seccomp, Service,
    Tolerances, Workload, WorkloadKind,
};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located<T> {
    pub value: T,
    pub spot: Spot,
}

impl<T> Located<T> {
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), spot: self.spot }
    }
}

/// The keys of `node`.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeWritten {
    /// True for a map of keys, false for `none`.
    pub guard: Option<Located<bool>>,
    pub cpus: Option<Located<u64>>,
    pub memory: Option<Located<u64>>,
    pub pids: Option<Located<u64>>,
    /// Bytes.
    pub disk: Option<Located<u64>>,
    /// Bits per second.
    pub uplink: Option<Located<u64>>,
}

/// What `machine` says.
#[derive(Debug, Clone, Default)]
pub(super) struct MachineWritten {
    pub place: Option<Located<Where>>,
    pub kernel: Option<Located<String>>,
    pub cgroup: Option<Located<CgroupMode>>,
    pub cpus: Option<Located<u64>>,
    pub memory: Option<Located<u64>>,
    pub swap: Option<Located<u64>>,
    pub disk: Option<Located<u64>>,
    pub append: Option<Located<String>>,
}

/// The two kinds of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Host,
    Vm,
}

/// The keys of `limits`.
#[derive(Debug, Clone)]
pub(super) struct LimitsWritten {
    /// The place of the whole map.
    pub spot: Spot,
    pub pids: Option<Located<u64>>,
    /// The key is there, though its value may have been refused.
    pub has_memory: bool,
    pub memory: Option<Located<u64>>,
    pub swap: Option<Located<u64>>,
    pub cpu: Option<Located<u64>>,
    pub weight: Option<Located<u64>>,
    pub idle: Option<Located<bool>>,
    pub cpuset: Option<Located<String>>,
    pub nofile: Option<Located<u64>>,
    pub nproc: Option<Located<u64>>,
    pub tmpfs: Option<Located<u64>>,
    pub io: Option<Located<IoLimits>>,
    pub net_egress: Option<Located<u64>>,
    pub net_ingress: Option<Located<u64>>,
    pub unified: BTreeMap<String, Located<String>>,
}

impl LimitsWritten {
    pub fn none(spot: Spot) -> Self {
        Self {
            spot,
            pids: None,
            has_memory: false,
            memory: None,
            swap: None,
            cpu: None,
            weight: None,
            idle: None,
            cpuset: None,
            nofile: None,
            nproc: None,
            tmpfs: None,
            io: None,
            net_egress: None,
            net_ingress: None,
            unified: BTreeMap::new(),
        }
    }
}

/// The keys of an attacker that say how it eats memory.
#[derive(Debug, Clone, Default)]
pub(super) struct MemoryWritten {
    pub size: Option<Located<u64>>,
    pub workers: Option<Located<u64>>,
    pub rate: Option<Located<u64>>,
    pub allocations: Option<Located<u64>>,
    pub oom: Option<Located<OomChoice>>,
}

/// The keys of one sandbox.
#[derive(Debug, Clone, Default)]
pub(super) struct SandboxWritten {
    pub name: Option<Located<String>>,
    pub pod: Option<Located<String>>,
    pub runtime: Option<Located<String>>,
    pub workload: Option<Located<Workload>>,
    /// A workload was given and refused, so its absence is no error of its own.
    pub bad_workload: bool,
    pub kind: Option<Located<WorkloadKind>>,
    pub intensity: Option<Located<u8>>,
    pub threads: Option<Located<u64>>,
    pub burst: Option<Located<Burst>>,
    pub command: Option<Located<Vec<String>>>,
    pub resource: Option<Located<Resource>>,
    pub source: Option<Located<RandomSource>>,
    pub processes: Option<Located<u64>>,
    pub memory: MemoryWritten,
    pub limits: Option<LimitsWritten>,
    pub namespaces: Option<Located<Namespaces>>,
    pub seccomp: Option<Located<Seccomp>>,
    pub capabilities: Option<Located<Capabilities>>,
    pub no_new_privs: Option<Located<bool>>,
    pub service: Option<Located<Service>>,
    pub user: Option<Located<SandboxUser>>,
}

/// An entry of `pods`.
#[derive(Debug, Clone)]
pub(super) struct PodWritten {
    pub name: Option<Located<String>>,
    pub limits: Option<LimitsWritten>,
    pub shared_pid: Option<Located<bool>>,
    pub shared_uts: Option<Located<bool>>,
    pub restart_policy: Option<Located<RestartPolicy>>,
    /// Milliseconds.
    pub restart_backoff: Option<Located<u64>>,
}

/// What the top of a file and each of its configs have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    pub machine: MachineWritten,
    pub node: NodeWritten,
    pub placement: Option<Located<Placement>>,
    pub attacker: SandboxWritten,
    pub victim: SandboxWritten,
    /// `sandboxes` was given: in a config, it replaces both sandboxes of the base.
    pub listed: bool,
    /// `pods`, which in a config replaces those of the base.
    pub pods: Option<Vec<PodWritten>>,
    /// `sidecars`, which in a config replaces those of the base.
    pub sidecars: Option<Vec<SandboxWritten>>,
    pub tolerances: Tolerances,
    pub trials: TrialsWritten,
    pub sysctls: Sysctls,
}

/// What `trials` says.
#[derive(Debug, Clone, Default)]
pub(super) struct TrialsWritten {
    pub pairs: Option<Located<u64>>,
    pub budget_ms: Option<Located<u64>>,
    /// Milliseconds of one block.
    pub block_ms: Option<Located<u64>>,
}

/// One entry of `configs`.
#[derive(Debug, Clone)]
pub(super) struct ConfigWritten {
    pub spot: Spot,
    pub name: Option<Located<String>>,
    pub layer: Layer,
    pub when: Option<Condition>,
    pub expect: Vec<Expectation>,
    pub asserts: Vec<Assertion>,
}

impl ConfigWritten {
    /// A config at a place, which says nothing so far.
    pub fn at(spot: Spot) -> Self {
        Self {
            spot,
            name: None,
            layer: Layer::default(),
            when: None,
            expect: Vec::new(),
            asserts: Vec::new(),
        }
    }
}

/// A whole file.
#[derive(Debug, Clone)]
pub(super) struct FileWritten {
    pub spot: Spot,
    pub name: Option<Located<String>>,
    pub summary: Option<String>,
    pub base: Layer,
    pub configs: Vec<ConfigWritten>,
    pub matrix: Option<Matrix>,
}
