//! The victim's role: an init that relays orders, and one process for each probe.
//!
//! Every probe has a process of its own, made before any attack: a slow operation of one cannot delay another, and no
//! probe needs the attacked resource just to exist.

mod delay;
mod fork;
mod measure;
mod probe;
mod relay;
mod work;

pub use relay::run;

/// The probes, `resource/operation`, in the order in which they are started.
pub const PROBES: [&str; 2] = [work::NAME, fork::NAME];
