//! What starts a sandbox. The native runtime is ours; others stand behind the same trait.

mod native;

pub use native::{Milestone, Native};

use std::collections::BTreeMap;

use super::{Plan, Pod, Sandbox, SandboxError, Spec};
use crate::announce::Announce;
use crate::cgroup::Group;
use crate::scenario::{FactName, FactValue};

/// A way to start sandboxes.
pub trait Runtime {
    /// The word used in scenarios and records.
    fn name(&self) -> &'static str;

    /// Whether it can be used here.
    ///
    /// # Errors
    /// The reason why not, with the remedy.
    fn available(&self) -> Result<(), String>;

    /// Plans a sandbox in a group that does not exist yet. Changes nothing on the machine.
    ///
    /// # Errors
    /// A limit or namespace that this runtime cannot give.
    fn prepare(&self, spec: Spec, group: &Group) -> Result<Plan, SandboxError>;

    /// Makes what was planned, each change announced before, and returns when the role inside runs. `pod` is the one that the plan names.
    ///
    /// # Errors
    /// The step that failed; what had been made by then is gone again.
    fn launch(
        &self,
        plan: &Plan,
        group: &Group,
        pod: Option<&Pod>,
        to: &mut dyn Announce,
    ) -> Result<Sandbox, SandboxError>;

    /// What the host can tell about a running sandbox.
    fn facts(&self, sandbox: &Sandbox) -> BTreeMap<FactName, FactValue>;

    /// Ends a sandbox and removes what was made for it.
    ///
    /// # Errors
    /// What would not die or go.
    fn stop(&self, sandbox: &mut Sandbox, to: &mut dyn Announce) -> Result<(), SandboxError>;
}
