//! Two streams, one in each direction, as fast as they go.
//!
//! They are closed without waiting for what is still to be sent (`SO_LINGER` of 0, socket(7)): a worker that is killed leaves nothing
//! that would go on sending.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Flood, UNIT, errno_of};
use crate::uplink::{self, CHARGEN, DISCARD, SERVER};

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes that are read or written at once.
const CHUNK: usize = 64 << 10;
/// How long to wait for either stream, in milliseconds.
const WAIT_MS: u16 = 5;

/// See the module.
#[derive(Default)]
pub struct Bulk {
    streams: Option<(TcpStream, TcpStream)>,
    buffer: Vec<u8>,
    /// Bytes that make no whole unit yet.
    rest: u64,
}

impl Flood for Bulk {
    fn round(&mut self) -> Result<u64, Errno> {
        if self.streams.is_none() {
            self.streams = Some((connect(DISCARD)?, connect(CHARGEN)?));
            self.buffer = vec![0; CHUNK];
        }
        let Some((up, down)) = &mut self.streams else { return Ok(0) };
        let mut fds = [
            PollFd::new(up.as_fd(), PollFlags::POLLOUT),
            PollFd::new(down.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut fds, PollTimeout::from(WAIT_MS))?;
        let moved = [up.write(&self.buffer), down.read(&mut self.buffer)];
        for moved in moved {
            match moved {
                // The other side has closed it.
                Ok(0) => return self.broken(Errno::EPIPE),
                Ok(count) => self.rest += u64::try_from(count).unwrap_or(0),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return self.broken(errno_of(&error)),
            }
        }
        let units = self.rest / UNIT;
        self.rest %= UNIT;
        Ok(units)
    }
}

impl Bulk {
    /// The next round begins with new streams.
    fn broken(&mut self, errno: Errno) -> Result<u64, Errno> {
        self.streams = None;
        Err(errno)
    }
}

fn connect(port: u16) -> Result<TcpStream, Errno> {
    let address = (SERVER, port).into();
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| {
        let late = error.kind() == ErrorKind::TimedOut;
        if late { Errno::ETIMEDOUT } else { errno_of(&error) }
    })?;
    uplink::close_at_once(&stream)?;
    stream.set_nonblocking(true).map_err(|error| errno_of(&error))?;
    Ok(stream)
}
