//! contain-test answers with evidence whether a sandbox contains what runs in it.
//!
//! The rooms, and the direction of their dependencies, are described in `docs/architecture.md`.

pub mod cgroup;
pub mod engine;
pub mod node;
pub mod record;
pub mod sandbox;
pub mod scenario;
pub mod sys;
