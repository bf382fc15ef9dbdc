//! A program of others that serves inside the victim's sandbox, and the probe that asks it as a client would.
//!
//! One operation is one connection to a port of the sandbox's own loopback, and for HTTP a request over it and the whole answer.
//! A service that has died refuses connections, and that is what its neighbour's attack did to it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};
use serde::{Deserialize, Serialize};

use super::probe::Probe;
use crate::clock;
use crate::program::Program;
use crate::raw::{self, Fork};

/// A service must answer within this time of its start, in nanoseconds.
const START_LIMIT_NS: u64 = 10_000_000_000;
/// Between two tries, in nanoseconds.
const RETRY_NS: u64 = 20_000_000;
/// A request that takes longer has failed; operations with a deadline fail sooner.
const PATIENCE: Duration = Duration::from_secs(1);
/// The most of an answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 16 << 20;

/// What the victim is told of its service, as JSON in its first argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOrder {
    /// The name of its probe, `resource/service`.
    pub probe: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How it is asked.
    pub check: Check,
}

/// How a service is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// A connection is made and closed again.
    Tcp {
        /// The port.
        port: u16,
    },
    /// A page is asked for.
    Http {
        /// The port.
        port: u16,
        /// The path, which begins with a slash.
        path: String,
        /// The status of a good answer.
        status: u16,
    },
}

impl ServiceOrder {
    /// Starts the program and waits until it answers.
    ///
    /// # Errors
    /// A sentence for people when it cannot be started, ends, or does not answer within 10 s.
    pub fn start(&self) -> Result<(), String> {
        let program = Program::new(&self.command)?;
        let init = getpid();
        let pid = match raw::fork().map_err(|errno| format!("fork: {errno:?}"))? {
            Fork::Child => {
                if raw::die_with_parent().is_err() || getppid() != init {
                    raw::exit_now(1);
                }
                program.become_it()
            }
            Fork::Parent(pid) => pid,
        };
        self.wait_until_it_answers(pid)
    }

    fn wait_until_it_answers(&self, pid: Pid) -> Result<(), String> {
        let begun = clock::now();
        let mut probe = self.probe();
        let mut ended = None;
        loop {
            let Err(errno) = probe.operate() else { return Ok(()) };
            // A service may leave its work to others and end; what counts is whether anybody answers.
            if let Ok(WaitStatus::Exited(_, status)) = waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                ended = Some(status);
            }
            let cannot_run = matches!(ended, Some(126 | 127));
            if cannot_run || clock::now() - begun > START_LIMIT_NS {
                let how = ended.map_or(String::new(), |status| match status {
                    127 => ": there is no such program in the sandbox".to_owned(),
                    126 => ": it cannot be executed".to_owned(),
                    status => format!(", and it ended with status {status}"),
                });
                let program = &self.command[0];
                return Err(format!("the service `{program}` did not answer ({errno:?}){how}"));
            }
            clock::sleep(RETRY_NS);
        }
    }

    /// The probe that asks it.
    #[must_use]
    pub fn probe(&self) -> Client {
        Client { check: self.check.clone() }
    }
}

/// A client, who has a new connection for each request.
#[derive(Debug)]
pub struct Client {
    check: Check,
}

impl Probe for Client {
    fn operate(&mut self) -> Result<(), Errno> {
        let port = match self.check {
            Check::Tcp { port } | Check::Http { port, .. } => port,
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream =
            TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| errno_of(&error))?;
        let Check::Http { path, status, .. } = &self.check else { return Ok(()) };
        let asked = [
            stream.set_read_timeout(Some(PATIENCE)),
            stream.set_write_timeout(Some(PATIENCE)),
            stream.write_all(
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            ),
        ];
        for step in asked {
            step.map_err(|error| errno_of(&error))?;
        }
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer).map_err(|error| errno_of(&error))?;
        // What is no answer, or another one, is no success.
        if status_of(&answer) == Some(*status) { Ok(()) } else { Err(Errno::EPROTO) }
    }
}

/// The status of an answer: `HTTP/1.1 200 OK` (RFC 9112, section 4).
fn status_of(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\r' || byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (version, rest) = line.split_once(' ')?;
    let code = rest.get(..3)?;
    (version.starts_with("HTTP/1.")).then(|| code.parse().ok()).flatten()
}

fn errno_of(error: &std::io::Error) -> Errno {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number),
        None if error.kind() == std::io::ErrorKind::TimedOut => Errno::ETIMEDOUT,
        None => Errno::EIO,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn the_status_of_an_answer_is_read_and_nothing_else() {
        assert_eq!(status_of(b"HTTP/1.1 200 OK\r\n\r\nhello"), Some(200));
        assert_eq!(status_of(b"HTTP/1.0 404\r\n"), Some(404));
        for odd in [&b""[..], b"HTTP/1.1", b"HTTP/1.1 2", b"SSH-2.0-x 200", b"\xff\xfe 200"] {
            assert_eq!(status_of(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_client_wants_the_answer_that_was_agreed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            }
        });
        let client = |status| Client { check: Check::Http { port, path: "/".to_owned(), status } };
        assert_eq!(client(204).operate(), Ok(()));
        assert_eq!(client(200).operate(), Err(Errno::EPROTO));
        server.join().unwrap();
        let mut nobody = Client { check: Check::Tcp { port } };
        assert_eq!(nobody.operate(), Err(Errno::ECONNREFUSED));
    }
}
