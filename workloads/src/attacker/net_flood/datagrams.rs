//! Small datagrams, as fast as the kernel takes them.

use std::net::{Ipv4Addr, UdpSocket};

use nix::errno::Errno;

use super::{Flood, errno_of};
use crate::uplink::{DISCARD, SERVER};

/// Sockets in turn: the packets that wait in a queue fill the buffer of the socket that they came from, and one buffer holds fewer of
/// them than a queue may.
const SOCKETS: usize = 32;
/// Datagrams of one socket in a row.
const BATCH: u64 = 16;
/// Bytes of a datagram; with the headers of UDP, IP and Ethernet it is a frame of 106.
const BYTES: usize = 64;

/// See the module.
#[derive(Default)]
pub struct Datagrams {
    sockets: Vec<UdpSocket>,
    next: usize,
}

impl Datagrams {
    fn open(&mut self) -> std::io::Result<()> {
        while self.sockets.len() < SOCKETS {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.connect((SERVER, DISCARD))?;
            socket.set_nonblocking(true)?;
            self.sockets.push(socket);
        }
        Ok(())
    }
}

impl Flood for Datagrams {
    /// One batch of the next socket that takes any. That all of them are full is a refusal.
    fn round(&mut self) -> Result<u64, Errno> {
        self.open().map_err(|error| errno_of(&error))?;
        let mut refusal = Errno::EAGAIN;
        for _ in 0..SOCKETS {
            self.next = (self.next + 1) % SOCKETS;
            let socket = &self.sockets[self.next];
            for done in 0..BATCH {
                match socket.send(&[0; BYTES]) {
                    Ok(_) => {}
                    Err(error) if done == 0 => {
                        refusal = errno_of(&error);
                        break;
                    }
                    Err(_) => return Ok(done),
                }
                if done + 1 == BATCH {
                    return Ok(BATCH);
                }
            }
        }
        Err(refusal)
    }
}
