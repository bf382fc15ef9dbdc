//! `network/connect`: one TCP connection to the server at the far end of the uplink, and its end.
//!
//! It ends by a reset (`SO_LINGER` of 0, socket(7)): else each would keep a port in `TIME_WAIT` for a minute, and a saturating probe
//! would run out of them.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use nix::errno::Errno;

use super::probe::Probe;
use crate::uplink::{self, ECHO, SERVER};

/// The probe's name.
pub const NAME: &str = "network/connect";

/// A connection that has not come about by then has failed: as long as an operation with a deadline has at all, and less than the
/// second after which the kernel would try again.
const PATIENCE: Duration = Duration::from_millis(100);

/// See the module.
pub struct Connect;

impl Probe for Connect {
    fn operate(&mut self) -> Result<(), Errno> {
        let address = (SERVER, ECHO).into();
        let stream =
            TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| match error.kind() {
                ErrorKind::TimedOut => Errno::ETIME,
                _ => Errno::from_raw(error.raw_os_error().unwrap_or(0)),
            })?;
        uplink::close_at_once(&stream)
    }
}
