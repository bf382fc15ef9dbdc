//! What runs inside a sandbox: attackers, victims with their probes, and the protocol that both speak.
//!
//! Nothing here knows the harness. A role reads orders from its standard input and answers on its standard output; it
//! ends when that stream ends. All unsafe code is in `raw.rs`.

mod attacker;
mod bounds;
mod clock;
mod oom;
mod pause;
mod program;
pub mod protocol;
mod raw;
mod sight;
mod spin;
mod stream;
mod survey;
mod tally;
pub mod uplink;
mod victim;
mod watcher;

pub use attacker::{AttackOrder, DiskOrder, MemoryOrder, run as run_attacker};
pub use bounds::Dose;
pub use pause::run as run_pause;
pub use program::{Program, SEARCHED};
pub use sight::remove as remove_planted;
pub use survey::SurveyOrder;
pub use victim::{Check, PROBES, ServiceOrder, VictimOrder, run as run_victim};
pub use watcher::{PLANT, SURVEY, WatchReport, run as run_watcher};
