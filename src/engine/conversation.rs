//! Asking a sandbox for something and waiting for the answer, with a time limit, and with an ear for signals.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use contain_test_workloads::protocol::{Order, Reply};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::EngineError;
use super::signals::Signals;
use crate::sandbox::{Channel, Received, Sandbox};

/// What a question gave.
#[derive(Debug)]
pub enum Asked<T> {
    /// The answer.
    Answer(T),
    /// The other side is gone, or answered with something that is no reply.
    Gone,
    /// No answer within the limit.
    Late,
}

/// Sends `question` and waits up to `limit` for one answer.
///
/// # Errors
/// [`EngineError::Signal`], [`EngineError::Unguarded`].
pub fn ask<Q: Serialize, A: DeserializeOwned>(
    channel: &mut Channel,
    signals: &mut Signals,
    question: &Q,
    limit: Duration,
) -> Result<Asked<A>, EngineError> {
    ask_while(channel, signals, question, limit, &mut || None)
}

/// The same, with something to do while nothing comes: `meanwhile` does it, if it is time to, and says how long until it is time again.
///
/// # Errors
/// As [`ask`].
pub fn ask_while<Q: Serialize, A: DeserializeOwned>(
    channel: &mut Channel,
    signals: &mut Signals,
    question: &Q,
    limit: Duration,
    meanwhile: &mut dyn FnMut() -> Option<Duration>,
) -> Result<Asked<A>, EngineError> {
    if channel.send(question).is_err() {
        return Ok(Asked::Gone);
    }
    let begun = Instant::now();
    loop {
        signals.check()?;
        match channel.receive() {
            Received::Reply(answer) => return Ok(Asked::Answer(answer)),
            Received::Ended => return Ok(Asked::Gone),
            Received::Nothing => {}
        }
        let Some(left) = limit.checked_sub(begun.elapsed()) else { return Ok(Asked::Late) };
        let left = meanwhile().map_or(left, |due| due.min(left));
        let milliseconds = u16::try_from(left.as_millis() + 1).unwrap_or(u16::MAX);
        let mut fds = vec![PollFd::new(channel.as_fd(), PollFlags::POLLIN)];
        fds.extend(signals.wakers().map(|waker| PollFd::new(waker, PollFlags::POLLIN)));
        match poll(&mut fds, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(EngineError::Failed(format!("poll: {errno}"))),
        }
    }
}

/// Asks a sandbox, and takes silence and refusal for errors.
///
/// # Errors
/// [`EngineError::Signal`], or [`EngineError::Unanswered`] with the sandbox and what it was asked.
pub fn require(
    sandbox: &mut Sandbox,
    signals: &mut Signals,
    order: &Order,
    limit: Duration,
) -> Result<Reply, EngineError> {
    let what = match order {
        Order::Placebo { .. } => "start the placebo",
        Order::Start => "start the attack",
        Order::Stop => "stop the attack",
        Order::Calibrate { .. } => "calibrate its probes",
        Order::Measure(_) => "measure",
        Order::Facts { .. } | Order::Look(_) => "look around",
        Order::Plant { .. } => "plant what is to be found",
        Order::Survey { .. } => "read what it can",
        Order::Hold { .. } => "hold what is to be found",
        Order::Quit => "end",
    };
    let reason = match ask(&mut sandbox.channel, signals, order, limit)? {
        Asked::Answer(Reply::Failed { error }) => error,
        Asked::Answer(reply) => return Ok(reply),
        Asked::Gone => format!("it is gone{}", sandbox.last_words()),
        Asked::Late => format!("no answer within {} s", limit.as_secs()),
    };
    Err(EngineError::Unanswered(format!("sandbox `{}` could not {what}: {reason}", sandbox.name)))
}
