//! What runs inside a sandbox: attackers, victims with their probes, and the protocol both speak.

pub mod protocol;
