//! The harness's end of the protocol: JSON lines over any byte stream, from a sender that is not trusted.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest reply accepted, in bytes. A sandbox that sends more is cut off.
const LONGEST_REPLY: usize = 4 << 20;

/// Any byte stream that can be polled: a socket pair, an engine's attached console, a virtual serial port.
pub trait ByteStream: Read + Write + AsFd {}

impl<T: Read + Write + AsFd> ByteStream for T {}

/// What reading gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Received<T> {
    /// A reply.
    Reply(T),
    /// Nothing complete yet.
    Nothing,
    /// The stream has ended, or what came was no reply.
    Ended,
}

/// One end of the protocol.
pub struct Channel {
    stream: Box<dyn ByteStream>,
    pending: Vec<u8>,
    /// How much of `pending` is known to hold no line end.
    searched: usize,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

impl Channel {
    /// A channel over a stream that must not block when read.
    #[must_use]
    pub fn new(stream: Box<dyn ByteStream>) -> Self {
        Self { stream, pending: Vec::new(), searched: 0 }
    }

    /// Sends one order.
    ///
    /// # Errors
    /// `EPIPE` when the other side is gone, `EAGAIN` when it does not read.
    pub fn send<T: Serialize>(&mut self, order: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }

    /// Takes what has arrived, without waiting.
    pub fn receive<T: DeserializeOwned>(&mut self) -> Received<T> {
        loop {
            if let Some(line) = self.take_line() {
                return serde_json::from_slice(&line).map_or(Received::Ended, Received::Reply);
            }
            if self.pending.len() > LONGEST_REPLY {
                return Received::Ended;
            }
            let mut buffer = [0; 16384];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Received::Ended,
                Ok(count) => self.pending.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Received::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Received::Ended,
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let found = self.pending[self.searched..].iter().position(|&byte| byte == b'\n');
        let Some(end) = found.map(|offset| self.searched + offset) else {
            self.searched = self.pending.len();
            return None;
        };
        self.searched = 0;
        let rest = self.pending.split_off(end + 1);
        Some(std::mem::replace(&mut self.pending, rest))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair() -> (Channel, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Channel::new(Box::new(ours)), theirs)
    }

    #[test]
    fn replies_arrive_whole_however_they_are_cut() {
        let (mut channel, mut theirs) = pair();
        assert_eq!(channel.receive::<u32>(), Received::Nothing);
        theirs.write_all(b"12").unwrap();
        assert_eq!(channel.receive::<u32>(), Received::Nothing);
        theirs.write_all(b"3\n4\n").unwrap();
        assert_eq!(channel.receive::<u32>(), Received::Reply(123));
        assert_eq!(channel.receive::<u32>(), Received::Reply(4));
        drop(theirs);
        assert_eq!(channel.receive::<u32>(), Received::Ended);
    }

    #[test]
    fn garbage_ends_the_conversation() {
        let (mut channel, mut theirs) = pair();
        theirs.write_all(b"\xff\xfe not json\n").unwrap();
        assert_eq!(channel.receive::<u32>(), Received::Ended);
    }

    #[test]
    fn a_flood_without_line_ends_is_cut_off() {
        let (mut channel, mut theirs) = pair();
        let writer = std::thread::spawn(move || while theirs.write_all(&[b'x'; 65536]).is_ok() {});
        let cut_off = loop {
            match channel.receive::<u32>() {
                Received::Nothing => std::thread::yield_now(),
                other => break other,
            }
        };
        assert_eq!(cut_off, Received::Ended);
        assert!(channel.pending.len() <= LONGEST_REPLY + 16384);
        drop(channel);
        writer.join().unwrap();
    }
}
