//! What all cases of a run share: the directory, the hierarchies, the machine, the signals.

use super::RunDirectory;
use super::dangers::Allowed;
use super::signals::Signals;
use super::trail::Trail;
use crate::cgroup::Hierarchies;

/// What all cases of a run share.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The run's directory, with its ledger.
    pub directory: &'a mut RunDirectory,
    /// Every change that is made.
    pub trail: &'a mut Trail,
    /// The hierarchies for groups.
    pub hierarchies: &'a Hierarchies,
    /// CPUs that may be used.
    pub cpus: &'a [u32],
    /// CPUs that are online, whether or not they may be used.
    pub online_cpus: u64,
    /// Whether the machine has swap.
    pub has_swap: bool,
    /// Paths to hide besides the usual ones.
    pub masked: &'a [String],
    /// Folders of the machine that programs of others need.
    pub system: &'a [String],
    /// The signals.
    pub signals: &'a mut Signals,
    /// Dangers that somebody has allowed.
    pub allowed: Allowed,
    /// The seed of the run.
    pub seed: u64,
}
