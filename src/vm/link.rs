//! What a guest says to its host: one JSON object a line, over a serial port, from a kernel that is not trusted.
//!
//! A serial port, because every kernel that has a console has one built in, and because nothing travels the other way: what a guest
//! is to do lies in its file system. Lines and their sum are bounded, so that a guest can fill neither memory nor time.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use serde::{Deserialize, Serialize};

use crate::engine::Event;
use crate::record::{Case, Cleanup, Machine};

/// The longest line, in bytes: a case with every block of ten minutes has some 10 MiB.
const LONGEST_LINE: usize = 64 << 20;

/// All that one guest may say, in bytes.
const LONGEST_TALK: u64 = 2 << 30;

/// One thing that a guest says. Times are milliseconds since its kernel's clock began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// Init has begun.
    Hello {
        /// When.
        at_ms: f64,
    },
    /// File systems and control groups are mounted.
    Mounted {
        /// When.
        at_ms: f64,
    },
    /// Modules are loaded, swap and disk are ready: the guest is up.
    Up {
        /// When.
        at_ms: f64,
    },
    /// What the harness in the guest found the machine to be.
    Machine {
        /// When.
        at_ms: f64,
        /// The machine.
        machine: Box<Machine>,
    },
    /// Something happened in the run.
    Event(Event),
    /// A case was measured and judged.
    Case {
        /// The name of its scenario.
        scenario: String,
        /// The case.
        case: Box<Case>,
    },
    /// A program wrote this.
    Output(String),
    /// The run is over, clean-up included.
    Done {
        /// What clean-up did.
        cleanup: Cleanup,
    },
    /// Nothing more will be said: the guest powers off.
    Over {
        /// How the harness or the program in the guest ended: its exit code, or 128 and the signal that killed it.
        code: i32,
        /// What it left in the guest.
        left: Vec<String>,
    },
    /// The guest cannot go on, and why.
    Failed {
        /// What was tried, and why it failed.
        reason: String,
    },
}

/// What listening gave.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// The guest said something.
    Said(Box<Said>),
    /// A line that means nothing, or part of one.
    Garbled(String),
    /// Nothing complete yet.
    Nothing,
    /// The line is dead.
    Ended,
    /// More than any guest has to say.
    TooMuch,
}

/// The host's end of the line.
#[derive(Debug)]
pub struct Link {
    stream: UnixStream,
    pending: Vec<u8>,
    /// How much of `pending` is known to hold no line end.
    searched: usize,
    total: u64,
}

impl Link {
    /// An end that never blocks.
    ///
    /// # Errors
    /// The errno of fcntl(2).
    pub fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, pending: Vec::new(), searched: 0, total: 0 })
    }

    /// Takes what has arrived, without waiting.
    pub fn hear(&mut self) -> Heard {
        loop {
            if let Some(line) = self.take_line() {
                let line = line.trim_ascii();
                if line.is_empty() {
                    continue;
                }
                return serde_json::from_slice(line).map_or_else(
                    |_| {
                        let start = &line[..line.len().min(80)];
                        Heard::Garbled(String::from_utf8_lossy(start).into_owned())
                    },
                    |said| Heard::Said(Box::new(said)),
                );
            }
            if self.pending.len() > LONGEST_LINE || self.total > LONGEST_TALK {
                return Heard::TooMuch;
            }
            let mut buffer = [0; 65536];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Heard::Ended,
                Ok(count) => {
                    self.total += u64::try_from(count).unwrap_or(u64::MAX);
                    self.pending.extend_from_slice(&buffer[..count]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Heard::Ended,
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

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pair() -> (Link, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Link::new(ours).unwrap(), theirs)
    }

    #[test]
    fn lines_arrive_whole_however_they_are_cut() {
        let (mut link, mut guest) = pair();
        assert_eq!(link.hear(), Heard::Nothing);
        let line = serde_json::to_string(&Said::Hello { at_ms: 1.5 }).unwrap();
        let (first, second) = line.split_at(7);
        guest.write_all(first.as_bytes()).unwrap();
        assert_eq!(link.hear(), Heard::Nothing);
        guest.write_all(format!("{second}\r\n\n").as_bytes()).unwrap();
        assert_eq!(link.hear(), Heard::Said(Box::new(Said::Hello { at_ms: 1.5 })));
        assert_eq!(link.hear(), Heard::Nothing);
        drop(guest);
        assert_eq!(link.hear(), Heard::Ended);
    }

    #[test]
    fn a_broken_line_does_not_hide_the_next() {
        let (mut link, mut guest) = pair();
        guest.write_all(b"{\"case\": {\"scen\n{\"failed\": {\"reason\": \"x\"}}\n").unwrap();
        assert!(matches!(link.hear(), Heard::Garbled(text) if text.starts_with("{\"case")));
        assert_eq!(link.hear(), Heard::Said(Box::new(Said::Failed { reason: "x".into() })));
    }

    #[test]
    fn a_flood_without_line_ends_is_cut_off() {
        let (mut link, mut guest) = pair();
        let writer = std::thread::spawn(move || while guest.write_all(&[b'x'; 1 << 20]).is_ok() {});
        let cut_off = loop {
            match link.hear() {
                Heard::Nothing => std::thread::yield_now(),
                other => break other,
            }
        };
        assert_eq!(cut_off, Heard::TooMuch);
        assert!(link.pending.len() <= LONGEST_LINE + 65536);
        drop(link);
        writer.join().unwrap();
    }
}
