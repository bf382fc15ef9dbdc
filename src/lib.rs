//! contain-test answers with evidence whether a sandbox contains what runs in it.
//!
//! The rooms, and the direction of their dependencies, are described in `docs/architecture.md`.

pub mod cli;
pub mod engine;
pub mod host;
pub mod record;
pub mod scenario;
