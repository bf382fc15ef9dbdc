//! `files/socket`: one socket(2) of the family `AF_UNIX`, and its close(2).

use std::os::unix::net::UnixDatagram;

use nix::errno::Errno;

use super::probe::Probe;

/// The probe's name.
pub const NAME: &str = "files/socket";

/// See the module.
pub struct Socket;

impl Probe for Socket {
    fn operate(&mut self) -> Result<(), Errno> {
        UnixDatagram::unbound()
            .map(drop)
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_made_and_closed() {
        assert_eq!(Socket.operate(), Ok(()));
    }
}
