//! The harness's end of its guardian: a process that takes everything down when the harness cannot.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::unistd::Pid;

use super::EngineError;
use crate::guardian::{Order, Reply, Undo};
use crate::sys::{descriptors, pidfd};

/// The guardian does nothing but listen: a longer silence is its death.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// It gives up killing and removing before that.
const TAKE_DOWN_LIMIT: Duration = Duration::from_secs(20);

/// A running guardian. Dropping it without [`Guardian::dismiss`] makes it take down what is left.
pub struct Guardian {
    child: Child,
    pidfd: OwnedFd,
    stream: BufReader<UnixStream>,
    /// How many things it was told of.
    expected: usize,
    ended: bool,
    /// What it said of itself.
    pub memory_locked: bool,
    /// The kernel's inclination to kill it, from -1000 (never) to 1000.
    pub oom_score_adj: i32,
}

impl fmt::Debug for Guardian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guardian").field("pid", &self.child.id()).finish_non_exhaustive()
    }
}

impl Guardian {
    /// Starts `program`, this one as a rule, in the guardian's role.
    ///
    /// # Errors
    /// What failed, in a sentence.
    pub fn start(program: &Path, run_id: &str) -> Result<Self, EngineError> {
        let failed =
            |error: io::Error| EngineError::Failed(format!("cannot start the guardian: {error}"));
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_read_timeout(Some(ANSWER_LIMIT)).map_err(failed)?;
        ours.set_write_timeout(Some(ANSWER_LIMIT)).map_err(failed)?;
        let child = Command::new(program)
            .arg0("contain-test")
            .args(["__guardian", run_id, &std::process::id().to_string()])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What the terminal sends to the harness's group is not for the guardian.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let pidfd = pidfd::open(pid).map_err(|errno| failed(errno.into()))?;
        let stream = BufReader::new(ours);
        let mut guardian = Self {
            child,
            pidfd,
            stream,
            expected: 0,
            ended: false,
            memory_locked: false,
            oom_score_adj: 0,
        };
        match guardian.answer().map_err(failed)? {
            Reply::Ready { memory_locked, oom_score_adj } => {
                (guardian.memory_locked, guardian.oom_score_adj) = (memory_locked, oom_score_adj);
                Ok(guardian)
            }
            other => Err(EngineError::Failed(format!("the guardian answered {other:?}"))),
        }
    }

    /// Its process ID.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells of things that are about to be made, in their order.
    ///
    /// # Errors
    /// The guardian is gone or cannot prepare: then nothing may be made.
    pub fn expect(&mut self, undo: Vec<Undo>) -> io::Result<()> {
        let count = undo.len();
        self.tell(&Order::Expect { undo })?;
        self.expected += count;
        Ok(())
    }

    /// How many things it was told of: what [`Guardian::forget`] takes.
    #[must_use]
    pub const fn expected(&self) -> usize {
        self.expected
    }

    /// Processes are about to be in the directories of a cgroup.
    ///
    /// # Errors
    /// As [`Guardian::expect`].
    pub fn arm(&mut self, directories: &[PathBuf]) -> io::Result<()> {
        self.tell(&Order::Arm { directories: directories.to_vec() })
    }

    /// Everything but the first `keep` things is gone again.
    ///
    /// # Errors
    /// As [`Guardian::expect`].
    pub fn forget(&mut self, keep: usize) -> io::Result<()> {
        self.tell(&Order::Forget { keep })?;
        self.expected = self.expected.min(keep);
        Ok(())
    }

    /// Lets it hold the run's lock too, so that the run counts as alive until it is taken down.
    ///
    /// # Errors
    /// As [`Guardian::expect`].
    pub fn hold(&mut self, lock: BorrowedFd<'_>) -> io::Result<()> {
        let line = line_of(&Order::Hold)?;
        descriptors::send(self.stream.get_ref().as_fd(), &line, lock)?;
        self.done()
    }

    /// Says that nothing is left to do, and waits for its end.
    pub fn dismiss(mut self) {
        self.end(&Order::Done, ANSWER_LIMIT);
    }

    fn end(&mut self, with: &Order, limit: Duration) {
        let said = line_of(with).and_then(|line| self.stream.get_mut().write_all(&line));
        let ended = said.is_ok() && pidfd::wait_for_end(self.pidfd.as_fd(), limit).unwrap_or(false);
        if !ended {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        self.ended = true;
    }

    /// Something to poll that becomes readable when it ends.
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    fn tell(&mut self, order: &Order) -> io::Result<()> {
        let line = line_of(order)?;
        self.stream.get_mut().write_all(&line)?;
        self.done()
    }

    fn done(&mut self) -> io::Result<()> {
        match self.answer()? {
            Reply::Done => Ok(()),
            Reply::Failed { error } => Err(io::Error::other(error)),
            other @ Reply::Ready { .. } => {
                Err(io::Error::other(format!("the guardian answered {other:?}")))
            }
        }
    }

    fn answer(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the guardian is gone"));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Guardian {
    /// The way of panics, and of a run that could not take everything down: the guardian tries.
    fn drop(&mut self) {
        if !self.ended {
            self.end(&Order::TakeDown, TAKE_DOWN_LIMIT);
        }
    }
}

fn line_of(order: &Order) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    Ok(line)
}
