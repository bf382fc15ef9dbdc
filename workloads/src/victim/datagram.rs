//! `network/udp`: one datagram to the server at the far end of the uplink, and its echo.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use nix::errno::Errno;

use super::probe::Probe;
use crate::uplink::{ECHO, SERVER};

/// The probe's name.
pub const NAME: &str = "network/udp";

/// An echo that is not there by then is lost: as long as an operation with a deadline has at all.
const PATIENCE: Duration = Duration::from_millis(100);
/// Bytes of a datagram: about as many as a question to a name server.
const BYTES: usize = 64;

/// See the module.
#[derive(Default)]
pub struct Datagram {
    socket: Option<UdpSocket>,
    number: u64,
}

impl Datagram {
    fn socket(&mut self) -> std::io::Result<&UdpSocket> {
        if self.socket.is_none() {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.connect((SERVER, ECHO))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            self.socket = Some(socket);
        }
        self.socket.as_ref().ok_or_else(|| ErrorKind::NotConnected.into())
    }

    fn round_trip(&mut self) -> std::io::Result<()> {
        self.number += 1;
        let number = self.number.to_ne_bytes();
        let socket = self.socket()?;
        let mut datagram = [0; BYTES];
        datagram[..number.len()].copy_from_slice(&number);
        socket.send(&datagram)?;
        // An echo that came too late for its own operation is not this one's.
        loop {
            let count = socket.recv(&mut datagram)?;
            if count == BYTES && datagram.starts_with(&number) {
                return Ok(());
            }
        }
    }
}

impl Probe for Datagram {
    fn operate(&mut self) -> Result<(), Errno> {
        self.round_trip().map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Errno::ETIME,
            _ => Errno::from_raw(error.raw_os_error().unwrap_or(0)),
        })
    }
}
