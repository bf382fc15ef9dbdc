//! What a record says of a throwaway guest besides what it says of every machine: who ran it, how, and how long its boot took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A throwaway guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Guest {
    /// The machine that it ran on.
    pub host: GuestHost,
    /// The program that emulated it, such as `QEMU emulator version 7.2.22`.
    pub emulator: String,
    /// How its CPUs were run.
    pub accelerator: Accelerator,
    /// Why not by KVM; null when they were.
    pub why_emulated: Option<String>,
    /// The file of its kernel, as found.
    pub kernel_file: String,
    /// The kernel's parameters.
    pub parameters: String,
    /// Modules that its init loaded, in order.
    pub modules: Vec<String>,
    /// A disk with a file system, in bytes; 0 for none.
    pub disk_bytes: u64,
    /// How often it was booted: once, and once more for each time it was lost with cases left to run.
    pub boots: u32,
    /// Where the time of the first boot went; null when it never came up.
    pub boot: Option<BootTimes>,
    /// The last lines of its console, when it was lost or never came up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<String>,
}

/// The machine that a guest ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GuestHost {
    /// Kernel release.
    pub kernel: String,
    /// Architecture.
    pub arch: String,
    /// Online CPUs.
    pub cpus: u32,
    /// Total memory, in bytes.
    pub memory_bytes: u64,
}

/// How the CPUs of a guest are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// By the host's own CPUs.
    Kvm,
    /// By translation: everything takes several times as long.
    Tcg,
}

impl Accelerator {
    /// The word of QEMU and of records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

/// Where the time from the start of QEMU to the first block of the first case went, each part in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BootTimes {
    /// From the start of QEMU to the beginning of the kernel's clock: QEMU, firmware, loading and unpacking the kernel.
    pub qemu_ms: f64,
    /// From there to the first instruction of init.
    pub kernel_ms: f64,
    /// File systems and control groups mounted.
    pub mounts_ms: f64,
    /// Modules loaded, swap and disk made ready.
    pub modules_ms: f64,
    /// The harness started and its machine looked at.
    pub doctor_ms: f64,
    /// Node, sandboxes and watcher of the first case made.
    pub set_up_ms: f64,
    /// Its probes calibrated.
    pub calibration_ms: f64,
    /// All of it: from the start of QEMU to the beginning of the first block.
    pub first_block_ms: f64,
}
