//! `when`: on which machines a config runs, or an expectation holds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the cgroup hierarchies are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CgroupMode {
    /// Only version 1 hierarchies.
    V1,
    /// Only the unified hierarchy.
    V2,
    /// Controllers on version 1, beside a unified tree without those controllers.
    Hybrid,
}

impl CgroupMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V1, Self::V2, Self::Hybrid];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Hybrid => "hybrid",
        }
    }
}

/// What conditions ask about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineFacts<'a> {
    /// How its cgroups are mounted; `None` where there are none.
    pub cgroup: Option<CgroupMode>,
    /// Kernel release, as `uname -r` prints it.
    pub kernel: &'a str,
    /// Architecture, as `uname -m` prints it.
    pub arch: &'a str,
    /// Whether its CPUs are emulated by software.
    pub emulated: bool,
}

/// One `when`: all that it names must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// Any of these; empty asks for none.
    pub cgroup: Vec<CgroupMode>,
    /// All of these.
    pub kernel: Vec<KernelBound>,
    /// Any of these, as `uname -m` prints them; empty asks for none.
    pub arch: Vec<String>,
    /// Whether the CPUs are emulated by software; `None` asks for neither.
    pub emulated: Option<bool>,
}

/// One comparison with the kernel's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelBound {
    /// How to compare.
    pub comparison: Comparison,
    /// One to three numbers: `5.18` is `[5, 18]`.
    pub version: Vec<u32>,
}

/// How the kernel's version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`: this version or a newer one.
    AtLeast,
    /// `<`: older than this version.
    Below,
    /// `=`: the numbers given are the same; `=5.18` is every 5.18.x.
    Is,
}

impl Comparison {
    /// All of them, the longest sign first.
    pub const ALL: [Self; 3] = [Self::AtLeast, Self::Below, Self::Is];

    /// The sign used in files.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::Is => "=",
        }
    }
}

impl Condition {
    /// Why the condition does not hold on a machine, without a full stop; `None` when it holds. A kernel whose release does not
    /// start with a number meets no comparison.
    #[must_use]
    pub fn unmet(&self, machine: &MachineFacts<'_>) -> Option<String> {
        let mut why: Vec<String> = Vec::new();
        if !self.cgroup.is_empty() && machine.cgroup.is_none_or(|mode| !self.cgroup.contains(&mode))
        {
            let wanted: Vec<&str> = self.cgroup.iter().map(|mode| mode.name()).collect();
            let has = machine.cgroup.map_or("none", CgroupMode::name);
            why.push(format!("needs cgroup {}, but this machine has {has}", wanted.join(" or ")));
        }
        if !self.kernel.iter().all(|bound| bound.holds(machine.kernel)) {
            let wanted: Vec<String> = self.kernel.iter().map(ToString::to_string).collect();
            why.push(format!("needs kernel {}, but this is {}", wanted.join(","), machine.kernel));
        }
        if !self.arch.is_empty() && !self.arch.iter().any(|arch| arch == machine.arch) {
            why.push(format!("needs {}, but this is {}", self.arch.join(" or "), machine.arch));
        }
        match (self.emulated, machine.emulated) {
            (Some(true), false) => {
                why.push("needs an emulated machine, but this one is none".to_owned());
            }
            (Some(false), true) => {
                why.push("needs a machine that is not emulated, but this one is".to_owned());
            }
            _ => {}
        }
        (!why.is_empty()).then(|| why.join("; "))
    }
}

impl KernelBound {
    /// Whether a kernel's release meets it; what follows the numbers (`-rc1`, `-generic`) does not count.
    #[must_use]
    pub fn holds(&self, release: &str) -> bool {
        let Some(running) = numbers(release) else { return false };
        match self.comparison {
            Comparison::AtLeast => running >= self.padded(),
            Comparison::Below => running < self.padded(),
            Comparison::Is => running.starts_with(&self.version),
        }
    }

    /// The version as three numbers: `5.18` is 5.18.0.
    pub(super) fn padded(&self) -> [u32; 3] {
        let mut all = [0; 3];
        all.iter_mut().zip(&self.version).for_each(|(slot, number)| *slot = *number);
        all
    }
}

impl fmt::Display for KernelBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version: Vec<String> = self.version.iter().map(u32::to_string).collect();
        write!(f, "{}{}", self.comparison.sign(), version.join("."))
    }
}

/// The first three numbers of a release; those that are not there are 0.
fn numbers(release: &str) -> Option<[u32; 3]> {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    let mut all = [0; 3];
    let parts = release[..end].trim_end_matches('.').split('.');
    for (slot, part) in all.iter_mut().zip(parts) {
        *slot = part.parse().ok()?;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(comparison: Comparison, version: &[u32], release: &str) -> bool {
        KernelBound { comparison, version: version.to_vec() }.holds(release)
    }

    #[test]
    fn kernels_compare_as_numbers() {
        use Comparison::{AtLeast, Below, Is};
        for (comparison, version, release, expected) in [
            (AtLeast, &[5, 18][..], "5.18.0", true),
            (AtLeast, &[5, 18], "5.18-rc1", true),
            (AtLeast, &[5, 18], "5.4.302-generic", false),
            (AtLeast, &[6], "6.0.1", true),
            (AtLeast, &[5, 18, 3], "5.18.2", false),
            (Below, &[6], "6.0.0", false),
            (Below, &[6], "5.19.17", true),
            (Below, &[5, 10], "5.9", true),
            (Is, &[5, 18], "5.18.19", true),
            (Is, &[5, 1], "5.18.19", false),
            (Is, &[5], "5.18", true),
            (AtLeast, &[1], "unknown", false),
            (Below, &[9], "", false),
            (Below, &[9], "99999999999", false),
        ] {
            assert_eq!(holds(comparison, version, release), expected, "{version:?} {release}");
        }
    }

    #[test]
    fn every_part_must_hold_and_the_reason_names_those_that_do_not() {
        let kernel = vec![
            KernelBound { comparison: Comparison::AtLeast, version: vec![5, 18] },
            KernelBound { comparison: Comparison::Below, version: vec![6] },
        ];
        let condition = Condition {
            cgroup: vec![CgroupMode::V1, CgroupMode::Hybrid],
            kernel,
            arch: vec!["x86_64".to_owned()],
            emulated: Some(false),
        };
        let mut machine = MachineFacts {
            cgroup: Some(CgroupMode::Hybrid),
            kernel: "5.19.1",
            arch: "x86_64",
            emulated: false,
        };
        assert_eq!(condition.unmet(&machine), None);
        machine.cgroup = Some(CgroupMode::V2);
        let why = condition.unmet(&machine);
        assert_eq!(why.as_deref(), Some("needs cgroup v1 or hybrid, but this machine has v2"));
        (machine.cgroup, machine.kernel, machine.arch) = (None, "6.1.0", "aarch64");
        machine.emulated = true;
        let why = condition.unmet(&machine).unwrap_or_default();
        for part in [
            "this machine has none",
            "needs kernel >=5.18,<6, but this is 6.1.0",
            "aarch64",
            "needs a machine that is not emulated",
        ] {
            assert!(why.contains(part), "{why}");
        }
        let other = Condition { emulated: Some(true), ..Condition::default() };
        assert_eq!(other.unmet(&machine), None);
        machine.emulated = false;
        assert_eq!(
            other.unmet(&machine).as_deref(),
            Some("needs an emulated machine, but this one is none")
        );
        assert_eq!(Condition::default().unmet(&machine), None);
    }
}
