//! One JSON object a line, over standard input and output.

use std::io::{self, BufRead, Write};
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest line accepted, in bytes: orders are short, and the other side is not trusted with memory.
const LONGEST_LINE: usize = 1 << 20;

/// What waiting for an order gave.
pub enum Waited<T> {
    /// An order.
    Order(T),
    /// Nothing came in time.
    Nothing,
    /// The stream has ended: whoever gave orders is gone.
    Ended,
}

/// The role's end of the stream.
pub struct Stream {
    pending: Vec<u8>,
}

impl Stream {
    /// The stream on standard input and output.
    pub const fn standard() -> Self {
        Self { pending: Vec::new() }
    }

    /// Waits up to `milliseconds` (`None`: for ever) for an order. A line that is no order ends the stream: its sender
    /// is not the harness that this role was built with.
    pub fn wait<T: DeserializeOwned>(&mut self, milliseconds: Option<u16>) -> Waited<T> {
        self.wait_beside(milliseconds, None)
    }

    /// The same, and [`Waited::Nothing`] too as soon as `other` can be read.
    pub fn wait_beside<T: DeserializeOwned>(
        &mut self,
        milliseconds: Option<u16>,
        other: Option<BorrowedFd<'_>>,
    ) -> Waited<T> {
        loop {
            if let Some(line) = self.take_line() {
                return serde_json::from_slice(&line).map_or(Waited::Ended, Waited::Order);
            }
            let timeout = milliseconds.map_or(PollTimeout::NONE, PollTimeout::from);
            match readable(io::stdin().as_fd(), other, timeout) {
                Ok(true) => {}
                Ok(false) => return Waited::Nothing,
                Err(_) => return Waited::Ended,
            }
            if !self.fill() {
                return Waited::Ended;
            }
        }
    }

    /// Sends one reply.
    pub fn send<T: Serialize>(&mut self, reply: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.pending.iter().position(|&byte| byte == b'\n')?;
        let rest = self.pending.split_off(end + 1);
        Some(std::mem::replace(&mut self.pending, rest))
    }

    /// Reads what is there. False at the end of the stream, or when a line outgrows its bound.
    fn fill(&mut self) -> bool {
        let mut input = io::stdin().lock();
        let Ok(buffer) = input.fill_buf() else { return false };
        let count = buffer.len();
        self.pending.extend_from_slice(buffer);
        input.consume(count);
        count > 0 && self.pending.len() <= LONGEST_LINE
    }
}

/// Whether `fd` can be read, after waiting for it or for `other`.
fn readable(
    fd: BorrowedFd<'_>,
    other: Option<BorrowedFd<'_>>,
    timeout: PollTimeout,
) -> nix::Result<bool> {
    let watched = |fd| PollFd::new(fd, PollFlags::POLLIN);
    // The same descriptor twice is as good as once.
    let mut fds = [watched(fd), watched(other.unwrap_or(fd))];
    match poll(&mut fds, timeout) {
        Ok(_) => Ok(fds[0].any().unwrap_or(true)),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(error) => Err(error),
    }
}
