//! contain-test answers with evidence whether a sandbox contains what runs in it.
//!
//! The rooms, and the direction of their dependencies, are described in `docs/architecture.md`.

pub mod analyze;
pub mod announce;
pub mod cgroup;
pub mod cli;
mod compression;
pub mod engine;
pub mod glossary;
pub mod guardian;
pub mod guest;
pub mod host;
pub mod node;
pub mod record;
pub mod report;
pub mod rootless;
pub mod sandbox;
pub mod scenario;
pub mod sys;
pub mod vm;
