//! What a plan is made with: the machine as it is, and where a run would put its things.

use std::path::PathBuf;

use super::run_directory::program_and_root;
use super::specs::Premises;
use super::{EngineError, RUN_ID, hierarchies, needs, thermal_paths};
use crate::cgroup::Hierarchies;
use crate::host::{self, Roots};
use crate::record::Machine;

/// Read once for all plans.
pub struct Outlook {
    /// This machine.
    pub machine: Machine,
    /// Its cgroups.
    pub hierarchies: Hierarchies,
    /// The CPUs that may be used.
    pub usable: Vec<u32>,
    /// Where the run's directory would be made.
    pub parent: PathBuf,
    /// Where a run without root would put what every user must be able to reach.
    pub quarters: Option<PathBuf>,
    program: PathBuf,
    root: PathBuf,
    masked: Vec<String>,
    system: Vec<String>,
}

impl Outlook {
    /// Looks at this machine.
    ///
    /// # Errors
    /// Its cgroups or CPUs cannot be read.
    pub fn read() -> Result<Self, EngineError> {
        let roots = Roots::default();
        let unable = |error: host::HostError| EngineError::Unable(error.to_string());
        let mounts = host::usable_cgroups(&roots).map_err(unable)?;
        // Whether it may be written to is one of the requirements, and no matter for a plan.
        let parent = host::runtime_directory().unwrap_or_else(|_| PathBuf::from("/run"));
        let machine = host::machine(&roots);
        let quarters = machine.rootless.as_ref().and_then(|_| host::quarters());
        let (program, root) = program_and_root(&parent, quarters.as_deref(), RUN_ID);
        Ok(Self {
            machine,
            hierarchies: hierarchies(&mounts),
            usable: host::Cpus::read(&roots).map_err(unable)?.usable,
            parent,
            quarters,
            program,
            root,
            masked: thermal_paths(),
            system: needs::system_folders(),
        })
    }

    /// What all sandboxes have in common.
    #[must_use]
    pub fn premises(&self) -> Premises<'_> {
        Premises {
            run_id: RUN_ID,
            program: &self.program,
            root: &self.root,
            masked: &self.masked,
            system: &self.system,
            disk_device: None,
            has_swap: self.machine.swap_bytes > 0,
        }
    }
}
