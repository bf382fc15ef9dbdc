//! Sandboxes: a specification becomes a list of steps, the steps become a process, the process belongs to a handle.
//!
//! `spec` and `plan` are pure. `stage` runs inside, as the sandbox's first process. Everything else is the harness.

mod channel;
mod error;
mod handle;
mod plan;
mod plan_stream;
pub mod runtime;
mod spec;
mod stage;
mod stage_times;
mod step;

pub use channel::{Channel, Received};
pub use error::SandboxError;
pub use handle::Sandbox;
pub use plan::{Plan, plan};
pub use spec::{ID_COUNT, IdRange, Spec};
pub use stage::run as run_stage;
pub use stage_times::{StageTimes, monotonic_ns};
pub use step::Step;

/// A step that failed inside, printable, and why.
type Failure = (String, String);
