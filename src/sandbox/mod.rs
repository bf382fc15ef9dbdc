//! Sandboxes: a specification becomes a list of steps, the steps become a process, the process belongs to a handle.
//!
//! `spec` and `plan` are pure. `stage` runs inside, as the sandbox's first process. Everything else is the harness.

mod bounds;
mod channel;
mod error;
mod handle;
mod ids;
mod plan;
mod plan_stream;
mod pod;
pub mod runtime;
mod seccomp;
mod spec;
mod stage;
mod stage_times;
mod step;
mod tail;

pub use bounds::{Bound, Shown};
pub use channel::{Channel, Received};
pub use error::SandboxError;
pub use handle::Sandbox;
pub use ids::{FIRST_ID, ID_COUNT, INSIDE_ID, IdRange, RANGES_OF_A_RUN, can_be_ours};
pub use plan::{Plan, plan};
pub use pod::{Pod, PodPlan};
pub use spec::{DISK_INSIDE, Spec};
pub use stage::run as run_stage;
pub use stage_times::{StageTimes, monotonic_ns};
pub use step::Step;

/// A step that failed inside, printable, and why.
type Failure = (String, String);
