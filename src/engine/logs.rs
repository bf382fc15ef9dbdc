//! Reading what an attacker writes to its standard error, as a container engine reads the output of a container.
//!
//! Who reads pays: the harness does, outside of the node and of every limit of the attacker. So it reads a bounded amount at bounded
//! times, in blocks off and on alike, and keeps no more than the end. What does not fit waits in the pipe, and its writer with it.

use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use crate::scenario::{Config, Role};

/// Between two readings.
const PERIOD: Duration = Duration::from_millis(20);
/// The most that is read each time, in bytes: a full pipe (pipe(7)), which makes 3.2 MiB a second.
const MOST: usize = 64 << 10;

/// See the module.
#[derive(Debug)]
pub struct LogReader {
    due: Instant,
    bytes: u64,
}

impl LogReader {
    /// For a config whose attacker writes; others are not read while they run.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        let workload = config.sandbox(Role::Attacker)?.workload.as_ref()?;
        workload.name.writes_logs().then(|| Self { due: Instant::now(), bytes: 0 })
    }

    /// Reads when it is time to. Returns how long until it is time again.
    pub fn look(&mut self, attacker: &mut Sandbox) -> Duration {
        let now = Instant::now();
        if now >= self.due {
            let read = attacker.read_errors(MOST);
            self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            self.due = now + PERIOD;
        }
        self.due - now
    }

    /// How much was read so far, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}
