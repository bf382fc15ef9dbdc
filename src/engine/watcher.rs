//! The harness's end of the watcher: a process outside the node that records whether the machine noticed.

use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contain_test_workloads::WatchReport;

use super::conversation::{Asked, ask};
use super::signals::Signals;
use super::{EngineError, RunDirectory};
use crate::announce::Announce;
use crate::record::Watch;
use crate::sandbox::Channel;

const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The hidden role of its process.
pub const ROLE: &str = "__watcher";

/// The steps in which it comes and goes.
pub const START: &str = "watcher: start a process outside the node";
/// See [`START`].
pub const END: &str = "watcher: end";

/// A running watcher. Dropping it ends it.
#[derive(Debug)]
pub struct Watcher {
    child: Child,
    channel: Channel,
}

impl Watcher {
    /// Starts the watcher. It inherits the CPUs of the harness, which are the attacker's when placement is apart. Its
    /// command line holds the run's ID, by which sandboxes look for it.
    ///
    /// # Errors
    /// What failed.
    pub fn start(directory: &RunDirectory, to: &mut dyn Announce) -> Result<Self, EngineError> {
        let failed = |error: std::io::Error| {
            EngineError::file("start the watcher", &directory.program, error)
        };
        to.before(&START).map_err(failed)?;
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let output = std::os::fd::OwnedFd::from(theirs.try_clone().map_err(failed)?);
        let child = Command::new(&directory.program)
            .arg(ROLE)
            .arg(&directory.run_id)
            .arg(&directory.path)
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .stdout(Stdio::from(output))
            .stderr(Stdio::null())
            // Ctrl-C on the terminal is for the harness: the watcher ends when the harness closes its stream.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self { child, channel: Channel::new(Box::new(ours)) })
    }

    /// Ends it.
    ///
    /// # Errors
    /// Only when the announcement is refused; it is ended all the same.
    pub fn end(mut self, to: &mut dyn Announce) -> Result<(), EngineError> {
        let announced = to.before(&END);
        self.kill();
        announced.map_err(|error| EngineError::Failed(format!("cannot end the watcher: {error}")))
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it saw since it was last asked.
    ///
    /// # Errors
    /// [`EngineError::Signal`], or that it did not answer: then nobody knows how the machine fared.
    pub fn report(&mut self, signals: &mut Signals) -> Result<Watch, EngineError> {
        match ask::<_, WatchReport>(&mut self.channel, signals, &"report", ANSWER_LIMIT)? {
            Asked::Answer(report) => Ok(watch(report)),
            Asked::Gone => Err(EngineError::Failed("the watcher is gone".to_owned())),
            Asked::Late => {
                Err(EngineError::Failed("the watcher did not answer in 10 s".to_owned()))
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.kill();
    }
}

#[expect(clippy::cast_precision_loss, reason = "a pause of 2^53 ns would be 104 days")]
fn watch(report: WatchReport) -> Watch {
    Watch {
        rounds: report.rounds,
        failures: report.failures,
        longest_pause_ms: report.longest_pause_ns as f64 / 1e6,
        slowest_round_ms: report.slowest_round_ns as f64 / 1e6,
    }
}
