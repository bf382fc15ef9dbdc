//! The typed model of a scenario: what the sugar of the file stands for, fully resolved.
//!
//! Nothing here has looked at the machine. Sizes are bytes, CPU shares are thousandths of a CPU, as the field names say.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Ablation, Assertion, Capabilities, Condition, Expectation, Limits, MachineSpec, Namespaces,
    PodSpec, Resource, SandboxUser, Seccomp, Service, Sysctls, Tolerances, Trials, WorkloadSpec,
};

/// Where a value stands in its file: line and column, both counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// One scenario file, resolved: every config holds its complete sandboxes, node and placement.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The scenario's name, unique in a run; lower-case letters, digits and dashes.
    pub name: String,
    /// One sentence for people.
    pub summary: Option<String>,
    /// The path it was read from, as given, or `(shipped)/NAME.yaml`.
    pub file: String,
    /// The text of the file, for a guest that reads it again.
    pub text: String,
    /// The columns of the report, in the file's order.
    pub configs: Vec<Config>,
}

/// One set of limits and controls: a column of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The config's name, unique in its scenario.
    pub name: String,
    /// Where the config starts in the file; `None` for controls that the tool adds.
    pub position: Option<Position>,
    /// `Some` for the controls: `open` when no sandbox of the attacker's role has limits, `sham` when added by the tool.
    pub control: Option<Control>,
    /// Any of these must hold on the machine, or the config is skipped; empty when it runs everywhere. A config of the file has one at
    /// most, a control that the tool adds has those of all configs that need it.
    pub when: Vec<Condition>,
    /// Where it runs; `None` when the file does not say, which is the host unless somebody says otherwise.
    pub machine: Option<MachineSpec>,
    /// The miniature machine that attacker and victim share.
    pub node: NodeSpec,
    /// Which CPUs attacker and victim get; resolved from the own resource when the file is silent.
    pub placement: Placement,
    /// Exactly one attacker and one victim, attacker first; after them the sidecars.
    pub sandboxes: Vec<SandboxSpec>,
    /// The pods that sandboxes belong to, in the order in which they are made.
    pub pods: Vec<PodSpec>,
    /// How much slower the victim may get, where the file says so.
    pub tolerances: Tolerances,
    /// How long it is measured.
    pub trials: Trials,
    /// Values of the whole kernel while it runs.
    pub sysctls: Sysctls,
    /// For a sham: the own resources of the cases that it stands for, the first being its own. Empty for all others.
    pub stands_for: Vec<Resource>,
    /// The victim's limits at the top of the file, when this config gives the victim others: a protection that is put to the
    /// test, and what its open case goes without.
    pub unprotected: Option<Limits>,
    /// Whether all files below `/proc` and `/sys` are read and classed too; only of a look around.
    pub channels: bool,
    /// The control that it goes without, where it is a copy of another config but for that.
    pub ablation: Option<Ablation>,
    /// What the file expects of the verdicts.
    pub expect: Vec<Expectation>,
    /// Facts the file asserts.
    pub asserts: Vec<Assertion>,
}

impl Config {
    /// The sandbox with the given role.
    #[must_use]
    pub fn sandbox(&self, role: Role) -> Option<&SandboxSpec> {
        self.sandboxes.iter().find(|sandbox| sandbox.role == role)
    }

    /// The pod of this name.
    #[must_use]
    pub fn pod(&self, name: &str) -> Option<&PodSpec> {
        self.pods.iter().find(|pod| pod.name == name)
    }

    /// The pod of the sandbox with the given role, where it is in one.
    #[must_use]
    pub fn pod_of(&self, role: Role) -> Option<&PodSpec> {
        self.pod(self.sandbox(role)?.pod.as_deref()?)
    }

    /// Whether its sandboxes have the same user on the host.
    #[must_use]
    pub fn shares_user(&self) -> bool {
        self.sandboxes.iter().any(|sandbox| sandbox.user == SandboxUser::Shared)
    }

    /// The resource that the case is judged on: the one its attacker drains. A sham is judged on those of the cases it
    /// stands for; any other sleeping attacker on `pids`, because its sandbox is built as that of a fork bomb is.
    #[must_use]
    pub fn own_resource(&self) -> Resource {
        if let Some(&resource) = self.stands_for.first() {
            return resource;
        }
        self.sandbox(Role::Attacker)
            .and_then(|sandbox| sandbox.workload.as_ref())
            .and_then(WorkloadSpec::resource)
            .unwrap_or(Resource::Pids)
    }
}

