//! What every contender does: start once, say how long it took, leave nothing behind.

use std::time::Duration;

/// One start.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// From the decision to start until the workload's first bytes arrived.
    pub ready: Duration,
    /// From there until everything was gone.
    pub end: Duration,
    /// The parts of `ready`, in order, where they are known.
    pub parts: Vec<(&'static str, Duration)>,
}

pub trait Contender {
    fn name(&self) -> &str;
    /// Why it cannot be measured on this machine.
    fn absent(&self) -> Option<String> {
        None
    }
    /// Its failure is a failure of the benchmark.
    fn is_ours(&self) -> bool {
        false
    }
    fn start(&mut self) -> Result<Sample, String>;
}
