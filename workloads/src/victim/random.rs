//! `random/getrandom`: 32 bytes of random numbers by getrandom(2), as much as a key or a session's ID takes.

use nix::errno::Errno;

use super::probe::Probe;
use crate::raw;

/// The probe's name.
pub const NAME: &str = "random/getrandom";

/// Bytes of one operation: a key of 256 bits.
const BYTES: usize = 32;

/// See the module.
pub struct Random;

impl Probe for Random {
    /// Up to 256 bytes come whole (getrandom(2)), so fewer are a failure.
    fn operate(&mut self) -> Result<(), Errno> {
        let mut buffer = [0; BYTES];
        match raw::getrandom(&mut buffer)? {
            BYTES => Ok(()),
            _ => Err(Errno::EIO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_bytes_come_whole_and_differ() {
        Random.operate().unwrap();
        let (mut one, mut other) = ([0; BYTES], [0; BYTES]);
        assert_eq!((raw::getrandom(&mut one), raw::getrandom(&mut other)), (Ok(BYTES), Ok(BYTES)));
        assert_ne!(one, other);
    }
}
