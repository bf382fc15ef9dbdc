//! Listening to one guest from its start to its end, whichever way that comes.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::link::{Heard, Said};
use super::qemu::Qemu;
use crate::engine::{EngineError, Signals};

/// The longest that is waited at a stretch: deadlines are looked at in between.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Between two looks at a guest whose lines are dead already.
const PAUSE: Duration = Duration::from_millis(10);

/// Time limits of one boot.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From the start until the guest is up.
    pub boot: Duration,
    /// Between two words of a guest that is up.
    pub silence: Duration,
    /// For everything.
    pub whole: Duration,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The guest said that it is over.
    Over {
        /// The exit code of what ran in it.
        code: i32,
        /// What was left in it.
        left: Vec<String>,
    },
    /// The guest said that it cannot go on, and why.
    Failed(String),
    /// It was up and is lost; how, without a full stop.
    Lost(String),
    /// It was lost before it was up; how, without a full stop.
    NeverUp(String),
}

/// Listens until the guest has ended, and ends it where it does not by itself. Every word goes to `hear`, with the time since
/// the guest was started.
///
/// # Errors
/// [`EngineError::Signal`]; the guest is ended.
pub fn attend(
    qemu: &mut Qemu,
    deadlines: Deadlines,
    signals: &mut Signals,
    hear: &mut dyn FnMut(Said, Duration),
) -> Result<Ending, EngineError> {
    let ending = listen(qemu, deadlines, signals, hear);
    match ending {
        Ok(Ending::Over { .. } | Ending::Failed(_)) => qemu.power_off(),
        _ => qemu.kill(),
    }
    qemu.console.read();
    ending.map(|ending| explained(ending, qemu))
}

fn listen(
    qemu: &mut Qemu,
    deadlines: Deadlines,
    signals: &mut Signals,
    hear: &mut dyn FnMut(Said, Duration),
) -> Result<Ending, EngineError> {
    let mut up = false;
    let mut garbled: Option<String> = None;
    let mut last_word = Instant::now();
    loop {
        signals.check()?;
        // Whether it has ended is asked first: what it said before that is still in the line.
        let ended = qemu.ended();
        let console_lives = qemu.console.read();
        let gone = |how: String| if up { Ending::Lost(how) } else { Ending::NeverUp(how) };
        let link_lives = match qemu.link.hear() {
            Heard::Said(said) => {
                last_word = Instant::now();
                match *said {
                    Said::Over { code, left } => return Ok(Ending::Over { code, left }),
                    Said::Failed { reason } => return Ok(Ending::Failed(reason)),
                    said => {
                        up |= matches!(said, Said::Up { .. });
                        hear(said, qemu.begun.elapsed());
                    }
                }
                continue;
            }
            // A harness that is killed in the middle of a word leaves half a line, and its init has the last word.
            Heard::Garbled(line) => match garbled.replace(line) {
                None => continue,
                Some(line) => {
                    return Ok(gone(format!("what it says makes no sense: {}", printable(&line))));
                }
            },
            Heard::TooMuch => {
                return Ok(gone("it says more than any guest has to say".to_owned()));
            }
            Heard::Ended => false,
            Heard::Nothing => true,
        };
        if let Some(status) = ended {
            let how = qemu.describe(status);
            return Ok(gone(how));
        }
        let now = Instant::now();
        let seconds = |limit: Duration| limit.as_secs_f64();
        if !up && now - qemu.begun > deadlines.boot {
            return Ok(gone(format!("it was not up within {} s", seconds(deadlines.boot))));
        }
        if up && now - last_word > deadlines.silence {
            return Ok(gone(format!("no word from it for {} s", seconds(deadlines.silence))));
        }
        if now - qemu.begun > deadlines.whole {
            return Ok(gone(format!("it was not done within {} s", seconds(deadlines.whole))));
        }
        wait(qemu, signals, link_lives && console_lives)?;
    }
}

/// Waits until something is to be read, or a while has passed.
fn wait(qemu: &Qemu, signals: &Signals, lives: bool) -> Result<(), EngineError> {
    if !lives {
        // A dead line is always readable: polling it would be running in circles.
        std::thread::sleep(PAUSE);
        return Ok(());
    }
    let lines = [qemu.link.as_fd(), qemu.console.as_fd()];
    let mut fds: Vec<PollFd<'_>> = lines
        .into_iter()
        .chain(signals.wakers())
        .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
        .collect();
    let timeout = u16::try_from(LONGEST_WAIT.as_millis()).unwrap_or(u16::MAX);
    match poll(&mut fds, PollTimeout::from(timeout)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(EngineError::Failed(format!("poll: {errno}"))),
    }
}

/// A kernel's last words say more than how QEMU ended.
fn explained(ending: Ending, qemu: &Qemu) -> Ending {
    let with = |how: String| match qemu.console.panic() {
        Some(why) => format!("its kernel panicked ({why})"),
        None => how,
    };
    match ending {
        Ending::Lost(how) => Ending::Lost(with(how)),
        Ending::NeverUp(how) => Ending::NeverUp(with(how)),
        other => other,
    }
}

fn printable(text: &str) -> String {
    text.escape_debug().to_string()
}