/// The two automatic controls of the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// The positive control: the attack without limits, which shows that it is dangerous.
    Open,
    /// The negative control: a sleeping workload, which shows what the machine's own noise looks like.
    Sham,
}

/// The node of a case: a guard cgroup with a capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct NodeSpec {
    /// Size of the cpuset (or what there is); 0 without a guard.
    pub cpus: u32,
    /// Capacity of memory, in bytes; swap is not added to it. 0 without a guard.
    pub memory_bytes: u64,
    /// Capacity of tasks; 0 without a guard.
    pub pids: u64,
    /// Size of its disk, an ext4 file system of its own, in bytes; absent for a node without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// What its uplink carries, in bits per second; absent for a node without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink_bits_per_second: Option<u64>,
    /// Whether there is a guard at all: false for `node: none`, where the attack has the whole machine.
    #[serde(default = "guarded", skip_serializing_if = "is_guarded")]
    pub guard: bool,
}

const fn guarded() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_guarded(guard: &bool) -> bool {
    *guard
}

impl Default for NodeSpec {
    fn default() -> Self {
        Self {
            cpus: 2,
            memory_bytes: 512 << 20,
            pids: 512,
            disk_bytes: None,
            uplink_bits_per_second: None,
            guard: true,
        }
    }
}

impl NodeSpec {
    /// No guard: the whole machine.
    pub const NONE: Self = Self {
        cpus: 0,
        memory_bytes: 0,
        pids: 0,
        disk_bytes: None,
        uplink_bits_per_second: None,
        guard: false,
    };

    /// How many CPUs it takes, where there are as many.
    #[must_use]
    pub const fn width(&self) -> u32 {
        if self.guard { self.cpus } else { u32::MAX }
    }

    /// The capacity of something, where there is any.
    #[must_use]
    pub const fn capacity(&self, amount: u64) -> Option<u64> {
        if self.guard { Some(amount) } else { None }
    }
}

/// CPUs that a node may have.
pub const NODE_CPUS: RangeInclusive<u64> = 1..=1024;

/// Bytes of memory that a node may have: room for both sandboxes, and no more than can be counted sensibly.
pub const NODE_MEMORY: RangeInclusive<u64> = 64 << 20..=1 << 40;

/// Tasks that a node may have. A fork bomb fills the node, so the upper end keeps the machine itself alive.
pub const NODE_PIDS: RangeInclusive<u64> = 16..=4096;

/// Bytes of disk that a node may have: ext4 needs a few megabytes for itself, and more could not be filled within the time of a case.
pub const NODE_DISK: RangeInclusive<u64> = 16 << 20..=64 << 30;

/// Bits per second that a node's uplink may carry: below the lower end a single packet takes longer than a fifth of a second.
pub const NODE_UPLINK: RangeInclusive<u64> = 64_000..=100_000_000_000;

/// Which CPUs of the node attacker and victim run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Each has CPUs of its own, where there are two.
    Apart,
    /// Both share one CPU.
    Together,
}

/// The role of a sandbox in the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the workload.
    Attacker,
    /// Runs the probes.
    Victim,
    /// Runs a program of others beside them.
    Sidecar,
}

/// One sandbox of a config.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxSpec {
    /// Its name, unique in the config; also the name of its cgroup below the node.
    pub name: String,
    /// Attacker or victim.
    pub role: Role,
    /// The pod it belongs to, one of [`Config::pods`].
    pub pod: Option<String>,
    /// The runtime that starts it; `native` is ours.
    pub runtime: String,
    /// The attacker's workload; `None` for a victim.
    pub workload: Option<WorkloadSpec>,
    /// A sidecar's program and its arguments; empty for others.
    pub command: Vec<String>,
    /// What it may use.
    pub limits: Limits,
    /// What it may see.
    pub namespaces: Namespaces,
    /// Whether the paths below `/proc` and `/sys` that engines hide or make read-only are.
    pub masked_paths: bool,
    /// Which system calls it may make.
    pub seccomp: Seccomp,
    /// Which capabilities it has.
    pub capabilities: Capabilities,
    /// Whether an exec can give it no more privileges than it has.
    pub no_new_privs: bool,
    /// A victim's own service; `None` for attackers.
    pub service: Option<Service>,
    /// Whose user its processes have.
    pub user: SandboxUser,
}
