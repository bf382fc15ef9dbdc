//! The experiment: phases, supervision, events out. The engine never prints and alone owns signals.

mod event;

pub use event::{Event, Phase};
