//! Connections, as many as come about, each closed as soon as it is made.
//!
//! They are reset (`SO_LINGER` of 0, socket(7)), so neither side keeps anything of them: no port waits in `TIME_WAIT`, and off is off.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, connect, getsockopt, socket, sockopt,
};

use super::Flood;
use crate::clock;
use crate::uplink::{self, DISCARD, SERVER};

/// Connections that are being made at the same time.
const ATTEMPTS: usize = 256;
/// New ones in one round.
const BATCH: usize = 32;
/// Who has no answer by then, in nanoseconds, is given up: the kernel would try again only after a second.
const PATIENCE_NS: u64 = 250_000_000;

/// See the module.
#[derive(Default)]
pub struct Storm {
    /// Connections on their way, and since when.
    attempts: Vec<(OwnedFd, u64)>,
}

impl Flood for Storm {
    /// Begins new ones, and looks which have come about. A failure is told in the round after its successes.
    fn round(&mut self) -> Result<u64, Errno> {
        let begun = self.begin();
        if self.attempts.is_empty() {
            return begun.map(|()| 0);
        }
        let mut fds: Vec<PollFd<'_>> = self
            .attempts
            .iter()
            .map(|(socket, _)| PollFd::new(socket.as_fd(), PollFlags::POLLOUT))
            .collect();
        // As long as there is room for more, nobody waits.
        let room = self.attempts.len() < ATTEMPTS;
        poll(&mut fds, PollTimeout::from(if room { 0_u8 } else { 1 }))?;
        let ready: Vec<bool> =
            fds.iter().map(|fd| fd.revents().is_some_and(|it| !it.is_empty())).collect();
        drop(fds);
        let (now, mut made, mut failed) = (clock::now(), 0, None);
        let mut ready = ready.into_iter();
        self.attempts.retain(|(socket, since)| {
            if ready.next() == Some(true) {
                match getsockopt(socket, sockopt::SocketError) {
                    Ok(0) => made += 1,
                    Ok(number) => failed = Some(Errno::from_raw(number)),
                    Err(errno) => failed = Some(errno),
                }
                return false;
            }
            let late = now - since > PATIENCE_NS;
            if late {
                failed = Some(Errno::ETIMEDOUT);
            }
            !late
        });
        match failed {
            Some(errno) if made == 0 => Err(errno),
            _ => Ok(made),
        }
    }
}

impl Storm {
    fn begin(&mut self) -> Result<(), Errno> {
        let server = SockaddrIn::from(std::net::SocketAddrV4::new(SERVER, DISCARD));
        for _ in 0..BATCH.min(ATTEMPTS - self.attempts.len()) {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
            uplink::close_at_once(&socket)?;
            match connect(socket.as_raw_fd(), &server) {
                Ok(()) | Err(Errno::EINPROGRESS) => self.attempts.push((socket, clock::now())),
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}
