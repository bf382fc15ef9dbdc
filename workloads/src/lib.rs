//! What runs inside a sandbox: attackers, victims with their probes, and the protocol that both speak.
//!
//! Nothing here knows the harness. A role reads orders from its standard input and answers on its standard output; it
//! ends when that stream ends. All unsafe code is in `raw.rs`.

mod attacker;
mod bounds;
mod clock;
pub mod protocol;
mod raw;
mod sight;
mod spin;
mod stream;
mod tally;
mod victim;
mod watcher;

pub use attacker::{AttackOrder, run as run_attacker};
pub use bounds::Dose;
pub use victim::{PROBES, run as run_victim};
pub use watcher::{WatchReport, run as run_watcher};
