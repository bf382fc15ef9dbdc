//! The harness's end of the watcher: a process outside the node that records whether the machine noticed.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contain_test_workloads::protocol::{Planted, Reply};
use contain_test_workloads::{SurveyOrder, WatchReport};

use super::conversation::{Asked, ask};
use super::signals::Signals;
use super::trail::Trail;
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
/// The step in which it plants what an attacker that looks around is to find.
pub const PLANT: &str =
    "watcher: plant System V objects, a message queue, sockets, a file in /dev/shm and one in /tmp";

/// A running watcher. Dropping it ends it.
#[derive(Debug)]
pub struct Watcher {
    child: Child,
    channel: Channel,
    run_id: String,
    /// Whether it was told to plant what does not end with it.
    planted: bool,
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
        Ok(Self {
            child,
            channel: Channel::new(Box::new(ours)),
            run_id: directory.run_id.clone(),
            planted: false,
        })
    }

    /// Its process ID.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(0)
    }

    /// Has it plant on the machine what sandboxes may find there. What that was is taken away when the watcher ends.
    ///
    /// # Errors
    /// [`EngineError::Signal`]; the step was refused; it did not answer, or nothing could be planted.
    pub fn plant(
        &mut self,
        signals: &mut Signals,
        trail: &mut Trail,
    ) -> Result<Planted, EngineError> {
        trail
            .before(&PLANT)
            .map_err(|error| EngineError::Failed(format!("cannot plant: {error}")))?;
        self.planted = true;
        match ask::<_, Reply>(
            &mut self.channel,
            signals,
            &contain_test_workloads::PLANT,
            ANSWER_LIMIT,
        )? {
            Asked::Answer(Reply::Planted(planted)) => Ok(*planted),
            Asked::Answer(other) => {
                Err(EngineError::Failed(format!("the watcher could not plant: {other:?}")))
            }
            Asked::Gone | Asked::Late => {
                Err(EngineError::Unanswered("the watcher did not plant anything".to_owned()))
            }
        }
    }

    /// Has it read files below `/proc` and `/sys` as somebody without rights.
    ///
    /// # Errors
    /// [`EngineError::Signal`], or that it did not answer.
    pub fn survey(
        &mut self,
        order: &SurveyOrder,
        signals: &mut Signals,
        limit: Duration,
    ) -> Result<BTreeMap<String, String>, EngineError> {
        let order = serde_json::to_string(order)
            .map_err(|error| EngineError::Failed(format!("cannot write an order: {error}")))?;
        let question = format!("{}{order}", contain_test_workloads::SURVEY);
        match ask::<_, Reply>(&mut self.channel, signals, &question, limit)? {
            Asked::Answer(Reply::Surveyed { files }) => Ok(files),
            Asked::Answer(_) | Asked::Gone | Asked::Late => {
                Err(EngineError::Unanswered("the watcher did not say what it can read".to_owned()))
            }
        }
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
        if std::mem::take(&mut self.planted) {
            // The victim's too, where it shared namespaces with the machine.
            contain_test_workloads::remove_planted(&self.run_id);
        }
    }

    /// What it saw since it was last asked.
    ///
    /// # Errors
    /// [`EngineError::Signal`], or that it did not answer: then nobody knows how the machine fared.
    pub fn report(&mut self, signals: &mut Signals) -> Result<Watch, EngineError> {
        match ask::<_, WatchReport>(&mut self.channel, signals, &"report", ANSWER_LIMIT)? {
            Asked::Answer(report) => Ok(watch(report)),
            Asked::Gone => Err(EngineError::Unanswered("the watcher is gone".to_owned())),
            Asked::Late => {
                Err(EngineError::Unanswered("the watcher did not answer in 10 s".to_owned()))
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
